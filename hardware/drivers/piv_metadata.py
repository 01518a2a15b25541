"""What some PIV cards tell of a PIN, a PUK or a key by a command that is not in the standard.

GET METADATA came with YubiKeys of firmware 5.3, and other makers took it over. It reads and
counts nothing, and needs no PIN. A card without it says that it does not know the instruction.
"""

from __future__ import annotations

from typing import Final

from hardware import public_keys
from hardware.apdu import LE_ALL, Command, Header
from hardware.driver import PinKey
from hardware.drivers import tlv
from hardware.drivers.piv_proof import ALGORITHMS
from kiosk.dialogue import RSA_KINDS

GET_METADATA: Final = 0xF7

_RETRIES: Final = 0x06
"""Two bytes: how many wrong ones in a row it takes, and how many of them are left."""

_ALGORITHM: Final = 0x01
_PUBLIC_KEY: Final = 0x04
_PUBLIC_KEY_TEMPLATE: Final = 0x7F49
_MODULUS, _EXPONENT, _POINT = 0x81, 0x82, 0x86
"""As GENERATE ASYMMETRIC KEY PAIR answers (SP 800-73-5 part 2, 3.3.2)."""

_KINDS: Final = {bytes((number,)): kind for kind, number in ALGORITHMS.items()}


def question(reference: int) -> Command:
    """Ask for what is known of a key reference; it may be sent twice."""
    return Command(Header(0x00, GET_METADATA, 0x00, reference), le=LE_ALL, harmless=True)


def tries_left(data: bytes) -> int | None:
    """Return the tries left; None where they are not told, or more of them than there are."""
    told = tlv.find(data, _RETRIES) or b""
    if len(told) != 2 or told[1] > told[0]:
        return None
    return told[1] if told[0] else None


def public_key(data: bytes) -> PinKey | None:
    """Return the key; None where it is not told, or of a kind that cannot be checked."""
    kind = _KINDS.get(tlv.find(data, _ALGORITHM) or b"")
    told = tlv.find(data, _PUBLIC_KEY) or b""
    key = tlv.find(told, _PUBLIC_KEY_TEMPLATE) or told
    if kind not in RSA_KINDS.values():
        return public_keys.from_point(kind, tlv.find(key, _POINT) or b"")
    modulus, exponent = tlv.find(key, _MODULUS), tlv.find(key, _EXPONENT)
    return public_keys.from_rsa_numbers(modulus or b"", exponent or b"")
