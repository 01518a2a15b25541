"""The form in which an OpenPGP card wants its passwords (OpenPGP card 3.4, 4.3.2 and 4.4.2).

A card may be set up so that a password never reaches it as it was typed: it holds what
was derived from it, and tells in its KDF object how. Sent as it was typed, a right
password would then be counted as a wrong one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from hardware.drivers import tlv
from kiosk.errors import CardProtocolError

_NONE, _ITERATED = 0x00, 0x03
_HASHES: Final = {0x08: "sha256", 0x0A: "sha512"}
_ALGORITHM, _HASH, _COUNT = 0x81, 0x82, 0x83
_SALTS: Final = (0x84, 0x85, 0x86)
"""Salts of PW1, of the resetting code and of PW3; where there is but one, it is for all."""

_BLOCK: Final = 64 * 1024
"""Bytes that are hashed at once: a card may ask for many."""

SALT_LENGTH: Final = 8
LARGEST_COUNT: Final = 65_011_712
"""Bytes to hash: the most that OpenPGP itself can write down (RFC 9580, 3.7.1.3)."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """Turns a password into what the card compares, each kind with its own salt."""

    hash_name: str
    count: int
    salts: tuple[bytes, bytes, bytes] = field(repr=False)

    def apply(self, password: bytes, which: int) -> bytes:
        """Return the derived value; ``which`` is 0 for PW1, 1 for the resetting code, 2 for PW3.

        Iterated and salted S2K: salt and password over and over, cut off after ``count``
        bytes, but never before they were hashed once.
        """
        once = self.salts[which] + password
        count = max(self.count, len(once))
        block = once * (_BLOCK // len(once) + 1)
        rounds, rest = divmod(count, len(block))
        digest = hashlib.new(self.hash_name)
        for _ in range(rounds):
            digest.update(block)
        digest.update(block[:rest])
        return digest.digest()


def read_derivation(data: bytes) -> Derivation | None:
    """Return what the KDF object asks for; None where passwords go as they were typed.

    Raises ``CardProtocolError`` where it asks for something that is not understood: then
    no password may be sent at all.
    """
    algorithm = tlv.find(data, _ALGORITHM)
    if algorithm is None or algorithm == bytes((_NONE,)):
        return None
    if algorithm != bytes((_ITERATED,)):
        raise CardProtocolError("the card wants its passwords derived in an unknown way")
    name = _HASHES.get(int.from_bytes(tlv.find(data, _HASH) or b""))
    count = int.from_bytes(tlv.find(data, _COUNT) or b"")
    first, *others = (tlv.find(data, tag) for tag in _SALTS)
    if name is None or first is None or not 0 < count <= LARGEST_COUNT:
        raise CardProtocolError("what the card says of its passwords makes no sense")
    salts = (first, *(first if salt is None else salt for salt in others))
    if any(len(salt) != SALT_LENGTH for salt in salts):
        raise CardProtocolError("what the card says of its passwords makes no sense")
    return Derivation(name, count, (salts[0], salts[1], salts[2]))
