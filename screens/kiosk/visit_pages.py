"""Which page shows which state of a visit; mypy finds a state that has none."""

from __future__ import annotations

from typing import assert_never

from kiosk.station import states as s
from screens.kiosk.choices import ConfirmOwnerPage, MenuPage
from screens.kiosk.codes import (
    CodeEntryPage,
    CodeNeededPage,
    EnterEmailPage,
    StopNumberEntryPage,
)
from screens.kiosk.ends import (
    FailurePage,
    RefusedPage,
    RemoveCardPage,
    StillTherePage,
    SuccessPage,
    WaitingPage,
)
from screens.kiosk.maintenance import (
    ActDonePage,
    ConfirmActPage,
    MaintenancePage,
    PickReasonPage,
    WriteReasonPage,
)
from screens.kiosk.page import Page, PageContext
from screens.kiosk.pin import EnterPinPage, NewPinPage, PadPage, PadPausedPage, RepeatPinPage
from screens.kiosk.questions import AskQuestionPage, GiveAnswerPage, PickQuestionPage

VisitState = s.Reading | s.Working | s.HolderState | s.StillThere | s.ClosingState


def page_for(state: VisitState, context: PageContext) -> Page:
    """Return a fresh page for ``state``."""
    match state:
        case s.Working() if state.work.on_pad:
            return PadPage(context, state)
        case s.Reading() | s.Working():
            return WaitingPage(context, state)
        case s.StillThere():
            return StillTherePage(context, state)
        case s.Success():
            return SuccessPage(context, state)
        case s.Refused():
            return RefusedPage(context, state)
        case s.RemoveCard():
            return RemoveCardPage(context, state)
        case _:
            return _holder_page(state, context)


def _holder_page(state: s.HolderState, context: PageContext) -> Page:
    match state:
        case s.Menu():
            return MenuPage(context, state)
        case s.ConfirmOwner():
            return ConfirmOwnerPage(context, state)
        case s.PickQuestion():
            return PickQuestionPage(context, state)
        case s.GiveAnswer():
            return GiveAnswerPage(context, state)
        case s.AskQuestion():
            return AskQuestionPage(context, state)
        case s.EnterEmail():
            return EnterEmailPage(context, state)
        case s.PadPaused():
            return PadPausedPage(context, state)
        case s.Trouble():
            return FailurePage(context, state)
        case s.EnterPin():
            return EnterPinPage(context, state)
        case s.CodeEntry():
            return CodeEntryPage(context, state)
        case s.CodeNeeded():
            return CodeNeededPage(context, state)
        case s.StopNumberEntry():
            return StopNumberEntryPage(context, state)
        case s.NewPin():
            return NewPinPage(context, state)
        case s.RepeatPin():
            return RepeatPinPage(context, state)
        case _:
            return _officer_page(state, context)


def _officer_page(state: s.OfficerState, context: PageContext) -> Page:
    match state:
        case s.PickReason():
            return PickReasonPage(context, state)
        case s.WriteReason():
            return WriteReasonPage(context, state)
        case s.Maintenance():
            return MaintenancePage(context, state)
        case s.ConfirmAct():
            return ConfirmActPage(context, state)
        case s.ActDone():
            return ActDonePage(context, state)
        case _:
            assert_never(state)
