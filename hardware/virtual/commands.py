"""Command APDUs as a card sees them (ISO 7816-4, 5.1), and status words by name."""

from __future__ import annotations

from dataclasses import dataclass

CHAINING = 0x10


class MalformedCommandError(ValueError):
    """The bytes are no command APDU; a card answers 6700."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``le`` is the number of bytes wanted, None when none was named."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    @property
    def chained(self) -> bool:
        """Whether more of the same command follows."""
        return bool(self.cla & CHAINING)

    def __repr__(self) -> str:
        head = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        return f"Command({head}, {len(self.data)} bytes)"


def parse(raw: bytes) -> Command:
    """Read a short or extended APDU; raises ``MalformedCommandError``."""
    if len(raw) < 4:
        raise MalformedCommandError(f"{len(raw)} bytes are no command")
    cla, ins, p1, p2 = raw[:4]
    data, le = _body(raw[4:])
    return Command(cla, ins, p1, p2, data, le)


def _body(body: bytes) -> tuple[bytes, int | None]:
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or 256
    if body[0] == 0 and len(body) >= 3:
        return _extended(body[1:])
    return _split(body[1:], body[0], 1)


def _extended(body: bytes) -> tuple[bytes, int | None]:
    number = int.from_bytes(body[:2], "big")
    if len(body) == 2:
        return b"", number or 65536
    return _split(body[2:], number, 2)


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
