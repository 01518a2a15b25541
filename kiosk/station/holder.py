"""What the holder's own acts lead to, page by page."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from kiosk.dialogue import Answer, Purpose
from kiosk.policy import answer_problem, broken_pin_rules
from kiosk.station.commands import (
    ChangePin,
    Choose,
    Command,
    RequestCode,
    SaveQuestions,
    SubmitAnswers,
    SubmitCode,
    SubmitEmail,
    SubmitStopNumber,
    UnblockPin,
    VerifyPin,
)
from kiosk.station.events import (
    AnswerEntered,
    Chose,
    CodeAsked,
    CodeEntered,
    Confirmed,
    EmailEntered,
    Event,
    MisuseNoticed,
    PinEntered,
    QuestionPicked,
    StopNumberEntered,
    TriedAgain,
    WentBack,
)
from kiosk.station.states import (
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
    PadNotice,
    PadPaused,
    PickQuestion,
    PinTrouble,
    RepeatPin,
    State,
    StopNumberEntry,
    Trouble,
    Visit,
    Work,
    Working,
)

Move = tuple[State, tuple[Command, ...]]


def on_holder(state: HolderState, event: Event) -> Move | None:
    """Return where the act leads, or None where it means nothing on this page."""
    match state, event:
        case Menu(), Chose(purpose=purpose) if purpose in state.offers:
            return _chosen(state, purpose)
        case ConfirmOwner(), Confirmed():
            return _choose(state.visit, state.visit.purpose or Purpose.UNLOCK, state)
        case EnterPin(), PinEntered():
            verify = VerifyPin(state.visit.id, state.visit.at, event.pin)
            return working(state.visit, Work.CHECKING_PIN, verify, state)
        case EnterEmail(), EmailEntered():
            page = replace(state, typed=event.email, trouble=None)
            visit, attempt = counted(state.visit)
            submit = SubmitEmail(visit.id, event.email, attempt)
            return working(visit, Work.SENDING_CODE, submit, replace(page, visit=visit))
        case CodeEntry(), CodeEntered():
            return _code_entered(state, event)
        case CodeEntry(visit=Visit(purpose=Purpose.FIRST_UNLOCK)), CodeAsked():
            return None
        case ((CodeEntry() | CodeNeeded()), CodeAsked()):
            visit, attempt = counted(state.visit)
            request = RequestCode(visit.id, attempt)
            return working(visit, Work.SENDING_CODE, request, replace(state, visit=visit))
        case ((Menu() | ConfirmOwner() | CodeEntry()), MisuseNoticed()):
            return _choose(state.visit, Purpose.REPORT_MISUSE, state)
        case StopNumberEntry(), StopNumberEntered():
            visit, attempt = counted(state.visit)
            number = SubmitStopNumber(visit.id, attempt, event.number)
            return working(visit, Work.CHECKING_NUMBER, number, replace(state, visit=visit))
        case ((Trouble() | PadPaused()), TriedAgain()):
            return _again(state)
        case ((PickQuestion() | GiveAnswer() | AskQuestion()), _):
            return _on_questions(state, event)
        case ((NewPin() | RepeatPin()), _):
            return _on_new_pin(state, event)
        case _:
            return None


def working(visit: Visit, work: Work, command: Command, back: HolderState | None) -> Move:
    """Show that ``command`` is under way, and ask for it."""
    return Working(visit, work, command, back), (command,)


def _again(state: Trouble | PadPaused) -> Move:
    """Send the same again, or go on to the page that takes what the reader's keys do not."""
    match state:
        case PadPaused(why=PadNotice.NOT_TAKEN, back=page) if page is not None:
            return page, ()
        case PadPaused(command=UnblockPin() as command):
            visit, attempt = counted(state.visit)
            asking = replace(command, attempt=attempt)
            return working(visit, state.work, asking, on_visit(state.back, visit))
        case Trouble() | PadPaused():
            return working(state.visit, state.work, state.command, state.back)
        case _:
            assert_never(state)


def _chosen(state: Menu, purpose: Purpose) -> Move:
    if purpose in (Purpose.UNLOCK, Purpose.FIRST_UNLOCK):
        return ConfirmOwner(replace(state.visit, purpose=purpose)), ()
    return _choose(state.visit, purpose, state)


