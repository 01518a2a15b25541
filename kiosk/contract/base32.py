"""Crockford's base 32, for numbers that people read out and type: no two characters look alike."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES: Final = str.maketrans("ILO", "110")


def encode(number: int, length: int) -> str:
    """Return the lowest ``5 * length`` bits of ``number`` in ``length`` characters."""
    return "".join(ALPHABET[number >> 5 * at & 31] for at in reversed(range(length)))


def as_typed(text: str) -> str:
    """Return ``text`` without spaces and dashes, in capitals, with I and L as 1 and O as 0.

    It may still contain characters that are not in the alphabet.
    """
    return "".join(text.replace("-", " ").split()).upper().translate(_LOOK_ALIKES)
