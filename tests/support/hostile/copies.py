"""Blank cards with the public identifier of another card, and their maker's own secrets.

Each keeps what the maker of a copy can read without the PIN of the genuine card (its
identifier, and its certificates where ``Key.SHOWN`` says so), and knows none of its secrets.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.virtual import piv
from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    VirtualCard,
    new_card,
)
from kiosk.contract.sensitive import Sensitive
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.hardware.pkcs11.tokens import Token, new_token
from tests.support.gids_card import GidsCard, new_gids_card

THIEFS_PIN: Final = "918273"
THIEFS_PUK: Final = "51627384"
THIEFS_ADMIN_KEY: Final = bytes.fromhex("1F2E3D4C5B6A798897A6B5C4D3E2F10F0123456789ABCDEF")


class Key(Enum):
    """What a copy has in a slot for a key."""

    OWN = "own"
    """Its own key and certificate."""

    SHOWN = "shown"
    """The genuine card's certificate, and its own key, which does not fit it."""

    NONE = "none"
    """Neither key nor certificate."""


def piv_copy(
    genuine: VirtualCard, *, card_key: Key = Key.NONE, pin_key: Key = Key.NONE
) -> VirtualCard:
    """Copy the GUID; ``card_key`` is for slot 9E, ``pin_key`` for slot 9A.

    Its PIN is ``THIEFS_PIN``, its PUK ``THIEFS_PUK``.
    """
    state = genuine.state
    copy = new_card(
        holder_name=state.holder_name, pin=THIEFS_PIN, puk=THIEFS_PUK, guid=state.guid,
        profile=state.profile,
    )  # fmt: skip
    copy.state.objects[piv.CHUID] = state.objects[piv.CHUID]
    slots = (
        (SLOT_CARD_AUTHENTICATION, piv.CERT_CARD_AUTHENTICATION, card_key),
        (SLOT_PIV_AUTHENTICATION, piv.CERT_PIV_AUTHENTICATION, pin_key),
    )
    for slot, tag, key in slots:
        match key:
            case Key.OWN:
                pass
            case Key.SHOWN:
                copy.state.objects[tag] = state.objects[tag]
            case Key.NONE:
                del copy.state.objects[tag], copy.state.keys[slot]
    return copy


def gids_copy(genuine: GidsCard, *, pin_key: bool = False) -> GidsCard:
    """Copy the card identifier; its PIN is ``THIEFS_PIN``, its admin key ``THIEFS_ADMIN_KEY``.

    ``pin_key``: it has its own key in its first container.
    """
    containers = (rsa.generate_private_key(65537, 2048),) if pin_key else ()
    return new_gids_card(
        pin=THIEFS_PIN, admin_key=THIEFS_ADMIN_KEY, card_id=genuine.state.card_id,
        containers=containers, profile=genuine.state.profile,
    )  # fmt: skip


def openpgp_copy(directory: Path, genuine: ForeignCard, *, pin_key: bool = True) -> ForeignCard:
    """Copy the serial number; PIN ``THIEFS_PIN``, resetting code and admin PIN ``THIEFS_PUK``.

    ``pin_key``: it has its own authentication key (Ed25519).
    """
    copy = ForeignCard(directory, serial=genuine.serial)
    if pin_key:
        copy.generate_authentication_key()
    assert copy.passwords.change_pw1("123456", THIEFS_PIN).is_success
    assert copy.passwords.set_reset_code(THIEFS_PUK, admin_verified=True).is_success
    assert copy.passwords.change_pw3("12345678", THIEFS_PUK).is_success
    return copy


def token_copy(directory: Path, genuine: Token) -> Token:
    """Copy label, serial number and slot; PIN ``THIEFS_PIN``, officer's PIN ``THIEFS_PUK``.

    Keys are put on it by ``tests.hardware.pkcs11.keys.put_keys(token, ..., pin=...)``. At the
    installed program it is the module's environment that decides which token is "in the
    reader": ``station(environ=copy.environ)``.
    """
    copy = new_token(directory, Sensitive(THIEFS_PIN), Sensitive(THIEFS_PUK))
    for file in (directory / "tokens").rglob("*.object"):
        content = file.read_bytes()
        file.write_bytes(content.replace(copy.serial.encode(), genuine.serial.encode()))
    return Token(directory, genuine.reader, genuine.serial, genuine.label, copy.environ)
