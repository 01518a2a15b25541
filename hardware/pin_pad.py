"""PIN entry on a reader's keys, byte by byte: PC/SC part 10, 2.02.09.

A reader that takes PINs gets the command as a template, with the place of the digits in its body.
It fills them in and sends the command to the card. Nothing here ever holds a digit. Numbers are
little-endian, except for the control codes of 2.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from kiosk.contract.errors import PadTrouble

VERIFY_PIN_DIRECT: Final = 0x06
MODIFY_PIN_DIRECT: Final = 0x07
GET_TLV_PROPERTIES: Final = 0x12
"""Features by their tags (2.3)."""

_ONE_ENTRY_S, _ALL_ENTRIES_S = 60, 90
"""The longest time for one entry, and for all entries of a command.

libccid abandons a reader after 90 seconds; what became of the command is then unknown.
"""

_ENGLISH: Final = 0x0409
"""wLangId: United States, which every reader's firmware has."""

_LAYOUT, _MIN, _MAX = 0x01, 0x06, 0x07
"""wLcdLayout, bMinPINSize and bMaxPINSize among the properties (2.6.14)."""

_TROUBLES: Final[Mapping[int, PadTrouble]] = {
    0x6400: "timeout",
    0x6401: "cancelled",
    0x6402: "different",
    0x6403: "length",
}

NOT_TAKEN: Final = 0x6B80
"""The reader does not accept this structure (2.5.2)."""


class PadOperation(Enum):
    """Which PINs are entered; a new one is entered twice."""

    CURRENT = 1
    NEW = 2
    BOTH = 3

    @property
    def entries(self) -> int:
        """How often the person enters a PIN."""
        return self.value


@dataclass(frozen=True, slots=True)
class PadEntry:
    """Which PIN a reader takes, its length, and its place in the body.

    PINs are ASCII digits from the left. Each fills ``block`` bytes; the rest of the block stays as
    in the template. With 0 the body grows by the digits that are typed. A new PIN begins at
    ``new_at``, a current one at the start.
    """

    asked: PadOperation
    shortest: int
    longest: int
    block: int = 0
    new_at: int = 0

    @property
    def feature(self) -> int:
        return VERIFY_PIN_DIRECT if self.asked is PadOperation.CURRENT else MODIFY_PIN_DIRECT

    @property
    def time_out_s(self) -> int:
        return min(_ONE_ENTRY_S, _ALL_ENTRIES_S // self.asked.entries)

    @property
    def seconds(self) -> float:
        """How long the person may take in all."""
        return float(self.time_out_s * self.asked.entries)


LONGEST_ON_KEYS: Final = 15
"""GnuPG's ccid-driver asks for as many at most, so that readers are known to take the number."""


@dataclass(frozen=True, slots=True)
class PadProperties:
    """The lengths of PINs that a reader's keys take, and whether it has a display."""

    shortest: int = 0
    longest: int = 0xFF
    display: bool = False


def features(answer: bytes) -> dict[int, int]:
    """Read the control codes by feature (2.2: tag, 04, code big-endian); {} for none."""
    if len(answer) % 6:
        return {}
    read = struct.iter_unpack(">BBI", answer)
    return {tag: code for tag, length, code in read if length == 4}


def properties(answer: bytes) -> PadProperties:
    """Read the properties (2.6.14: tag, length, value); a missing one keeps its default."""
    values = dict[int, int]()
    while len(answer) >= 2:
        tag, length, rest = answer[0], answer[1], answer[2:]
        values[tag] = int.from_bytes(rest[:length], "little")
        answer = rest[length:]
    return PadProperties(
        shortest=values.get(_MIN, 0),
        longest=values.get(_MAX, 0) or 0xFF,
        display=values.get(_LAYOUT, 0) != 0,
    )


def structure(entry: PadEntry, apdu: bytes, *, display: bool) -> bytes:
    """Return the structure for the reader; ``apdu`` is header, Lc and body, without Le."""
    if entry.asked is PadOperation.CURRENT:
        return _verify(entry, apdu, display)
    return _modify(entry, apdu, display)


def trouble(status: int) -> PadTrouble | None:
    """Return why a reader sent nothing; None for any other status (2.5.2, 2.5.3)."""
    return _TROUBLES.get(status)


def _verify(entry: PadEntry, apdu: bytes, display: bool) -> bytes:
    """PIN_VERIFY_STRUCTURE (2.5.2)."""
    head = struct.pack(
        "<BBBBBHBBHB3sI",
        entry.time_out_s,  # bTimeOut
        entry.time_out_s,  # bTimeOut2
        0x82,  # bmFormatString: bytes, at position 0, from the left, ASCII
        entry.block,  # bmPINBlockString: no length goes in; size of the block
        0x00,  # bmPINLengthFormat: no length goes in
        entry.shortest << 8 | entry.longest,  # wPINMaxExtraDigit
        0x02,  # bEntryValidationCondition: the validation key
        0x01 if display else 0x00,  # bNumberMessage
        _ENGLISH,  # wLangId
        0x00,  # bMsgIndex: "enter PIN"
        bytes(3),  # bTeoPrologue: the driver's
        len(apdu),  # ulDataLength
    )
    return head + apdu


def _modify(entry: PadEntry, apdu: bytes, display: bool) -> bytes:
    """PIN_MODIFY_STRUCTURE (2.5.3)."""
    both = entry.asked is PadOperation.BOTH
    first = 0 if both else 1
    head = struct.pack(
        "<BBBBBBBHBBBHBBB3sI",
        entry.time_out_s,  # bTimeOut
        entry.time_out_s,  # bTimeOut2
        0x82,  # bmFormatString
        entry.block,  # bmPINBlockString
        0x00,  # bmPINLengthFormat
        0x00,  # bInsertionOffsetOld
        entry.new_at,  # bInsertionOffsetNew
        entry.shortest << 8 | entry.longest,  # wPINMaxExtraDigit
        0x03 if both else 0x01,  # bConfirmPIN: the new one twice, and the current one
        0x02,  # bEntryValidationCondition
        entry.asked.entries if display else 0x00,  # bNumberMessage
        _ENGLISH,  # wLangId
        first,  # bMsgIndex1: 0 "enter PIN", 1 "enter new PIN", 2 "confirm"
        first + 1,  # bMsgIndex2
        2,  # bMsgIndex3
        bytes(3),  # bTeoPrologue
        len(apdu),  # ulDataLength
    )
    return head + apdu
