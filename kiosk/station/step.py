"""The flow: ``step(state, event)`` says where the station goes and what it asks for next.

Pure. Four things fit every state and are decided first: a card that goes out ends the
visit, a card that goes in begins one, a second card stops everything, and an event of
another visit than the one on the screen changes nothing. All else depends on the state.

While a command changes the card, a second card waits: the holder sees the outcome first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from kiosk.dialogue import Reason, VisitEnd, VisitId
from kiosk.reference import reference_of
from kiosk.station.commands import (
    ChangePin,
    Command,
    EndVisit,
    OpenVisit,
    ReportMute,
    UnblockPin,
)
from kiosk.station.events import (
    Availability,
    CardIn,
    CardOut,
    CardUnreadable,
    Event,
    GaveUp,
    Left,
    SecondCard,
    Stayed,
    StayedQuiet,
    WentQuiet,
)
from kiosk.station.holder import on_holder
from kiosk.station.results import on_result
from kiosk.station.states import (
    AskQuestion,
    Attract,
    CodeEntry,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    Goodbye,
    Menu,
    NewPin,
    OutOfService,
    PadPaused,
    PickQuestion,
    Reading,
    Refused,
    RemoveCard,
    RepeatPin,
    State,
    StillThere,
    StopNumberEntry,
    Success,
    Trouble,
    Working,
    visit_of,
)

_FINISHED = (Success, Refused, RemoveCard)
"""Pages on which the authority already knows how the visit ended."""


@dataclass(frozen=True, slots=True)
class Next:
    """Where the station goes, and what it asks for."""

    state: State
    commands: tuple[Command, ...] = ()


def step(state: State, event: Event) -> Next:
    """Return what follows when ``event`` happens in ``state``; anything unfit changes nothing."""
    match event:
        case CardOut():
            return Next(Attract(), _ending(state, VisitEnd.CARD_REMOVED))
        case CardIn():
            ending = _ending(state, VisitEnd.CARD_REMOVED)
            opening = OpenVisit(event.visit, event.reader)
            return Next(Reading(event.visit, event.reader), (*ending, opening))
        case CardUnreadable():
            refused = _refused_here(state, event.visit, Reason.CARD_UNREADABLE)
            return replace(refused, commands=(*refused.commands, ReportMute(event.visit)))
        case SecondCard() if isinstance(state, Working) and _changes_card(state.command):
            return Next(replace(state, second_card=True))
        case SecondCard():
            return _refused_here(state, visit_of(state) or event.visit, Reason.TWO_CARDS)
        case Availability():
            return _availability(state, event)
        case _ if event.visit != visit_of(state):
            return Next(state)
        case GaveUp() if not isinstance(state, _FINISHED):
            ending = _ending(state, VisitEnd.REFUSED)
            return Next(Refused(event.visit, event.reason, event.reference), ending)
        case _:
            return _within_visit(state, event)


def _within_visit(state: State, event: Event) -> Next:
    match state:
        case Attract() | OutOfService():
            return Next(state)
        case Reading() | Working():
            return _unless_two_cards(state, Next(*(on_result(state, event) or (state, ()))))
        case StillThere():
            return _still_there(state, event)
        case Success() | Refused() | RemoveCard():
            return _closing(state, event)
        case (
            Menu()
            | ConfirmOwner()
            | EnterPin()
            | PickQuestion()
            | GiveAnswer()
            | EnterEmail()
            | AskQuestion()
            | CodeEntry()
            | CodeNeeded()
            | StopNumberEntry()
            | NewPin()
            | RepeatPin()
            | PadPaused()
            | Trouble()
        ):
            if isinstance(event, WentQuiet):
                return Next(StillThere(state))
            if isinstance(event, Left):
                return _goodbye(state, Goodbye.LEFT)
            return Next(*(on_holder(state, event) or (state, ())))
        case _:
            assert_never(state)


def _changes_card(command: Command) -> bool:
    return isinstance(command, UnblockPin | ChangePin)


def _unless_two_cards(state: Reading | Working, following: Next) -> Next:
    """Show how it ended; where it would go on, the second card stops it now."""
    if not isinstance(state, Working) or not state.second_card:
        return following
    if following.state == state or isinstance(following.state, _FINISHED):
        return following
    return _refused_here(state, state.visit.id, Reason.TWO_CARDS)


def _still_there(state: StillThere, event: Event) -> Next:
    match event:
        case Stayed():
            return Next(state.inner)
        case StayedQuiet():
            return _goodbye(state, Goodbye.IDLE)
        case _:
            return Next(state)


def _closing(state: Success | Refused | RemoveCard, event: Event) -> Next:
    """Wipe a last page that nobody leaves: its card may stay in for hours."""
    visit = visit_of(state)
    if isinstance(event, WentQuiet | Left) and not isinstance(state, RemoveCard) and visit:
        return Next(RemoveCard(visit, Goodbye.FINISHED))
    return Next(state)


def _goodbye(state: State, goodbye: Goodbye) -> Next:
    visit = visit_of(state)
    how = VisitEnd.IDLE if goodbye is Goodbye.IDLE else VisitEnd.LEFT
    return Next(RemoveCard(visit, goodbye), (EndVisit(visit, how),)) if visit else Next(state)


def _refused_here(state: State, visit: VisitId, reason: Reason) -> Next:
    refused = Refused(visit, reason, reference_of(visit))
    return Next(refused, _ending(state, VisitEnd.REFUSED))


def _ending(state: State, how: VisitEnd) -> tuple[Command, ...]:
    visit = visit_of(state)
    if visit is None or isinstance(state, _FINISHED):
        return ()
    return (EndVisit(visit, how),)


def _availability(state: State, event: Availability) -> Next:
    if not isinstance(state, Attract | OutOfService):
        return Next(state)
    return Next(OutOfService(event.outage) if event.outage else Attract())
