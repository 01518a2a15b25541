"""What can happen at a station.

Everything that belongs to a visit carries its id, so that an answer which was on its way
when the cards were swapped can be distinguished from the next card's.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.contract.messages import Purpose, Reason, Refusal, Reply, VisitId, VisitOpened
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import Outage, PadNotice, PinTrouble

# --- the reader ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardIn:
    """One card is in; a visit begins under a fresh id."""

    visit: VisitId
    reader: str


@dataclass(frozen=True, slots=True)
class CardUnreadable:
    """Something is in that gives no answer."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class CardOut:
    """No card is in any reader."""


@dataclass(frozen=True, slots=True)
class SecondCard:
    """A second card went in; nothing goes on until both are out."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class Availability:
    """What keeps the station from serving anybody; None when nothing does."""

    outage: Outage | None


# --- the holder ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chose:
    """Picked a purpose from the menu."""

    visit: VisitId
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Said that the card is their own."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class PinEntered:
    """Entered a PIN: the present one, the new one, or the new one again."""

    visit: VisitId
    pin: Sensitive


@dataclass(frozen=True, slots=True)
class QuestionPicked:
    """Picked a question to answer."""

    visit: VisitId
    question: int


@dataclass(frozen=True, slots=True)
class AnswerEntered:
    """Wrote an answer to the question on the page."""

    visit: VisitId
    text: Sensitive


@dataclass(frozen=True, slots=True)
class EmailEntered:
    """Confirmed or wrote an address."""

    visit: VisitId
    email: str


@dataclass(frozen=True, slots=True)
class CodeEntered:
    """Entered a code."""

    visit: VisitId
    code: Sensitive


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """Asked for a code to be sent, or sent again."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class MisuseNoticed:
    """Said that something was not done by them: they have a number to enter."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class StopNumberEntered:
    """Entered the number of a notice."""

    visit: VisitId
    number: Sensitive


@dataclass(frozen=True, slots=True)
class TriedAgain:
    """Asked for the last thing to be tried again."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class WentBack:
    """Went back one page within a step."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class Left:
    """Wants to stop."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class Stayed:
    """Is still there."""

    visit: VisitId


# --- the clock -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdleTimedOut:
    """Nothing was touched for the idle time."""

    visit: VisitId


@dataclass(frozen=True, slots=True)
class AnswerTimedOut:
    """Nobody answered "are you still there"."""

    visit: VisitId


# --- what became of a command ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardRead:
    """The card was read and looked up; ``at`` is where it is.

    ``pin_pad``: its PIN is entered on the reader's own keys, and with ``pad_changes`` it is
    changed there, too.
    """

    visit: VisitId
    at: CardAddress
    reply: VisitOpened | Refusal
    pin_pad: bool = False
    pad_changes: bool = True


@dataclass(frozen=True, slots=True)
class Replied:
    """The authority answered."""

    visit: VisitId
    reply: Reply


@dataclass(frozen=True, slots=True)
class PinFailed:
    """The card answered that the present PIN is wrong."""

    visit: VisitId
    tries_left: int | None


@dataclass(frozen=True, slots=True)
class PinNotTaken:
    """The card will not have this new PIN."""

    visit: VisitId
    trouble: PinTrouble


@dataclass(frozen=True, slots=True)
class PadEnded:
    """The reader asked for a PIN, and nothing came of it; it may be asked to ask again."""

    visit: VisitId
    notice: PadNotice


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The visit cannot go on, for a reason found at the station."""

    visit: VisitId
    reason: Reason


@dataclass(frozen=True, slots=True)
class NoReply:
    """The authority did not answer."""

    visit: VisitId


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
    | MisuseNoticed
    | StopNumberEntered
    | TriedAgain
    | WentBack
    | Left
    | Stayed
)
ClockSide = IdleTimedOut | AnswerTimedOut
ResultSide = CardRead | Replied | PinFailed | PinNotTaken | PadEnded | GaveUp | NoReply

Event = ReaderSide | HolderSide | ClockSide | ResultSide
