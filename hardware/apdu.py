"""Command and response APDUs, short form, and their status words, after ISO/IEC 7816-4.

The instruction of a ``CommandApdu`` says whether it only reads. An instruction that is not on the
short list of reading ones counts as changing the card, so a new command is never repeated by
default.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from hardware.pin_pad import PadEntry
from kiosk.contract import errors
from kiosk.contract.messages import PinState

SELECT: Final = 0xA4
VERIFY: Final = 0x20
CHANGE_REFERENCE_DATA: Final = 0x24
RESET_RETRY_COUNTER: Final = 0x2C
GET_RESPONSE: Final = 0xC0
GET_DATA: Final = 0xCB
GET_DATA_SIMPLE: Final = 0xCA
GENERAL_AUTHENTICATE: Final = 0x87
INTERNAL_AUTHENTICATE: Final = 0x88
GENERATE_ASYMMETRIC_KEY_PAIR: Final = 0x47
MANAGE_SECURITY_ENVIRONMENT: Final = 0x22
PERFORM_SECURITY_OPERATION: Final = 0x2A

READING: Final = frozenset({SELECT, GET_RESPONSE, GET_DATA, GET_DATA_SIMPLE})
"""Instructions that spend and change nothing; only these may be sent a second time."""

LONGEST_BODY: Final = 255
LE_ALL: Final = 256
CHAINING: Final = 0x10


class StatusWord(int):
    @property
    def is_ok(self) -> bool:
        return self == 0x9000

    @property
    def is_proper(self) -> bool:
        """SW1 is 6x or 9x, as on every card (ISO/IEC 7816-3, 10.3.3)."""
        return self >> 12 in (0x6, 0x9)

    @property
    def bytes_available(self) -> int | None:
        """Bytes still to be fetched (61xx; 00 stands for 256), or None."""
        return (self & 0xFF or LE_ALL) if self >> 8 == 0x61 else None

    @property
    def correct_le(self) -> int | None:
        """The Le that the card asks for (6Cxx; 00 stands for 256), or None."""
        return (self & 0xFF or LE_ALL) if self >> 8 == 0x6C else None

    @property
    def tries_left(self) -> int | None:
        """The counter of 63Cx, or of the older form 630x where x is not 0, or None.

        63FF is the answer of a card with 255 tries.
        """
        if self == 0x63FF:
            return 255
        if self & 0xFFF0 == 0x63C0 or 0x6300 < self <= 0x630F:
            return self & 0x0F
        return None

    @property
    def is_wrong(self) -> bool:
        """63xx: the reference data did not match. 6381 alone is something else: a file is full."""
        return self >> 8 == 0x63 and self != 0x6381

    @property
    def is_blocked(self) -> bool:
        """6983, and 63C0, which some cards answer in its place."""
        return self in (0x6983, 0x63C0)

    def __repr__(self) -> str:
        return f"{int(self):04X}"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class CommandHeader:
    """The header of a command without its body: it may always be logged."""

    cla: int
    ins: int
    p1: int
    p2: int

    def __bytes__(self) -> bytes:
        return bytes((self.cla, self.ins, self.p1, self.p2))


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command; ``le`` is the length asked for (1 to 256) or None where none is.

    ``repr`` leaves the body out. ``within_change`` marks a command that is harmless by itself but
    belongs to a change that is under way, as GET RESPONSE can. ``harmless`` marks a command that
    spends and changes nothing although others with its instruction do. With ``pad`` the reader
    fills in PINs that are entered on its keys.
    """

    header: CommandHeader
    body: bytes = field(default=b"", repr=False)
    le: int | None = None
    within_change: bool = False
    harmless: bool = False
    pad: PadEntry | None = None

    def __post_init__(self) -> None:
        if self.le is not None and not 1 <= self.le <= LE_ALL:
            raise ValueError(f"Le {self.le} is not a short length")

    @property
    def only_reads(self) -> bool:
        """Return whether sending it twice does no more than sending it once.

        VERIFY without a body asks for the state and spends no try (7816-4, 11.6.6).
        """
        asks_state = self.header.ins == VERIFY and not self.body and self.pad is None
        return self.header.ins in READING or asks_state or self.harmless

    @property
    def changes_card(self) -> bool:
        """Return whether a lost answer leaves it unknown what the card now holds or has counted."""
        return self.within_change or not self.only_reads

    def with_le(self, le: int) -> CommandApdu:
        return replace(self, le=le)

    def chain(self) -> tuple[CommandApdu, ...]:
        """Split a long body to chain it (7816-4, 5.3.3); some cards refuse an Le before the end."""
        if len(self.body) <= LONGEST_BODY:
            return (self,)
        starts = range(0, len(self.body), LONGEST_BODY)
        bodies = [self.body[start : start + LONGEST_BODY] for start in starts]
        chained = replace(self.header, cla=self.header.cla | CHAINING)
        first = [replace(self, header=chained, body=body, le=None) for body in bodies[:-1]]
        return (*first, replace(self, body=bodies[-1]))


