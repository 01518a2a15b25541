"""Every error that a caller is expected to handle."""

from __future__ import annotations

import traceback
from typing import Literal

PadTrouble = Literal["cancelled", "timeout", "different", "length"]
"""How an entry on a reader's keys ended without a PIN (PC/SC part 10, 2.5.2 and 2.5.3)."""

PinRefusal = Literal["history", "complexity", "format"]
"""Why a card refuses a new PIN."""


class KioskError(Exception):
    """The root of the tree."""

    def lines(self) -> tuple[str, ...]:
        """Return what a terminal prints, a line each."""
        return (str(self),)


class ConfigError(KioskError):
    """A setting is unknown, missing or wrong; the message names it and what to do."""


class AuthorityError(KioskError):
    """The authority gave no verdict."""


class AuthorityUnavailable(AuthorityError):
    """The authority cannot decide now, or does not know what was committed: repeat the call."""


class AuthorityBusy(AuthorityUnavailable):
    """The authority answers, but takes no more calls at the moment: ask again."""


class OtherRelease(AuthorityUnavailable):
    """The authority has another version of the protocol: it or this program has to be updated."""


class ReplyUnknown(AuthorityError):
    """This program does not know the authority's answer, which may be of a newer release."""


class StepRefused(AuthorityError):
    """The call does not fit the recorded progress of the visit; it was audited."""


class CardError(KioskError):
    """Something between the reader and the card's answer."""


class ReaderServiceDown(CardError):
    """The PC/SC service does not answer."""


class ReaderGone(CardError):
    """The reader is no longer there."""


class CardGone(CardError):
    """The card left before a command was sent that could change it."""


class CardSwapped(CardError):
    """The card in the reader is not the one that the visit began with."""


class CardBusy(CardError):
    """Another program holds the card."""


class CardMute(CardError):
    """The card gives no answer to reset."""


class CardUnknown(CardError):
    """No driver knows the card; ``family`` is that of one that does, but finds no identifier."""

    def __init__(self, message: str = "", family: str = "") -> None:
        super().__init__(message)
        self.family = family


class GlobalPinInUse(CardError):
    """The PIN that the holder uses is the Global PIN of the whole card, which no driver serves."""


class CardProtocolError(CardError):
    """An answer that the standard does not allow; ``status`` is its status word, 0 for none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(f"{message} (status {status:04X})" if status else message)
        self.status = status


class CardHung(CardError):
    """No answer within the time-out."""


class OutcomeUnknown(CardError):
    """A command that changes the card was sent and its answer was torn or lost."""


class PinWrong(CardError):
    """The reference data did not match; ``tries_left`` is None where the card reports no count."""

    def __init__(self, tries_left: int | None) -> None:
        super().__init__(f"wrong, {'unknown' if tries_left is None else tries_left} tries left")
        self.tries_left = tries_left


class PinBlocked(CardError):
    """The reference data is blocked: ISO 7816-4 status 6983, or 63C0."""


class PinRefused(CardError):
    """The card refuses the new PIN."""

    def __init__(self, reason: PinRefusal) -> None:
        super().__init__(f"the card refuses the new PIN: {reason}")
        self.reason = reason


class PadLeft(CardError):
    """Nothing was sent to the card: the entry on the reader's keys ended as ``because`` says."""

    def __init__(self, because: PadTrouble) -> None:
        super().__init__(f"no PIN came from the reader's keys: {because}")
        self.because = because


class NotAllowed(CardError):
    """The card forbids the command in this state or over this interface.

    ``status`` is the card's status word, 0 where the card was not asked or the word is ambiguous.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ContactNeeded(NotAllowed):
    """The card is in a contactless reader, and takes no PIN that way; no try was spent."""


class PadRefused(NotAllowed):
    """The reader's keys cannot take a PIN in the form that this card needs; nothing was sent.

    The PIN may be typed at the station instead.
    """


def describe_fault(fault: BaseException) -> str:
    """Return the type of ``fault`` and of what caused it, with where each was raised.

    Nothing else is returned: an exception's text, its arguments and the locals of its frames may
    hold a PIN.
    """
    lines: list[str] = []
    seen: BaseException | None = fault
    while seen is not None and len(lines) < 200:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        for frame in traceback.extract_tb(seen.__traceback__):
            lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)
