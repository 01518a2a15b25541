"""The chip around the application: command chaining, long answers, T=0 and T=1.

It also keeps a list of what it was sent, in memory alone, for tests to look at.
"""

from __future__ import annotations

from hardware.virtual.commands import CHAINING, Command, MalformedCommandError, Status, parse
from hardware.virtual.piv import PivApplet
from hardware.virtual.state import CardState

GET_RESPONSE = 0xC0


class VirtualCard:
    """A PIV card without a reader: ``transmit`` takes and returns APDUs."""

    def __init__(self, state: CardState) -> None:
        self.state = state
        self.received: list[Command] = []
        self._applet = PivApplet(state)
        self._pending = b""
        self._chain = b""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self.state.profile.atr

    def reset(self) -> None:
        """Forget the session, a half-sent command and an uncollected answer."""
        self._applet.reset()
        self._pending = self._chain = b""

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU with data and status word."""
        try:
            data, status = self._answer(parse(command))
        except MalformedCommandError:
            data, status = b"", Status.WRONG_LENGTH
        return data + status.to_bytes(2, "big")

    def _answer(self, command: Command) -> tuple[bytes, int]:
        if command.ins == GET_RESPONSE:
            return self._piece(command)
        self._pending = b""
        if self.state.profile.t0 and command.data and command.le is not None:
            return b"", Status.WRONG_LENGTH
        if command.chained:
            self._chain += command.data
            return b"", Status.OK
        whole = self._whole(command)
        self.received.append(whole)
        return self._deliver(whole, *self._applet.process(whole))

    def _whole(self, last: Command) -> Command:
        data, self._chain = self._chain + last.data, b""
        return Command(last.cla & ~CHAINING, last.ins, last.p1, last.p2, data, last.le)

    def _deliver(self, command: Command, data: bytes, status: int) -> tuple[bytes, int]:
        if not data:
            return data, status
        self._pending = data
        if self.state.profile.t0 and command.data:
            return b"", self._more()
        return self._piece(command)

    def _piece(self, command: Command) -> tuple[bytes, int]:
        if not self._pending:
            return b"", Status.CONDITIONS
        wanted = command.le or 256
        if self.state.profile.t0 and wanted != self._due():
            return b"", Status.WRONG_LE | self._due() & 0xFF
        count = wanted if wanted > 256 else min(wanted, self.state.profile.piece)
        piece, self._pending = self._pending[:count], self._pending[count:]
        return piece, self._more() if self._pending else Status.OK

    def _due(self) -> int:
        return min(len(self._pending), self.state.profile.piece)

    def _more(self) -> int:
        # SW2 of 00 says "256 bytes or more".
        return Status.MORE | self._due() & 0xFF