def select(aid: bytes) -> CommandApdu:
    """SELECT by application identifier, first occurrence (7816-4, 11.2.2)."""
    return CommandApdu(CommandHeader(0x00, SELECT, 0x04, 0x00), aid, LE_ALL)


def get_response(command: CommandApdu, le: int) -> CommandApdu:
    """GET RESPONSE for the rest of the answer to ``command`` (7816-4, 11.8.1)."""
    header = CommandHeader(command.header.cla & ~CHAINING, GET_RESPONSE, 0x00, 0x00)
    return CommandApdu(header, le=le, within_change=command.changes_card)


def encode(command: CommandApdu, *, t0: bool) -> bytes:
    """Return the bytes on the wire; a body of more than 255 bytes raises ``ValueError``.

    T=0 cannot send a body and an Le together: the Le is left out and GET RESPONSE fetches the
    answer. With T=0 a header alone has a fifth byte, P3 = 00.
    """
    if len(command.body) > LONGEST_BODY:
        raise ValueError("the body is too long for one APDU")
    head = bytes(command.header)
    if command.body:
        head += bytes((len(command.body),)) + command.body
        return head if t0 or command.le is None else head + _le(command.le)
    if command.le is not None:
        return head + _le(command.le)
    return head + b"\x00" if t0 else head


def _le(length: int) -> bytes:
    return bytes((length & 0xFF,))


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    data: bytes = field(repr=False)
    status: StatusWord


def decode(raw: bytes) -> ResponseApdu | None:
    """Split an answer; return None where it has no status word."""
    if len(raw) < 2:
        return None
    return ResponseApdu(raw[:-2], StatusWord(int.from_bytes(raw[-2:])))


class Channel(Protocol):
    def send(self, command: CommandApdu) -> ResponseApdu:
        """Return the answer, whatever its status word; raise a ``CardError`` without one.

        ``OutcomeUnknown`` is raised in place of any other error once a command that
        changes the card may have reached it.
        """


# What the status words of the PIN commands mean (ISO/IEC 7816-4, table 6). PIV and GIDS cards share
# the readings of VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-5 part 2, 3.2).
# Every variant that was seen on a card has its line here.

SECURITY_STATUS_NOT_SATISFIED: Final = 0x6982
"""For example over the contactless interface. No try is lost."""

REFERENCE_DATA_NOT_USABLE: Final = 0x6984
CONDITIONS_NOT_SATISFIED: Final = 0x6985
WRONG_LENGTH: Final = 0x6700
WRONG_DATA: Final = 0x6A80

_MALFORMED: Final = (WRONG_DATA, WRONG_LENGTH)
"""No try is lost."""

_BROKEN_RULES: Final[dict[int, errors.PinRefusal]] = {
    REFERENCE_DATA_NOT_USABLE: "history",
    CONDITIONS_NOT_SATISFIED: "complexity",
    **dict.fromkeys(_MALFORMED, "format"),
}

_MAYBE_DONE: Final = (0x65, 0x6F)
"""SW1 of "memory was changed" and of "no precise diagnosis"."""


def pin_state(status: StatusWord) -> PinState:
    """Read the answer to VERIFY without a body; raise the error of any other answer.

    9000 (a PIN is verified in this session) means that the PIN is not blocked, and does not show
    the tries left.
    """
    if status.is_blocked:
        return PinState(blocked=True, tries_left=0)
    if status.is_ok or status.is_wrong:
        return PinState(blocked=False, tries_left=status.tries_left)
    if status == SECURITY_STATUS_NOT_SATISFIED:
        raise errors.NotAllowed("the card does not report the state of its PIN here", status)
    raise errors.CardProtocolError("the card does not report the state of its PIN", status)


def verify_error(status: StatusWord) -> errors.CardError:
    """Return the error where VERIFY failed; a malformed PIN, which no card counts, is wrong."""
    return errors.PinWrong(None) if status in _MALFORMED else _pin_error(status)


def change_error(status: StatusWord) -> errors.CardError:
    """Return the error where CHANGE REFERENCE DATA or RESET RETRY COUNTER failed."""
    return broken_rule(status) or _pin_error(status)


def broken_rule(status: StatusWord) -> errors.PinRefused | None:
    """Return the error where the card does not take the new PIN; None for any other answer."""
    rule = _BROKEN_RULES.get(status)
    return None if rule is None else errors.PinRefused(rule)


def unexpected_status(
    status: StatusWord, because: str = "the card refuses the command"
) -> errors.CardError:
    """Return the error for a status word without a meaning for the command that was sent."""
    if status >> 8 in _MAYBE_DONE:
        return errors.OutcomeUnknown(f"the card failed within the command (status {status})")
    return errors.CardProtocolError(because, status)


def _pin_error(status: StatusWord) -> errors.CardError:
    if status.is_blocked:
        return errors.PinBlocked("no tries are left")
    if status.is_wrong:
        return errors.PinWrong(status.tries_left)
    if status == SECURITY_STATUS_NOT_SATISFIED:
        return errors.NotAllowed("the card does not allow this here", status)
    return unexpected_status(status)
