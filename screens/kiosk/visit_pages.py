"""Which page shows which state of a visit."""

from __future__ import annotations

from typing import Final

from kiosk.station import states
from screens.kiosk import choices, codes, ends, maintenance, pin, questions
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
    states.AskQuestion: questions.AskQuestionPage,
    states.CodeEntry: codes.CodeEntryPage,
    states.CodeNeeded: codes.CodeNeededPage,
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


def page_for(state: states.State, context: PageContext) -> Page:
    on_pad = isinstance(state, states.Working) and state.work.on_pad
    return (pin.PadPage if on_pad else PAGES[type(state)])(context, state)
