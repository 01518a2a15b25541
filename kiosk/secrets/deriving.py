"""Unblock secrets that are made from a master key and what their card is: pure, but for the MAC.

The key derivation function of NIST SP 800-108r1 in counter mode (4.1), with AES-CMAC
(SP 800-38B) for its function. ``docs/unblock-secrets.md`` says it in full, with an example,
so that a card management system with the same master key comes to the same secrets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kiosk.dialogue import CardId
from kiosk.policy import admin_key
from kiosk.secrets.framing import framed
from kiosk.sensitive import Sensitive

LABEL: Final = b"unlock-kiosk/1/unblock-secret"
"""Keeps what is derived here apart from whatever else the same master key may make."""

ISSUED: Final = 0
"""The generation that a card is issued with; each one after it is drawn here, once."""

_MINUTE: Final = 60
"""Seconds; a card's secrets are minutes apart, and minutes fit into 31 bits for good."""

DIGITS: Final = 8
"""Every family but those with admin keys takes eight digits, and PIV takes nothing else."""

_BLOCK: Final = 16
_WORD: Final = 4


Cmac = Callable[[bytes], bytes]
"""AES-CMAC under one master key, wherever that is kept; gives 16 bytes."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a card's secret is made: the master key's id, and which one of the card's it is."""

    master: str
    generation: int = ISSUED


def least_generation(now: datetime) -> int:
    """Return the lowest number that a secret made now may have: the minutes since 1970.

    A count alone would begin again where a backup was restored, or a person erased and
    their card recorded anew, and make secrets that stations were shown before.
    """
    return int(now.timestamp()) // _MINUTE


def expand(cmac: Cmac, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``length`` bytes: K(i) = CMAC([i] || label || 00 || context || [8 * length])."""
    fixed = label + b"\0" + context + (8 * length).to_bytes(_WORD, "big")
    numbers = range(1, -(-length // _BLOCK) + 1)
    return b"".join(cmac(i.to_bytes(_WORD, "big") + fixed) for i in numbers)[:length]


def unblock_secret(cmac: Cmac, card: CardId, generation: int) -> Sensitive:
    """Return the secret of ``card`` in its family's form.

    Eight digits are 128 bits modulo 10^8: none is likelier than another by more than one
    in 2^101.
    """
    context = framed(card.driver, card.identifier, generation)
    if card.driver in admin_key.FAMILIES:
        made = expand(cmac, LABEL, context, admin_key.DIGITS // 2)
        return Sensitive(admin_key.with_parity(made.hex()))
    number = int.from_bytes(expand(cmac, LABEL, context, _BLOCK), "big")
    return Sensitive(f"{number % 10**DIGITS:0{DIGITS}d}")
