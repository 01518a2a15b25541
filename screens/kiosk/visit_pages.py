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
from screens.kiosk.page import Kit, Page
from screens.kiosk.pin import EnterPinPage, NewPinPage, PadPage, PadPausedPage, RepeatPinPage
from screens.kiosk.questions import AskQuestionPage, GiveAnswerPage, PickQuestionPage

VisitState = s.Reading | s.Working | s.HolderState | s.StillThere | s.ClosingState


def page_for(state: VisitState, kit: Kit) -> Page:
    """Return a fresh page for ``state``."""
    match state:
        case s.Working() if state.work.on_pad:
            return PadPage(kit, state)
        case s.Reading() | s.Working():
            return WaitingPage(kit, state)
        case s.StillThere():
            return StillTherePage(kit, state)
        case s.Success():
            return SuccessPage(kit, state)
        case s.Refused():
            return RefusedPage(kit, state)
        case s.RemoveCard():
            return RemoveCardPage(kit, state)
        case _:
            return _holder_page(state, kit)


def _holder_page(state: s.HolderState, kit: Kit) -> Page:
    match state:
        case s.Menu():
            return MenuPage(kit, state)
        case s.ConfirmOwner():
            return ConfirmOwnerPage(kit, state)
        case s.PickQuestion():
            return PickQuestionPage(kit, state)
        case s.GiveAnswer():
            return GiveAnswerPage(kit, state)
        case s.AskQuestion():
            return AskQuestionPage(kit, state)
        case s.EnterEmail():
            return EnterEmailPage(kit, state)
        case s.PadPaused():
            return PadPausedPage(kit, state)
        case s.Trouble():
            return FailurePage(kit, state)
        case s.EnterPin():
            return EnterPinPage(kit, state)
        case s.CodeEntry():
            return CodeEntryPage(kit, state)
        case s.CodeNeeded():
            return CodeNeededPage(kit, state)
        case s.StopNumberEntry():
            return StopNumberEntryPage(kit, state)
        case s.NewPin():
            return NewPinPage(kit, state)
        case s.RepeatPin():
            return RepeatPinPage(kit, state)
        case s.PickReason():
            return PickReasonPage(kit, state)
        case s.WriteReason():
            return WriteReasonPage(kit, state)
        case s.Maintenance():
            return MaintenancePage(kit, state)
        case s.ConfirmAct():
            return ConfirmActPage(kit, state)
        case s.ActDone():
            return ActDonePage(kit, state)
        case _:
            assert_never(state)
