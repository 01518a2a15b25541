"""What the card's and the authority's answers lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from kiosk.dialogue import (
    AnswerQuestions,
    AnswersRefused,
    AnswersWrong,
    ChooseQuestions,
    CodeDead,
    CodeEnd,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    EnterCode,
    EnterStopNumber,
    Finished,
    GiveEmail,
    PinEntry,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    Reply,
    SendCode,
    SetPin,
    StopNumberWrong,
    Task,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.reference import reference_of
from kiosk.station.commands import (
    ChangePin,
    EndVisit,
    RequestCode,
    SaveQuestions,
    SubmitEmail,
    VerifyPin,
)
from kiosk.station.events import (
    CardRead,
    Event,
    NoReply,
    PadEnded,
    PinFailed,
    PinNotTaken,
    Replied,
)
from kiosk.station.holder import Move, counted, working
from kiosk.station.pads import ask_new, ask_present, paused
from kiosk.station.states import (
    AskQuestion,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    CodeNotice,
    ConfirmOwner,
    EmailTrouble,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    Menu,
    NewPin,
    PadNotice,
    PickQuestion,
    Reading,
    Refused,
    StopNumberEntry,
    Success,
    Trouble,
    Visit,
    Work,
    Working,
)


def on_result(state: Reading | Working, event: Event) -> Move | None:
    """Return where an answer leads, or None where none was waited for."""
    match state, event:
        case Reading(), CardRead():
            return _opened(event)
        case Reading(), NoReply():
            away = Refusal(Reason.AUTHORITY_AWAY, reference_of(state.visit))
            return _refused(state.visit, away)
        case Working(), Replied():
            return _replied(state, event.reply)
        case Working(), PadEnded():
            return paused(state, event.notice)
        case Working(work=Work(on_pad=True)), PinFailed():
            return paused(state, PadNotice.WRONG, event.tries_left)
        case Working(work=Work(on_pad=True)), PinNotTaken():
            return paused(state, event.trouble)
        case Working(), PinFailed():
            return EnterPin(state.visit, wrong=True, tries_left=event.tries_left), ()
        case Working(back=NewPin() as page), PinNotTaken():
            return replace(page, trouble=event.trouble), ()
        case Working(), NoReply():
            return Trouble(state.visit, state.work, state.command, state.back), ()
        case _:
            return None


_LACKS = {
    CodeEnd.EXPIRED: CodeLack.EXPIRED,
    CodeEnd.SPENT: CodeLack.SPENT,
    CodeEnd.WITHDRAWN: CodeLack.WITHDRAWN,
}


def _opened(read: CardRead) -> Move:
    reply = read.reply
    if isinstance(reply, Refusal):
        return _refused(read.visit, reply)
    known = Visit(
        read.visit,
        read.at,
        reply.reference,
        reply.holder_name,
        reply.verification,
        pin_pad=read.pin_pad,
        pad_changes=read.pad_changes,
    )
    if reply.resumed is not None:
        purpose, task = reply.resumed
        return CodeEntry(_at_code(replace(known, purpose=purpose), task), task), ()
    match reply.offers:
        case (Purpose.UNLOCK | Purpose.FIRST_UNLOCK as only,):
            return ConfirmOwner(replace(known, purpose=only)), ()
        case _:
            return Menu(known, reply.offers), ()


def _refused(visit: VisitId, refusal: Refusal) -> Move:
    page = Refused(visit, refusal.reason, refusal.reference, refusal.retry_at)
    return page, (EndVisit(visit, VisitEnd.REFUSED),)


def _replied(state: Working, reply: Reply) -> Move | None:
    match reply:
        case VisitOpened():
            return None
        case Refusal():
            return _refused(state.visit.id, reply)
        case AnswersWrong():
            return AskQuestion(state.visit, reply.again, wrong=True), ()
        case AnswersRefused():
            return _answers_refused(state, reply)
        case EmailRefused():
            trouble = EmailTrouble.DOMAIN if reply.domain else EmailTrouble.MALFORMED
            return _email_again(state, reply.again, trouble), ()
        case CodeNotSent():
            return _code_not_sent(state, reply), ()
        case CodeWrong():
            return CodeEntry(state.visit, reply.again, CodeNotice.WRONG), ()
        case CodeDead():
            return CodeNeeded(state.visit, reply.again.masked, _LACKS[reply.why]), ()
        case StopNumberWrong():
            return StopNumberEntry(state.visit, reply.again, wrong=True), ()
        case _:
            return _given(state, reply)


def _given(state: Working, task: Task) -> Move:
    visit = state.visit
    match task:
        case ProvePin() if visit.purpose is Purpose.FIRST_UNLOCK:
            registering = replace(visit, purpose=Purpose.REGISTER, unlocked=True)
            return ask_present(registering) if visit.pin_pad else (EnterPin(registering), ())
        case ProvePin():
            return ask_present(visit) if visit.pin_pad else (EnterPin(visit), ())
        case ChooseQuestions():
            return PickQuestion(visit, task), ()
        case GiveEmail():
            return EnterEmail(visit, task), ()
        case AnswerQuestions():
            return AskQuestion(visit, task), ()
        case SendCode():
            visit, attempt = counted(_at_code(visit, task))
            lacking = CodeNeeded(visit, task.masked, CodeLack.MAIL_AWAY)
            return working(visit, Work.SENDING_CODE, RequestCode(visit.id, attempt), lacking)
        case EnterCode():
            return CodeEntry(_at_code(visit, task), task), ()
        case EnterStopNumber():
            return StopNumberEntry(visit, task), ()
        case SetPin() if visit.pin_pad:
            return ask_new(visit, task.rules)
        case SetPin():
            return NewPin(visit, task.rules, _current_pin(state)), ()
        case Finished():
            done = Success(visit, task.purpose, task.counts_in_s)
            return done, (EndVisit(visit.id, VisitEnd.FINISHED),)
        case _:
            assert_never(task)


def _at_code(visit: Visit, task: SendCode | EnterCode) -> Visit:
    """Note which of the visit's codes is due, for the count of its steps."""
    owner = task.proves_owner
    return replace(visit, asks_owner=visit.asks_owner or owner, at_owner=owner)


