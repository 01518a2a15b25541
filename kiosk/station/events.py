"""What can happen at a station.

Everything that belongs to a visit carries its id, so that an answer which was on its way
when the cards were swapped can be distinguished from the next card's.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.messages import (
    MaintenanceAct,
    MaintenanceReason,
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
    """One card is in; a visit begins under a fresh id."""

    visit: VisitId
    reader: str


class CardUnreadable(Struct, frozen=True):
    """Something is in that gives no answer."""

    visit: VisitId


class CardOut(Struct, frozen=True):
    """No card is in any reader."""


class SecondCard(Struct, frozen=True):
    """A second card went in; nothing goes on until both are out."""

    visit: VisitId


class Availability(Struct, frozen=True):
    """What keeps the station from serving anybody; None when nothing does."""

    outage: Outage | None


# --- the holder ------------------------------------------------------------------------


class Chose(Struct, frozen=True):
    """Picked a purpose from the menu."""

    visit: VisitId
    purpose: Purpose


class Confirmed(Struct, frozen=True):
    """Said that the card is their own."""

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
    """Wants something else than what the code is for."""

    visit: VisitId


class MisuseNoticed(Struct, frozen=True):
    """Said that something was not done by them: they have a number to enter."""

    visit: VisitId


class StopNumberEntered(Struct, frozen=True):
    """Entered the number of a notice."""

    visit: VisitId
    number: Sensitive


class ReasonPicked(Struct, frozen=True):
    """Picked why the station is maintained."""

    visit: VisitId
    why: MaintenanceReason


class ReasonWritten(Struct, frozen=True):
    """Wrote why the station is maintained."""

    visit: VisitId
    words: str


class ActPicked(Struct, frozen=True):
    """Picked what the station is to do for its maintenance."""

    visit: VisitId
    act: MaintenanceAct


class TriedAgain(Struct, frozen=True):
    """Asked for the last thing to be tried again."""

    visit: VisitId


class WentBack(Struct, frozen=True):
    """Went back one page within a step."""

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
    """What the attract page says of the last card was there for long enough."""


# --- what became of a command ----------------------------------------------------------


class CardRead(Struct, frozen=True):
    """The card was read and looked up; ``at`` is where it is.

    ``pin_pad``: its PIN is entered on the reader's own keys, and with ``pad_changes`` it is
    changed there, too.
    """

    visit: VisitId
    at: CardAddress
    reply: VisitOpened | Refusal
    pin_pad: bool = False
    pad_changes: bool = True


class Replied(Struct, frozen=True):
    """The authority answered."""

    visit: VisitId
    reply: Reply


class Maintained(Struct, frozen=True):
    """An act of an officer was recorded, and this came of it."""

    visit: VisitId
    result: ActResult


class PinFailed(Struct, frozen=True):
    """The card answered that the present PIN is wrong."""

    visit: VisitId
    tries_left: int | None


class PinNotTaken(Struct, frozen=True):
    """The card will not have this new PIN."""

    visit: VisitId
    trouble: PinFault


class PadEnded(Struct, frozen=True):
    """The reader asked for a PIN, and nothing came of it; it may be asked to ask again."""

    visit: VisitId
    notice: PadNotice


class GaveUp(Struct, frozen=True):
    """The visit cannot go on, for a reason found at the station; ``how``: as what it ends."""

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
