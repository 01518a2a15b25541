"""The chip around an application: commands, command chaining, long answers, T=0 and T=1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Protocol, TypeVar

from hardware.tlv import elements, make

# Command APDUs as a card sees them (ISO 7816-4, 5.1), and status words by name.

CHAINING = 0x10


class MalformedCommandError(ValueError):
    """The bytes are no command APDU; a card answers 6700."""


@dataclass(frozen=True, slots=True)
class ReceivedCommand:
    """One command; ``le`` is the number of bytes wanted, None when none was named."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    @property
    def chained(self) -> bool:
        return bool(self.cla & CHAINING)

    def __repr__(self) -> str:
        head = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        return f"Command({head}, {len(self.data)} bytes)"


def parse(raw: bytes) -> ReceivedCommand:
    """Read a short or extended APDU; raises ``MalformedCommandError``."""
    if len(raw) < 4:
        raise MalformedCommandError(f"{len(raw)} bytes are no command")
    cla, ins, p1, p2 = raw[:4]
    data, le = _body(raw[4:])
    return ReceivedCommand(cla, ins, p1, p2, data, le)


def _body(body: bytes) -> tuple[bytes, int | None]:
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or 256
    if body[0] == 0 and len(body) >= 3:
        number = int.from_bytes(body[1:3], "big")
        if len(body) == 3:
            return b"", number or 65536
        return _split(body[3:], number, 2)
    return _split(body[1:], body[0], 1)


def _split(rest: bytes, length: int, le_size: int) -> tuple[bytes, int | None]:
    data, tail = rest[:length], rest[length:]
    if len(data) != length or length == 0 or len(tail) not in (0, le_size):
        raise MalformedCommandError("the lengths do not add up")
    if not tail:
        return data, None
    return data, int.from_bytes(tail, "big") or 256**le_size


class Status:
    """Status words of ISO 7816-4 and SP 800-73-5 part 2 that this card uses."""

    OK = 0x9000
    WRONG_LENGTH = 0x6700
    NOT_SATISFIED = 0x6982
    BLOCKED = 0x6983
    USED_BEFORE = 0x6984
    CONDITIONS = 0x6985
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    WRONG_P1P2 = 0x6A86
    NO_REFERENCE = 0x6A88
    WRONG_LE = 0x6C00
    UNKNOWN_INS = 0x6D00
    MORE = 0x6100


def read(encoded: bytes) -> dict[int, bytes]:
    """Read the data objects (DER) on the top level; raises ``ValueError`` where one is broken."""
    found = {item.tag: item.value for item in elements(encoded)}
    if b"".join(make(tag, value) for tag, value in found.items()) != encoded:
        raise ValueError("a data object is broken")
    return found


GET_RESPONSE = 0xC0
REMEMBERED = 1000
"""How many commands ``received`` keeps."""

Answer = tuple[bytes, int]
Heading = tuple[int, int, int]


ATR_T1 = bytes.fromhex("3B858131FE454B696F736BDB")
"""Direct convention, protocol T=1 alone, historical bytes ``Kiosk``; the last byte is TCK."""

ATR_T0 = bytes.fromhex("3B054B696F736B")
"""The same bytes on a card that speaks T=0 alone (which has no TCK)."""

ATR_CONTACTLESS = bytes.fromhex("3B8580014B696F736B51")
"""The same bytes as a reader reports them for a contactless card (PC/SC part 3)."""


@dataclass(frozen=True, slots=True)
class ChipProfile:
    """How a chip behaves on its interface, whatever its application."""

    contactless: bool = False  # all commands about a PIN and what unblocks it are 6982
    t0: bool = False  # speaks T=0: no Le beside a body; GET RESPONSE fetches answers
    piece: int = 256  # long answers come in pieces of this many bytes (cards have 255 and 256)

    @property
    def atr(self) -> bytes:
        """The answer to reset for the interface and the protocol."""
        if self.contactless:
            return ATR_CONTACTLESS
        return ATR_T0 if self.t0 else ATR_T1


class Memory(Protocol):
    """The persistent memory of a card."""

    @property
    def profile(self) -> ChipProfile:
        """The behaviour of its make."""


class Applet(Protocol):
    """Answers whole commands; the chip does chaining and splits answers."""

    def reset(self) -> None:
        """Forget the session, as on a loss of power."""

    def process(self, command: ReceivedCommand) -> Answer:
        pass


StateT = TypeVar("StateT", bound=Memory)


class AppletChip(Generic[StateT]):
    """A card of one application without a reader: ``transmit`` takes and returns APDUs.

    ``on_change`` is called with the state before the answer to a command that may have changed it.
    """

    changing: ClassVar[tuple[int, ...]] = (0x20, 0x24, 0x2C)

    def __init__(self, state: StateT, applet: Applet) -> None:
        self.state = state
        self.on_change: Callable[[StateT], None] | None = None
        self.received: list[ReceivedCommand] = []
        self._applet = applet
        self._pending = b""
        self._chain: tuple[Heading, bytes] | None = None

    @property
    def atr(self) -> bytes:
        return self.state.profile.atr

    def reset(self) -> None:
        """Forget the session, an unfinished command chain and an answer that was not fetched."""
        self._applet.reset()
        self._pending, self._chain = b"", None

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU with data and status word."""
        try:
            data, status = self._answer(parse(command))
        except MalformedCommandError:
            data, status = b"", Status.WRONG_LENGTH
        return data + status.to_bytes(2, "big")

    def _answer(self, command: ReceivedCommand) -> tuple[bytes, int]:
        if command.ins == GET_RESPONSE:
            return self._piece(command)
        self._pending = b""
        if self.state.profile.t0 and command.data and command.le is not None:
            return b"", Status.WRONG_LENGTH
        if command.chained:
            if command.le is not None:
                return b"", Status.WRONG_LENGTH
            self._chain = (_heading(command), self._chained_to(command) + command.data)
            return b"", Status.OK
        data = self._chained_to(command) + command.data
        self._chain = None
        whole = replace(command, cla=command.cla & ~CHAINING, data=data)
        self.received.append(whole)
        del self.received[:-REMEMBERED]
        data, status = self._applet.process(whole)
        if self.on_change is not None and whole.ins in self.changing:
            self.on_change(self.state)
        if not data:
            return data, status
        self._pending = data
        if self.state.profile.t0 and whole.data:
            return b"", self._more()
        return self._piece(whole)

    def _chained_to(self, piece: ReceivedCommand) -> bytes:
        # Another command ends a chain (ISO 7816-4, 5.3.3).
        if self._chain is None or self._chain[0] != _heading(piece):
            return b""
        return self._chain[1]

    def _piece(self, command: ReceivedCommand) -> tuple[bytes, int]:
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


def _heading(command: ReceivedCommand) -> Heading:
    return command.ins, command.p1, command.p2