def _current_pin(state: Working) -> PinEntry | None:
    """Return the PIN that the card has just verified: it is wanted beside the new one."""
    match state:
        case Working(visit=Visit(purpose=Purpose.CHANGE_PIN), command=VerifyPin(pin=pin)):
            return pin
        case Working(command=ChangePin(current=pin)):
            return pin
        case _:
            return None


def _answers_refused(state: Working, reply: AnswersRefused) -> Move | None:
    """Go back to the question whose answer was refused, keeping the answers before it."""
    match state.back:
        case GiveAnswer(task=task) as page:
            command = state.command
            answers = command.answers if isinstance(command, SaveQuestions) else page.given
            kept = tuple(a for a in answers if a.question != reply.question)
            question = next((q for q in task.bank if q.id == reply.question), page.question)
            return GiveAnswer(state.visit, task, kept, question, reply.problem), ()
        case _:
            return None


def _email_again(state: Working, task: GiveEmail, trouble: EmailTrouble) -> EnterEmail:
    typed = state.command.email if isinstance(state.command, SubmitEmail) else None
    return EnterEmail(state.visit, task, typed, trouble)


def _code_not_sent(state: Working, reply: CodeNotSent) -> CodeEntry | CodeNeeded | EnterEmail:
    away = reply.mail_away
    match reply.again:
        case EnterCode() as task:
            notice = CodeNotice.MAIL_AWAY if away else CodeNotice.TOO_SOON
            return CodeEntry(state.visit, task, notice)
        case SendCode(masked=masked):
            lack = CodeLack.MAIL_AWAY if away else CodeLack.TOO_SOON
            return CodeNeeded(state.visit, masked, lack, reply.retry_in_s)
        case GiveEmail() as task:
            trouble = EmailTrouble.MAIL_AWAY if away else EmailTrouble.TOO_SOON
            return _email_again(state, task, trouble)
        case _:
            assert_never(reply.again)