def _choose(visit: Visit, purpose: Purpose, back: HolderState) -> Move:
    chosen = replace(visit, purpose=purpose)
    return working(chosen, Work.PREPARING, Choose(visit.id, purpose), back)


def on_visit(page: HolderState | None, visit: Visit) -> HolderState | None:
    """Return ``page`` with what the visit has become."""
    return None if page is None else replace(page, visit=visit)


def counted(visit: Visit) -> tuple[Visit, str]:
    """Return the visit with one more attempt counted, and that attempt's id."""
    counted = replace(visit, sent=visit.sent + 1)
    return counted, f"{visit.id}-{counted.sent}"


def _code_entered(state: CodeEntry, event: CodeEntered) -> Move:
    visit, attempt = counted(state.visit)
    submit = SubmitCode(visit.id, attempt, event.code)
    return working(visit, Work.CHECKING_CODE, submit, replace(state, visit=visit))


# --- questions -------------------------------------------------------------------------


def _on_questions(state: PickQuestion | GiveAnswer | AskQuestion, event: Event) -> Move | None:
    match state, event:
        case PickQuestion(), QuestionPicked():
            return _question_picked(state, event.question)
        case GiveAnswer(), AnswerEntered():
            return _answer_given(state, event)
        case GiveAnswer(), WentBack():
            return PickQuestion(state.visit, state.task, state.given), ()
        case PickQuestion(given=(*_, _)), WentBack():
            return replace(state, given=state.given[:-1]), ()
        case AskQuestion(), AnswerEntered():
            return _asked_answered(state, event)
        case AskQuestion(given=(*_, _)), WentBack():
            return replace(state, given=state.given[:-1], wrong=False), ()
        case _:
            return None


def _question_picked(state: PickQuestion, picked: int) -> Move | None:
    taken = {answer.question for answer in state.given}
    for question in state.task.bank:
        if question.id == picked and picked not in taken:
            return GiveAnswer(state.visit, state.task, state.given, question), ()
    return None


def _answer_given(state: GiveAnswer, event: AnswerEntered) -> Move:
    others = [answer.text.reveal() for answer in state.given]
    problem = answer_problem(event.text.reveal(), state.question.text, others)
    if problem:
        return replace(state, problem=problem), ()
    given = (*state.given, Answer(state.question.id, event.text))
    if len(given) < state.task.count:
        return PickQuestion(state.visit, state.task, given), ()
    save = SaveQuestions(state.visit.id, given)
    return working(state.visit, Work.SAVING_ANSWERS, save, state)


def _asked_answered(state: AskQuestion, event: AnswerEntered) -> Move:
    given = (*state.given, Answer(state.question.id, event.text))
    if len(given) < len(state.task.questions):
        return replace(state, given=given, wrong=False), ()
    visit, attempt = counted(state.visit)
    submit = SubmitAnswers(visit.id, attempt, given)
    again = AskQuestion(visit, state.task)
    return working(visit, Work.CHECKING_ANSWERS, submit, again)


# --- a new PIN -------------------------------------------------------------------------


def _on_new_pin(state: NewPin | RepeatPin, event: Event) -> Move | None:
    match state, event:
        case NewPin(), PinEntered():
            if broken_pin_rules(event.pin.reveal(), state.rules):
                return replace(state, trouble=PinTrouble.WEAK), ()
            return RepeatPin(state.visit, state.rules, event.pin, state.current), ()
        case RepeatPin(), WentBack():
            return NewPin(state.visit, state.rules, state.current), ()
        case RepeatPin(), PinEntered():
            return _repeated(state, event)
        case _:
            return None


def _repeated(state: RepeatPin, event: PinEntered) -> Move:
    again = NewPin(state.visit, state.rules, state.current)
    if event.pin != state.pin:
        return replace(again, trouble=PinTrouble.MISMATCH), ()
    visit, attempt = counted(state.visit)
    again = replace(again, visit=visit)
    command: Command
    if state.current is not None:
        command = ChangePin(visit.id, visit.at, state.current, state.pin)
    else:
        command = UnblockPin(visit.id, visit.at, state.pin, attempt)
    return working(visit, Work.SETTING_PIN, command, again)
