"""The PIV application: which command goes where, and what must come first."""

from __future__ import annotations

from hardware.virtual import objects, signing
from hardware.virtual.chip import Answer
from hardware.virtual.commands import Command, Status
from hardware.virtual.reference import PIN as PIN_REFERENCE
from hardware.virtual.reference import PUK, ReferenceCommands, Session
from hardware.virtual.state import CardState
from hardware.virtual.tlv import read, tlv

SLOT_PIV_AUTHENTICATION = 0x9A
SLOT_CARD_AUTHENTICATION = 0x9E
VERSION = bytes([5, 7, 2])


class PivApplet:
    """Answers whole commands; chaining and pieces are the transport's business."""

    def __init__(self, state: CardState) -> None:
        self._state = state
        self._selected = False
        self._session = Session()

    def reset(self) -> None:
        """Forget the session, as a loss of power does."""
        self._selected = False
        self._session = Session()

    def process(self, command: Command) -> Answer:
        """Answer one command."""
        if command.ins == 0xA4:
            return self._select(command)
        if not self._selected:
            return b"", Status.UNKNOWN_INS
        if command.ins in (0x20, 0x24, 0x2C):
            return b"", self._reference(command)
        return self._other(command)

    def _select(self, command: Command) -> Answer:
        if command.p1 != 0x04:
            return b"", Status.WRONG_P1P2
        if not self._is_mine(command.data):
            return b"", self._state.profile.absent_status
        # What was verified stays so when the application is selected again (3.1.1).
        self._selected = True
        outer = self._state.profile.template_tag
        return objects.property_template(outer_tag=outer), Status.OK

    def _is_mine(self, aid: bytes) -> bool:
        profile = self._state.profile
        if aid in (objects.AID, objects.FULL_AID):
            return profile.full_aid
        return profile.short_aid and aid == objects.AID_PREFIX

    def _reference(self, command: Command) -> int:
        if self._state.profile.contactless:
            return Status.NOT_SATISFIED
        commands = ReferenceCommands(self._state, self._session)
        if command.ins == 0x20:
            return commands.verify(command)
        if command.ins == 0x24:
            return commands.change(command)
        return commands.reset_retry_counter(command)

    def _other(self, command: Command) -> Answer:
        match command.ins:
            case 0xCB:
                return self._get_data(command)
            case 0x87:
                return self._general_authenticate(command)
            case 0xFD if self._state.profile.vendor_commands:
                return VERSION, Status.OK
            case 0xF8 if self._state.profile.vendor_commands:
                return self._state.serial.to_bytes(4, "big"), Status.OK
            case 0xF7 if self._state.profile.metadata:
                return self._metadata(command)
            case _:
                return b"", Status.UNKNOWN_INS

    def _get_data(self, command: Command) -> Answer:
        if (command.p1, command.p2) != (0x3F, 0xFF):
            return b"", Status.WRONG_P1P2
        try:
            tag = int.from_bytes(read(command.data)[0x5C], "big")
        except (ValueError, KeyError):
            return b"", Status.WRONG_DATA
        content = self._state.objects.get(tag)
        if content is None:
            return b"", Status.NOT_FOUND
        # The discovery object alone has its own tag where the others have 53.
        outer = tag if tag == objects.DISCOVERY else 0x53
        return tlv(outer, content), Status.OK

    def _general_authenticate(self, command: Command) -> Answer:
        key = self._state.keys.get(command.p2)
        if key is None:
            return b"", Status.NO_REFERENCE
        if command.p2 != SLOT_CARD_AUTHENTICATION and not self._session.pin_verified:
            return b"", Status.NOT_SATISFIED
        return signing.authenticate(key, command.p1, command.data)

    def _metadata(self, command: Command) -> Answer:
        key = self._state.keys.get(command.p2)
        if key is not None:
            return signing.metadata(key, pin=command.p2 != SLOT_CARD_AUTHENTICATION), Status.OK
        which = {PIN_REFERENCE: self._state.pin, PUK: self._state.puk}.get(command.p2)
        if which is None:
            return b"", Status.NO_REFERENCE
        algorithm = tlv(0x01, b"\xff") + tlv(0x05, b"\x00")
        return algorithm + tlv(0x06, bytes([which.limit, which.left])), Status.OK
