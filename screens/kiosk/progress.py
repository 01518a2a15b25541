"""How far along a visit is: "Step 2 of 4", worked out from the state alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from kiosk.contract.messages import Purpose
from kiosk.station.states import (
    AskQuestion,
    CodeEntry,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    NewPin,
    PadPaused,
    PickQuestion,
    RepeatPin,
    State,
    StillThere,
    Success,
    Trouble,
    VisitState,
    Work,
    Working,
)


class Part(StrEnum):
    """One step of a visit, as a holder would count them."""

    CONFIRM = "confirm"
    PIN = "pin"
    OWNER = "owner"
    GIVEN_CODE = "given-code"
    QUESTIONS = "questions"
    EMAIL = "email"
    CODE = "code"
    NEW_PIN = "new-pin"


_FACTORS = {"questions": Part.QUESTIONS, "email-code": Part.CODE}


def parts(visit: VisitState) -> Sequence[Part]:
    """Return the steps of the visit's purpose, in order; none where none was chosen."""
    steps = _parts(visit)
    if visit.asks_owner and Part.PIN in steps:
        after = steps.index(Part.PIN) + 1
        return (*steps[:after], Part.OWNER, *steps[after:])
    return steps


def _parts(visit: VisitState) -> Sequence[Part]:
    asks = (Part.QUESTIONS,) if "questions" in visit.verification else ()
    match visit.purpose:
        case None:
            return ()
        case Purpose.REGISTER | Purpose.FIRST_UNLOCK:
            first = visit.unlocked or visit.purpose is Purpose.FIRST_UNLOCK
            unlock = (Part.CONFIRM, Part.GIVEN_CODE, Part.NEW_PIN) if first else ()
            return (*unlock, Part.PIN, *asks, Part.EMAIL, Part.CODE)
        case Purpose.UNLOCK:
            factors = (_FACTORS[name] for name in visit.verification if name in _FACTORS)
            return (Part.CONFIRM, *factors, Part.NEW_PIN)
        case Purpose.CHANGE_PIN:
            return (Part.PIN, Part.NEW_PIN)
        case Purpose.CHANGE_QUESTIONS:
            return (Part.PIN, Part.QUESTIONS)
        case Purpose.CHANGE_EMAIL:
            return (Part.PIN, Part.EMAIL, Part.CODE)
        case Purpose.REPORT_MISUSE:
            return ()


def position(state: State) -> tuple[int, int] | None:
    """Return the number of the step on the screen and of how many; None where none counts."""
    inner = state.inner if isinstance(state, StillThere) else state
    visit = getattr(inner, "visit", None)
    if not isinstance(visit, VisitState) or isinstance(inner, Success):
        return None
    steps, part = parts(visit), _part(inner)
    return (steps.index(part) + 1, len(steps)) if part in steps else None


def _part(state: State) -> Part | None:
    match state:
        case ConfirmOwner():
            return Part.CONFIRM
        case EnterPin():
            return Part.PIN
        case PickQuestion() | GiveAnswer() | AskQuestion():
            return Part.QUESTIONS
        case EnterEmail():
            return Part.EMAIL
        case CodeEntry(visit=visit) | CodeNeeded(visit=visit):
            return _code_part(visit)
        case NewPin() | RepeatPin():
            return Part.NEW_PIN
        case Working() | PadPaused() | Trouble():
            return _part_of_work(state.visit, state.work)
        case _:
            return None


def _part_of_work(visit: VisitState, work: Work) -> Part | None:
    match work:
        case Work.PREPARING:
            return next(iter(parts(visit)), None)
        case Work.CHECKING_PIN | Work.PIN_ON_PAD:
            return Part.PIN
        case Work.SAVING_ANSWERS | Work.CHECKING_ANSWERS:
            return Part.QUESTIONS
        case Work.SENDING_CODE | Work.CHECKING_CODE:
            return _code_part(visit)
        case Work.CHECKING_NUMBER:
            return None
        case Work.SETTING_PIN | Work.NEW_PIN_ON_PAD | Work.CHANGE_ON_PAD:
            return Part.NEW_PIN


def _code_part(visit: VisitState) -> Part:
    if visit.purpose is Purpose.FIRST_UNLOCK:
        return Part.GIVEN_CODE
    return Part.OWNER if visit.at_owner else Part.CODE
