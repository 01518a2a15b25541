"""Which cards are unlocked with an admin key, and what such a key looks like: pure.

It is a key of triple DES: three parts, of which none may be like another. Keys with two
that are the same are no better than a much shorter one; cards leave their makers with one.
"""

from __future__ import annotations

import re
from typing import Final

FAMILIES: Final = frozenset({"gids"})
"""The families whose unblock secret is an admin key."""

DIGITS: Final = 48
"""Of a key as it is written: 24 bytes in hexadecimal."""

_PART: Final = 16
_WRITTEN: Final = re.compile(r"[0-9a-f]{48}")
_BETWEEN: Final = re.compile(r"[\s:-]")


def tidied(text: str) -> str:
    """Return a key as it is kept: small digits, and the parity that DES asks for, which is odd.

    Raises ``ValueError`` with what is wrong, in words that fit behind "it" and repeat nothing.
    """
    digits = _BETWEEN.sub("", text).lower()
    if not _WRITTEN.fullmatch(digits):
        raise ValueError(f"must be an admin key of {DIGITS} hexadecimal digits")
    parts = [with_parity(digits[at : at + _PART]) for at in range(0, DIGITS, _PART)]
    if len(set(parts)) < len(parts):
        raise ValueError(
            f"is an admin key with two parts of {_PART} digits that are the same, which makes it "
            "weak; give the card another one first"
        )
    return "".join(parts)


def with_parity(digits: str) -> str:
    """Make the number of ones in each byte odd by its lowest bit, which DES ignores."""
    return bytes(_odd(byte) for byte in bytes.fromhex(digits)).hex()


def _odd(byte: int) -> int:
    upper = byte & 0xFE
    return upper | (upper.bit_count() + 1) % 2
