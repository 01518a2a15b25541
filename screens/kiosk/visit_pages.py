"""Which page shows which state of a visit."""

from __future__ import annotations

from typing import Final

from kiosk.station import states
from screens.kiosk.choices import ConfirmOwnerPage, MenuPage
from screens.kiosk.codes import CodeEntryPage, CodeNeededPage, EnterEmailPage, StopNumberEntryPage
from screens.kiosk.ends import (
    NotReachedPage,
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

PAGES: Final[dict[type[states.State], type[Page]]] = {
    states.Reading: WaitingPage,
    states.Working: WaitingPage,
    states.Menu: MenuPage,
    states.ConfirmOwner: ConfirmOwnerPage,
    states.EnterPin: EnterPinPage,
    states.PickQuestion: PickQuestionPage,
    states.GiveAnswer: GiveAnswerPage,
    states.EnterEmail: EnterEmailPage,
    states.AskQuestion: AskQuestionPage,
    states.CodeEntry: CodeEntryPage,
    states.CodeNeeded: CodeNeededPage,
    states.StopNumberEntry: StopNumberEntryPage,
    states.NewPin: NewPinPage,
    states.RepeatPin: RepeatPinPage,
    states.PadPaused: PadPausedPage,
    states.NotReached: NotReachedPage,
    states.PickReason: PickReasonPage,
    states.WriteReason: WriteReasonPage,
    states.Maintenance: MaintenancePage,
    states.ConfirmAct: ConfirmActPage,
    states.ActDone: ActDonePage,
    states.StillThere: StillTherePage,
    states.Success: SuccessPage,
    states.Refused: RefusedPage,
    states.RemoveCard: RemoveCardPage,
}


def page_for(state: states.State, context: PageContext) -> Page:
    on_pad = isinstance(state, states.Working) and state.work.on_pad
    return (PadPage if on_pad else PAGES[type(state)])(context, state)
