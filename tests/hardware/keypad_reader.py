"""A reader's keys without PC/SC: they record each request, and the card answers from a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.apdu import CommandApdu, ResponseApdu, StatusWord
from hardware.connection import PinPad
from hardware.pcsc import GET_FEATURE_REQUEST
from hardware.pin_pad import PadEntry
from tests.hardware.drivers.openpgp_cards import Passwords

FEATURES = "06 04 42330006 07 04 42330007 12 04 42330012"
VERIFY, MODIFY, PROPERTIES = 0x42330006, 0x42330007, 0x42330012


@dataclass
class Reader:
    """Keys that record each request; ``properties`` answers GET_TLV_PROPERTIES."""

    properties: str = "0102100206010407010c"
    features: str = FEATURES
    asked: list[tuple[int, str]] = field(default_factory=list)

    def control(self, code: int, body: bytes) -> bytes:
        if code == GET_FEATURE_REQUEST:
            return bytes.fromhex(self.features)
        if code == PROPERTIES:
            return bytes.fromhex(self.properties)
        self.asked.append((code, body.hex()))
        return bytes.fromhex("9000")

    def keypad(self) -> PinPad:
        found = PinPad.found(self.control)
        assert found is not None
        return found


class KeypadChannel:
    """A channel to a card in such a reader."""

    def __init__(self, reader: Reader, card: Passwords) -> None:
        self.reader = reader
        self.card = card

    def send(self, command: CommandApdu) -> ResponseApdu:
        if command.pad is None:
            return self.card.send(command)
        return ResponseApdu(b"", StatusWord.from_bytes(self._keyed(command, command.pad)))

    def _keyed(self, command: CommandApdu, entry: PadEntry) -> bytes:
        return self.reader.keypad().prepared(command, entry)()
