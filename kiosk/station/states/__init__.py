"""Where a station can be: one frozen state, one screen.

States fall into four groups: nobody is here (``Attract``, ``OutOfService``); the holder
has to do something (``HolderState``); the station is busy (``Reading``, ``Working``);
the visit is over and the card has to come out (``ClosingState``).
"""

from __future__ import annotations

from kiosk.dialogue import VisitId
from kiosk.station.states.around import (
    Attract,
    ClosingState,
    OutOfService,
    Reading,
    Refused,
    RemoveCard,
    StillThere,
    Success,
    Working,
)
from kiosk.station.states.holder import (
    AskQuestion,
    CodeEntry,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    HolderState,
    Menu,
    NewPin,
    PadPaused,
    PickQuestion,
    RepeatPin,
    StopNumberEntry,
    Trouble,
    Visit,
)
from kiosk.station.states.notices import (
    CodeLack,
    CodeNotice,
    EmailTrouble,
    Goodbye,
    Outage,
    PadNotice,
    PinTrouble,
    Work,
)

__all__ = [
    "AskQuestion",
    "Attract",
    "ClosingState",
    "CodeEntry",
    "CodeLack",
    "CodeNeeded",
    "CodeNotice",
    "ConfirmOwner",
    "EmailTrouble",
    "EnterEmail",
    "EnterPin",
    "GiveAnswer",
    "Goodbye",
    "HolderState",
    "Menu",
    "NewPin",
    "OutOfService",
    "Outage",
    "PadNotice",
    "PadPaused",
    "PickQuestion",
    "PinTrouble",
    "Reading",
    "Refused",
    "RemoveCard",
    "RepeatPin",
    "State",
    "StillThere",
    "StopNumberEntry",
    "Success",
    "Trouble",
    "Visit",
    "Work",
    "Working",
    "visit_of",
]

State = Attract | OutOfService | Reading | Working | HolderState | StillThere | ClosingState


def visit_of(state: State) -> VisitId | None:
    """Return the id of the visit that ``state`` belongs to; None where nobody is here."""
    match state:
        case Attract() | OutOfService():
            return None
        case Reading() | Refused() | RemoveCard():
            return state.visit
        case StillThere(inner):
            return inner.visit.id
        case _:
            return state.visit.id
