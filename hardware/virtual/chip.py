"""The chip around an application: command chaining, long answers, T=0 and T=1.

It also keeps a list of what it was sent, in memory alone, for tests to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, Protocol, TypeVar

from hardware.virtual.commands import CHAINING, Command, MalformedCommandError, Status, parse

GET_RESPONSE = 0xC0
REMEMBERED = 1000
"""So many commands are kept in ``received``."""

Answer = tuple[bytes, int]
Heading = tuple[int, int, int]


class Manners(Protocol):
    """How a chip talks, whatever its application."""

    @property
    def t0(self) -> bool:
        """Speaks T=0: no Le beside a body, answers are collected with GET RESPONSE."""

    @property
    def piece(self) -> int:
        """Long answers come in pieces of so many bytes."""

    @property
    def atr(self) -> bytes:
        """The answer to reset."""


class Memory(Protocol):
    """What a card remembers without power."""

    @property
    def profile(self) -> Manners:
        """The habits of its make."""


class Applet(Protocol):
    """Answers whole commands; chaining and pieces are the chip's business."""

    def reset(self) -> None:
        """Forget the session, as a loss of power does."""

    def process(self, command: Command) -> Answer:
        """Answer one command."""


StateT = TypeVar("StateT", bound=Memory)


class AppletChip(Generic[StateT]):
    """A card of one application without a reader: ``transmit`` takes and returns APDUs.

    ``on_change`` is told the state before the answer to a command that may have changed it.
    """

    changing: ClassVar[tuple[int, ...]] = (0x20, 0x24, 0x2C)

    def __init__(self, state: StateT, applet: Applet) -> None:
        self.state = state
        self.on_change: Callable[[StateT], None] | None = None
        self.received: list[Command] = []
        self._applet = applet
        self._pending = b""
        self._chain: tuple[Heading, bytes] | None = None

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self.state.profile.atr

    def reset(self) -> None:
        """Forget the session, a half-sent command and an uncollected answer."""
        self._applet.reset()
        self._pending, self._chain = b"", None

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
            return b"", self._link(command)
        whole = self._whole(command)
        self.received.append(whole)
        del self.received[:-REMEMBERED]
        data, status = self._applet.process(whole)
        if self.on_change is not None and whole.ins in self.changing:
            self.on_change(self.state)
        return self._deliver(whole, data, status)

    def _link(self, piece: Command) -> int:
        if piece.le is not None:  # nothing is answered before the last piece
            return Status.WRONG_LENGTH
        self._chain = (_heading(piece), self._chained_to(piece) + piece.data)
        return Status.OK

    def _whole(self, last: Command) -> Command:
        data = self._chained_to(last) + last.data
        self._chain = None
        return Command(last.cla & ~CHAINING, last.ins, last.p1, last.p2, data, last.le)

    def _chained_to(self, piece: Command) -> bytes:
        # Another command in between ends a chain (ISO 7816-4, 5.3.3).
        if self._chain is None or self._chain[0] != _heading(piece):
            return b""
        return self._chain[1]

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


def _heading(command: Command) -> Heading:
    return command.ins, command.p1, command.p2
