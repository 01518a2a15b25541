"""What some PIV cards tell of a PIN or PUK by a command that is not in the standard.

GET METADATA came with YubiKeys of firmware 5.3, and other makers took it over. It reads and
counts nothing, and needs no PIN. A card without it says that it does not know the instruction.
"""

from __future__ import annotations

from typing import Final

from hardware.apdu import LE_ALL, Command, Header
from hardware.drivers import tlv

GET_METADATA: Final = 0xF7

_RETRIES: Final = 0x06
"""Two bytes: how many wrong ones in a row it takes, and how many of them are left."""


def question(reference: int) -> Command:
    """Ask for what is known of a key reference; it may be sent twice."""
    return Command(Header(0x00, GET_METADATA, 0x00, reference), le=LE_ALL, harmless=True)


def tries_left(data: bytes) -> int | None:
    """Return the tries left; None where they are not told, or more of them than there are."""
    told = tlv.find(data, _RETRIES) or b""
    if len(told) != 2 or told[1] > told[0]:
        return None
    return told[1] if told[0] else None
