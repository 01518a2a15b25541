"""Which page shows which state of a visit."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import AnswerQuestions, EnterCode, EnterSavedCode, FactorTask
from kiosk.station import states
from screens.kiosk import choices, codes, ends, maintenance, pin, questions, saved
from screens.kiosk.page import Page, PageContext

PAGES: Final[dict[type[states.State], type[Page]]] = {
    states.Reading: ends.WaitingPage,
    states.Working: ends.WaitingPage,
    states.Menu: choices.MenuPage,
    states.ConfirmOwner: choices.ConfirmOwnerPage,
    states.EnterPin: pin.EnterPinPage,
    states.PickQuestion: questions.PickQuestionPage,
    states.GiveAnswer: questions.GiveAnswerPage,
    states.EnterEmail: codes.EnterEmailPage,
    states.PickWay: choices.PickWayPage,
    states.PickRoute: choices.PickRoutePage,
    states.CodeNeeded: codes.CodeNeededPage,
    states.SavedCodesShown: saved.SavedCodesPage,
    states.StopNumberEntry: codes.StopNumberEntryPage,
    states.NewPin: pin.NewPinPage,
    states.RepeatPin: pin.RepeatPinPage,
    states.PadPaused: pin.PadPausedPage,
    states.NotReached: ends.NotReachedPage,
    states.PickReason: maintenance.PickReasonPage,
    states.WriteReason: maintenance.WriteReasonPage,
    states.Maintenance: maintenance.MaintenancePage,
    states.ConfirmAct: maintenance.ConfirmActPage,
    states.ActDone: maintenance.ActDonePage,
    states.StillThere: ends.StillTherePage,
    states.Success: ends.SuccessPage,
    states.Refused: ends.RefusedPage,
    states.RemoveCard: ends.RemoveCardPage,
}

ENTRY_PAGES: Final[dict[type[FactorTask], type[Page]]] = {
    AnswerQuestions: questions.AskQuestionPage,
    EnterCode: codes.CodeEntryPage,
    EnterSavedCode: saved.SavedCodeEntryPage,
}
"""The pages of ``FactorPage``, by what its factor asks for."""


def page_for(state: states.State, context: PageContext) -> Page:
    match state:
        case states.Working(work=states.Work(on_pad=True)):
            return pin.PadPage(context, state)
        case states.FactorPage():
            return ENTRY_PAGES[type(state.task)](context, state)
        case _:
            return PAGES[type(state)](context, state)
