"""What can happen at a station.

Everything that belongs to a visit carries its id, so that a late answer is not taken for one of the
next card's.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.messages import (
    CardReport,
    Factor,
    FactorEntry,
    MaintenanceAct,
    MaintenanceReason,
    Purpose,
    Reason,
    Refusal,
    Reply,
    RouteId,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import ActResult, Outage, PadNotice, PinFault


class VisitEvent(Struct, frozen=True):
    visit: VisitId


# --- the reader ------------------------------------------------------------------------


class CardEvent(VisitEvent, frozen=True):
    """Something about the card of ``insertion`` in ``reader``, numbered as ``CardInserted`` is."""

    reader: str
    insertion: int


class CardIn(CardEvent, frozen=True):
    """A card is in and no other; a visit begins under a new id."""


class CardUnreadable(CardEvent, frozen=True):
    """Something is in and no other card; it gives no answer."""


class CardOut(CardEvent, frozen=True):
    """The card of ``visit`` is out, or the last card that lay beside it.

    ``others_in``: other cards are still in. ``unread``: the page was not shown long enough to be
    read.
    """

    others_in: bool = False
    unread: bool = False


class SecondCard(CardEvent, frozen=True):
    """Another card than that of ``visit`` went in: nothing goes on until all are out.

    ``unread`` as for ``CardOut``.
    """

    unread: bool = False


class Availability(Struct, frozen=True):
    """What keeps the station from serving anybody; None where nothing does."""

    outage: Outage | None


# --- the holder ------------------------------------------------------------------------


class HolderSide(VisitEvent, frozen=True):
    """What the holder did on the page."""


class Chose(HolderSide, frozen=True):
    purpose: Purpose


class Confirmed(HolderSide, frozen=True):
    """Confirmed that the card is theirs."""


class PinEntered(HolderSide, frozen=True):
    """Entered a PIN: the present one, the new one, or the new one again."""

    pin: Sensitive


class QuestionPicked(HolderSide, frozen=True):
    question: int


class AnswerEntered(HolderSide, frozen=True):
    text: Sensitive


class EmailEntered(HolderSide, frozen=True):
    email: str


class WayPicked(HolderSide, frozen=True):
    way: tuple[Factor, ...]


class EntryMade(HolderSide, frozen=True):
    """Entered all that a factor asks for."""

    entry: FactorEntry


class CodesKept(HolderSide, frozen=True):
    """Has written down the saved codes that are shown."""


class CodeAsked(HolderSide, frozen=True):
    """Asked for a code to be sent, or sent again, by a route that the page shows."""

    route: RouteId


class RouteWanted(HolderSide, frozen=True):
    """Asked for a code where several routes are open: which one is asked next."""


class SomethingElse(HolderSide, frozen=True):
    """Wants to do something else than what the code is for."""


class MisuseNoticed(HolderSide, frozen=True):
    """Reported an act that they did not do: they have a number to enter."""


class StopNumberEntered(HolderSide, frozen=True):
    number: Sensitive


class ReasonPicked(HolderSide, frozen=True):
    why: MaintenanceReason


class ReasonWritten(HolderSide, frozen=True):
    words: str


class ActPicked(HolderSide, frozen=True):
    act: MaintenanceAct


class TriedAgain(HolderSide, frozen=True):
    """Asked to try the last thing again."""


class WentBack(HolderSide, frozen=True):
    """Went one page back within a step."""


class Left(HolderSide, frozen=True):
    """Wants to stop."""


class Stayed(HolderSide, frozen=True):
    """Is still there."""


# --- the clock -------------------------------------------------------------------------


class IdleTimedOut(VisitEvent, frozen=True):
    """Nothing was touched for the idle time."""


class AnswerTimedOut(VisitEvent, frozen=True):
    """Nobody answered "are you still there"."""


class NoticeTimedOut(Struct, frozen=True):
    """The notice about the last card was shown for long enough."""


# --- results of commands -----------------------------------------------------------------


class CardRead(VisitEvent, frozen=True):
    report: CardReport
    reply: VisitOpened | Refusal


class Replied(VisitEvent, frozen=True):
    """``check``: what the card did after its unblock, where it was tried out."""

    reply: Reply
    check: CardCheck | None = None


class Maintained(VisitEvent, frozen=True):
    """An officer's act was recorded; this is its result."""

    result: ActResult


class PinFailed(VisitEvent, frozen=True):
    tries_left: int | None


class PinNotTaken(VisitEvent, frozen=True):
    fault: PinFault


class PadEnded(VisitEvent, frozen=True):
    """The reader asked for a PIN and got none; it can be asked again."""

    notice: PadNotice


class GaveUp(VisitEvent, frozen=True):
    """The visit cannot continue, for a reason found at the station; ``how`` is its end."""

    reason: Reason
    how: VisitEnd = VisitEnd.REFUSED


class NoReply(VisitEvent, frozen=True):
    """The authority did not answer; ``busy``: it has too much to do."""

    busy: bool = False


ReaderSide = CardIn | CardUnreadable | CardOut | SecondCard | Availability
ClockSide = IdleTimedOut | AnswerTimedOut | NoticeTimedOut
ResultSide = CardRead | Replied | Maintained | PinFailed | PinNotTaken | PadEnded | GaveUp | NoReply

Event = ReaderSide | HolderSide | ClockSide | ResultSide
