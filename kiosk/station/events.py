"""What can happen at a station.

Everything that belongs to a visit carries its id, so that a late answer is not taken for one of the
next card's.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.messages import (
    MaintenanceAct,
    MaintenanceReason,
    PinFormat,
    Purpose,
    Reason,
    Refusal,
    Reply,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import ActResult, Outage, PadNotice, PinFault

# --- the reader ------------------------------------------------------------------------


class CardIn(Struct, frozen=True):
    """One card is in; a visit begins under a new id."""

    visit: VisitId
    reader: str


class CardUnreadable(Struct, frozen=True):
    """Something is in that gives no answer."""

    visit: VisitId


class CardOut(Struct, frozen=True):
    """No card is in any reader; ``unread``: the page was not shown long enough to be read."""

    unread: bool = False


class SecondCard(Struct, frozen=True):
    """A second card went in; nothing continues until both are out.

    ``unread`` as for ``CardOut``.
    """

    visit: VisitId
    unread: bool = False


class Availability(Struct, frozen=True):
    """What keeps the station from serving anybody; None where nothing does."""

    outage: Outage | None


# --- the holder ------------------------------------------------------------------------


class Chose(Struct, frozen=True):
    """Picked a purpose from the menu."""

    visit: VisitId
    purpose: Purpose


class Confirmed(Struct, frozen=True):
    """Confirmed that the card is theirs."""

    visit: VisitId


class PinEntered(Struct, frozen=True):
    """Entered a PIN: the present one, the new one, or the new one again."""

    visit: VisitId
    pin: Sensitive


class QuestionPicked(Struct, frozen=True):
    """Picked a question to answer."""

    visit: VisitId
    question: int


class AnswerEntered(Struct, frozen=True):
    """Wrote an answer to the question on the page."""

    visit: VisitId
    text: Sensitive


class EmailEntered(Struct, frozen=True):
    """Confirmed or wrote an address."""

    visit: VisitId
    email: str


class CodeEntered(Struct, frozen=True):
    visit: VisitId
    code: Sensitive


class CodeAsked(Struct, frozen=True):
    """Asked for a code to be sent, or sent again."""

    visit: VisitId


class SomethingElse(Struct, frozen=True):
    """Wants to do something else than what the code is for."""

    visit: VisitId


class MisuseNoticed(Struct, frozen=True):
    """Reported an act that they did not do: they have a number to enter."""

    visit: VisitId


class StopNumberEntered(Struct, frozen=True):
    """Entered the number of a notice."""

    visit: VisitId
    number: Sensitive


class ReasonPicked(Struct, frozen=True):
    """Picked the reason for the maintenance."""

    visit: VisitId
    why: MaintenanceReason


class ReasonWritten(Struct, frozen=True):
    """Wrote the reason for the maintenance."""

    visit: VisitId
    words: str


class ActPicked(Struct, frozen=True):
    """Picked an act of maintenance."""

    visit: VisitId
    act: MaintenanceAct


class TriedAgain(Struct, frozen=True):
    """Asked to try the last thing again."""

    visit: VisitId


class WentBack(Struct, frozen=True):
    """Went one page back within a step."""

    visit: VisitId


class Left(Struct, frozen=True):
    """Wants to stop."""

    visit: VisitId


class Stayed(Struct, frozen=True):
    """Is still there."""

    visit: VisitId


# --- the clock -------------------------------------------------------------------------


class IdleTimedOut(Struct, frozen=True):
    """Nothing was touched for the idle time."""

    visit: VisitId


class AnswerTimedOut(Struct, frozen=True):
    """Nobody answered "are you still there"."""

    visit: VisitId


class NoticeTimedOut(Struct, frozen=True):
    """The notice about the last card was shown for long enough."""


# --- results of commands -----------------------------------------------------------------


class CardRead(Struct, frozen=True):
    """The card was read and looked up; ``at`` is its address.

    ``pin_pad``: its PIN is entered on the reader's own keys; with ``pad_changes`` it is also
    changed there.
    """

    visit: VisitId
    at: CardAddress
    reply: VisitOpened | Refusal
    pin_pad: bool = False
    pad_changes: bool = True
    pin_format: PinFormat = PinFormat()


class Replied(Struct, frozen=True):
    """The authority answered."""

    visit: VisitId
    reply: Reply


class Maintained(Struct, frozen=True):
    """An officer's act was recorded; this is its result."""

    visit: VisitId
    result: ActResult


class PinFailed(Struct, frozen=True):
    """The card answered that the present PIN is wrong."""

    visit: VisitId
    tries_left: int | None


class PinNotTaken(Struct, frozen=True):
    """The card refuses this new PIN."""

    visit: VisitId
    trouble: PinFault


class PadEnded(Struct, frozen=True):
    """The reader asked for a PIN and got none; it can be asked again."""

    visit: VisitId
    notice: PadNotice


class GaveUp(Struct, frozen=True):
    """The visit cannot continue, for a reason found at the station; ``how`` is its end."""

    visit: VisitId
    reason: Reason
    how: VisitEnd = VisitEnd.REFUSED


class NoReply(Struct, frozen=True):
    """The authority did not answer; ``busy``: it has too much to do."""

    visit: VisitId
    busy: bool = False


ReaderSide = CardIn | CardUnreadable | CardOut | SecondCard | Availability
HolderSide = (
    Chose
    | Confirmed
    | PinEntered
    | QuestionPicked
    | AnswerEntered
    | EmailEntered
    | CodeEntered
    | CodeAsked
    | SomethingElse
    | MisuseNoticed
    | StopNumberEntered
    | ReasonPicked
    | ReasonWritten
    | ActPicked
    | TriedAgain
    | WentBack
    | Left
    | Stayed
)
ClockSide = IdleTimedOut | AnswerTimedOut | NoticeTimedOut
ResultSide = CardRead | Replied | Maintained | PinFailed | PinNotTaken | PadEnded | GaveUp | NoReply

Event = ReaderSide | HolderSide | ClockSide | ResultSide
