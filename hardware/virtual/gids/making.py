"""A GIDS card without a reader, and how one is made."""

from __future__ import annotations

import secrets
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.virtual.chip import AppletChip
from hardware.virtual.gids.applet import GidsApplet
from hardware.virtual.gids.containers import container_map
from hardware.virtual.gids.files import CONTAINER_MAP, personalised
from hardware.virtual.gids.profile import GidsProfile
from hardware.virtual.gids.state import GidsState
from hardware.virtual.state import Reference

ADMIN_KEY = bytes.fromhex("8F3B10D95C7A42E61D84B7059E2FC36AF1608D375BA94C12")
"""The key of a card that is given no other."""
_DEFAULT_PROFILE = GidsProfile()


class GidsCard(AppletChip[GidsState]):
    """The GIDS application on its chip; a deep copy of ``state`` makes another such card."""

    changing: ClassVar[tuple[int, ...]] = (0x20, 0x24, 0x2C, 0x87)

    def __init__(self, state: GidsState) -> None:
        super().__init__(state, GidsApplet(state))


def new_gids_card(
    *,
    pin: str = "482915",
    admin_key: bytes = ADMIN_KEY,
    card_id: bytes | None = None,
    blocked: bool = False,
    containers: tuple[rsa.RSAPrivateKey, ...] = (),
    profile: GidsProfile = _DEFAULT_PROFILE,
) -> GidsCard:
    """Make a personalised card; ``blocked``: its PIN has no try left.

    ``admin_key`` has 24 bytes, ``card_id`` 16: random ones when not given. ``containers``
    are keys of 2048 bits and more that sign once the PIN was verified.
    """
    card_id = card_id or secrets.token_bytes(16)
    tries, key_tries = profile.pin_tries, profile.key_tries or 1
    state = GidsState(
        profile=profile,
        card_id=card_id,
        pin=Reference(pin.encode("ascii"), tries, 0 if blocked else tries),
        key=Reference(admin_key, key_tries, key_tries),
        files=personalised(card_id) | {CONTAINER_MAP: container_map(containers)},
        containers=containers,
    )
    return GidsCard(state)
