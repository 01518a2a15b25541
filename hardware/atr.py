"""What an answer to reset tells of the way to the card."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

_DIRECT: Final = 0x3B
_TWO_PROTOCOLS: Final = bytes([0x80, 0x01])
"""TD1 and TD2: T=0, then T=1, and nothing about speed or voltage, which the air has not."""

_FRAME: Final = 5
"""TS, T0, TD1, TD2 and the check byte: all but the historical bytes."""


def is_contactless(atr: bytes) -> bool:
    """Whether a reader made it up for a card over the air: 3B 8n 80 01 (PC/SC, part 3).

    Such a card has no answer to reset of its own.
    """
    if len(atr) < _FRAME or atr[0] != _DIRECT or atr[2:4] != _TWO_PROTOCOLS:
        return False
    interface, historical = atr[1] & 0xF0, atr[1] & 0x0F
    return interface == 0x80 and len(atr) == _FRAME + historical and reduce(xor, atr[1:]) == 0
