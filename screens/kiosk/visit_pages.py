"""Which page shows which state of a visit."""

from __future__ import annotations

from typing import Final

from kiosk.station import states as s
from screens.kiosk.choices import ConfirmOwnerPage, MenuPage
from screens.kiosk.codes import CodeEntryPage, CodeNeededPage, EnterEmailPage, StopNumberEntryPage
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

PAGES: Final[dict[type[s.State], type[Page]]] = {
    s.Reading: WaitingPage,
    s.Working: WaitingPage,
    s.Menu: MenuPage,
    s.ConfirmOwner: ConfirmOwnerPage,
    s.EnterPin: EnterPinPage,
    s.PickQuestion: PickQuestionPage,
    s.GiveAnswer: GiveAnswerPage,
    s.EnterEmail: EnterEmailPage,
    s.AskQuestion: AskQuestionPage,
    s.CodeEntry: CodeEntryPage,
    s.CodeNeeded: CodeNeededPage,
    s.StopNumberEntry: StopNumberEntryPage,
    s.NewPin: NewPinPage,
    s.RepeatPin: RepeatPinPage,
    s.PadPaused: PadPausedPage,
    s.Trouble: FailurePage,
    s.PickReason: PickReasonPage,
    s.WriteReason: WriteReasonPage,
    s.Maintenance: MaintenancePage,
    s.ConfirmAct: ConfirmActPage,
    s.ActDone: ActDonePage,
    s.StillThere: StillTherePage,
    s.Success: SuccessPage,
    s.Refused: RefusedPage,
    s.RemoveCard: RemoveCardPage,
}


def page_for(state: s.State, context: PageContext) -> Page:
    on_pad = isinstance(state, s.Working) and state.work.on_pad
    return (PadPage if on_pad else PAGES[type(state)])(context, state)
