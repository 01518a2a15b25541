"""The GIDS application: which command goes where, and what must come first."""

from __future__ import annotations

from hardware.virtual.chip import Answer
from hardware.virtual.commands import Command, Status
from hardware.virtual.gids.admin import AdminCommands
from hardware.virtual.gids.containers import ContainerCommands
from hardware.virtual.gids.pins import PinCommands
from hardware.virtual.gids.state import GidsState, Session
from hardware.virtual.tlv import read, tlv

AID = bytes.fromhex("A000000397425446590201")
SHARED_AID = AID[:9]
APPLICATION = 0x3FFF
PIN_STATUS = 0x7F71
_PROTECTED = (0x20, 0x22, 0x24, 0x2A, 0x2C, 0x87)
_KEY = 0x70
_MUTUAL_AND_EXTERNAL = b"\xc0"


class GidsApplet:
    """Answers whole commands; chaining and pieces are the chip's business."""

    def __init__(self, state: GidsState) -> None:
        self._state = state
        self._selected = False
        self._session = Session()
        self._pins = PinCommands(state, self._session)
        self._admin = AdminCommands(state, self._session)
        self._containers = ContainerCommands(state, self._session)

    def reset(self) -> None:
        """Forget the session, as a loss of power does."""
        self._selected = False
        self._session.forget()

    def process(self, command: Command) -> Answer:
        """Answer one command."""
        if command.ins == 0xA4:
            return self._select(command)
        if not self._selected:
            return b"", Status.UNKNOWN_INS
        if command.ins in _PROTECTED and self._state.profile.contactless:
            return b"", Status.NOT_SATISFIED
        match command.ins:
            case 0x20:
                return b"", self._pins.verify(command)
            case 0x24:
                return b"", self._pins.change(command)
            case 0x2C:
                return b"", self._pins.reset_retry_counter(command)
            case 0x22 if (command.p1, command.p2) == (0x41, 0xB6):
                return b"", self._containers.choose(command)
            case 0x22:
                return b"", self._admin.choose(command)
            case 0x2A:
                return self._containers.sign(command)
            case 0x87:
                return self._admin.authenticate(command)
            case 0xCB:
                return self._get_data(command)
            case _:
                return b"", Status.UNKNOWN_INS

    def _select(self, command: Command) -> Answer:
        if command.p1 != 0x04:
            return b"", Status.WRONG_P1P2
        profile = self._state.profile
        answers = {AID: profile.full_aid, SHARED_AID: profile.short_aid}
        if not answers.get(command.data, False):
            return b"", profile.absent_status
        self._selected = True
        self._session.forget()
        methods = tlv(0x73, tlv(0x40, _MUTUAL_AND_EXTERNAL))
        return tlv(0x61, tlv(0x4F, AID) + methods), Status.OK

    def _get_data(self, command: Command) -> Answer:
        try:
            wanted = read(command.data)
            if _KEY in wanted:
                return self._containers.public_key(wanted[_KEY])
            tag = int.from_bytes(wanted[0x5C], "big")
        except (ValueError, KeyError):
            return b"", Status.WRONG_DATA
        file = command.p1 << 8 | command.p2
        if (file, tag) == (APPLICATION, PIN_STATUS) and self._state.profile.tells_tries:
            return self._pin_status(), Status.OK
        content = self._state.files.get((file, tag))
        return (b"", Status.NO_REFERENCE) if content is None else (tlv(tag, content), Status.OK)

    def _pin_status(self) -> bytes:
        pin = self._state.pin
        left = 0x9F17 if self._state.profile.first_edition else 0x97
        return tlv(PIN_STATUS, tlv(left, bytes([pin.left])) + tlv(0x93, bytes([pin.limit])))
