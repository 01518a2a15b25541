"""The flow: ``step(state, event)`` returns the next state and the commands to carry out.

Pure. Four things fit every state and are decided first: the visit's card that goes out ends it, a
card that goes in begins one, a second card stops everything, and an event of another visit than the
one on the screen changes nothing, unless the notice about the last card waits for it. Everything
else depends on the state.

While a command changes the card, a second card waits: the holder sees the outcome first. When the
visit's card goes out before the second one, that has to come out as well, and is not served.

States are ``s``, events ``e`` and commands ``c``.
"""

from __future__ import annotations

from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract import errors
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    AnswersRefused,
    ChooseQuestions,
    ChooseWay,
    Code,
    CodeNotSent,
    CountedTask,
    EmailRefused,
    EnterCode,
    EnteredSavedCode,
    EnterSavedCode,
    EnterStopNumber,
    Factor,
    FactorEnd,
    FactorEntry,
    FactorOver,
    FactorTask,
    FactorWrong,
    Finished,
    GiveEmail,
    KeepSavedCodes,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    MakeSavedCodes,
    Offer,
    OnPad,
    PinRules,
    Position,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    Reply,
    RouteId,
    SendCode,
    SetPin,
    StopNumberWrong,
    Task,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.policy import PinRule, answer_problem, broken_pin_rules
from kiosk.contract.ports import CardAddress
from kiosk.contract.text import says_why
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s


class Next(Struct, frozen=True):
    state: s.State
    commands: tuple[c.Command, ...] = ()


# The holder's acts, page by page.


def _on_holder(state: s.HolderState, event: e.VisitEvent) -> Next | None:
    """Return what follows from the act, or None where it has no meaning on this page."""
    match state:
        case s.Menu() | s.ConfirmOwner() | s.EnterPin() | s.StopNumberEntry():
            return _on_choice(state, event)
        case s.PickQuestion() | s.GiveAnswer() | s.AskQuestion():
            return _on_questions(state, event)
        case s.EnterEmail() | s.CodeEntry() | s.CodeNeeded() | s.PickRoute():
            return _on_code(state, event)
        case s.SavedCodesShown():
            if not isinstance(event, e.CodesKept):
                return None
            keep = c.KeepSavedCodes(state.visit.id)
            return _working(state.visit, s.Work.KEEPING_CODES, keep, state)
        case s.PickWay() | s.FactorPage():
            return _on_factor(state, event)
        case s.NewPin() | s.RepeatPin():
            return _on_new_pin(state, event)
        case s.PadPaused() | s.NotReached():
            return _on_stopped(state, event)
        case s.PickReason() | s.WriteReason() | s.Maintenance() | s.ConfirmAct() | s.ActDone():
            return _on_maintenance(state, event)
        case _:
            assert_never(state)


def _on_choice(
    state: s.Menu | s.ConfirmOwner | s.EnterPin | s.StopNumberEntry, event: e.VisitEvent
) -> Next | None:
    match state, event:
        case s.Menu(), e.Chose(purpose=purpose):
            offer = next((one for one in state.offers if one.purpose is purpose), None)
            if offer is None:
                return None
            visit = _beginning(state.visit, offer)
            if purpose in (Purpose.UNLOCK, Purpose.FIRST_UNLOCK):
                return Next(s.ConfirmOwner(visit))
            return _choose(visit, purpose, state, anew=purpose is state.waiting)
        case s.Menu(waiting=Purpose() as purpose), e.WentBack():
            return _choose(state.visit, purpose, state)
        case s.ConfirmOwner(visit=s.VisitState(purpose=Purpose() as purpose)), e.Confirmed():
            return _choose(state.visit, purpose, state)
        case ((s.Menu() | s.ConfirmOwner()), e.MisuseNoticed()):
            return _report_misuse(state)
        case s.EnterPin(), e.PinEntered():
            verify = c.VerifyPin(state.visit.id, state.visit.at, event.pin)
            return _working(state.visit, s.Work.CHECKING_PIN, verify, state)
        case s.StopNumberEntry(), e.StopNumberEntered():
            visit, attempt = _counted(state.visit)
            number = c.SubmitStopNumber(visit.id, attempt, event.number)
            return _working(visit, s.Work.CHECKING_NUMBER, number, replace(state, visit=visit))
        case _:
            return None


def _report_misuse(page: s.Menu | s.ConfirmOwner | s.CodeEntry) -> Next:
    return _choose(replace(page.visit, position=None), Purpose.REPORT_MISUSE, page)


def _on_stopped(state: s.PadPaused | s.NotReached, event: e.VisitEvent) -> Next | None:
    """Try again what the reader's keys or the authority stopped."""
    if not isinstance(event, e.TriedAgain):
        return None
    match state:
        case s.PadPaused(why=s.PadNotice.NOT_TAKEN, back=page) if page is not None:
            return Next(page)
        case s.PadPaused(command=c.UnblockPin() as command):
            visit, attempt = _counted(state.visit)
            asking = replace(command, attempt=attempt)
            back = state.back and replace(state.back, visit=visit)
            return _working(visit, state.work, asking, back)
        case _:
            return _working(state.visit, state.work, state.command, state.back)


def _working(
    visit: s.VisitState, work: s.Work, command: c.Command, back: s.HolderState | None
) -> Next:
    return Next(s.Working(visit, work, command, back), (command,))


def _beginning(visit: s.VisitState, offer: Offer) -> s.VisitState:
    at = Position(1, offer.steps)
    return replace(visit, purpose=offer.purpose, position=at, instead=(), ways=None)


def _choose(
    visit: s.VisitState, purpose: Purpose, back: s.HolderState, *, anew: bool = False
) -> Next:
    chosen = replace(visit, purpose=purpose)
    return _working(chosen, s.Work.PREPARING, c.Choose(visit.id, purpose, anew), back)


def _counted(visit: s.VisitState) -> tuple[s.VisitState, str]:
    """Return the visit with one more attempt counted, and that attempt's id."""
    counted = replace(visit, sent=visit.sent + 1)
    return counted, f"{visit.id}-{counted.sent}"


# --- questions -------------------------------------------------------------------------


def _on_questions(
    state: s.PickQuestion | s.GiveAnswer | s.AskQuestion, event: e.VisitEvent
) -> Next | None:
    match state, event:
        case s.PickQuestion(), e.QuestionPicked():
            taken = {answer.question for answer in state.given}
            for question in state.task.bank:
                if question.id == event.question and question.id not in taken:
                    return Next(s.GiveAnswer(state.visit, state.task, state.given, question))
            return None
        case s.GiveAnswer(), e.AnswerEntered():
            others = [answer.text.reveal() for answer in state.given]
            problem = answer_problem(event.text.reveal(), state.question.text, others)
            if problem:
                return Next(replace(state, problem=problem))
            given = (*state.given, Answer(state.question.id, event.text))
            if len(given) < state.task.count:
                return Next(s.PickQuestion(state.visit, state.task, given))
            save = c.SaveQuestions(state.visit.id, given)
            return _working(state.visit, s.Work.CHECKING_ANSWERS, save, state)
        case s.GiveAnswer(), e.WentBack():
            return Next(s.PickQuestion(state.visit, state.task, state.given))
        case s.PickQuestion(given=(*_, _)), e.WentBack():
            return Next(replace(state, given=state.given[:-1]))
        case s.AskQuestion(), e.AnswerEntered():
            given = (*state.given, Answer(state.question.id, event.text))
            if len(given) < len(state.task.questions):
                return Next(replace(state, given=given, wrong=False))
            return _submit(s.AskQuestion(state.visit, state.task), Answers(given))
        case s.AskQuestion(given=(*_, _)), e.WentBack():
            return Next(replace(state, given=state.given[:-1], wrong=False))
        case s.AskQuestion(), e.WentBack():
            return _other_way(state)
        case _:
            return None


# --- factors, and the ways of them ------------------------------------------------------


CHECKING: Final[dict[type[FactorEntry], s.Work]] = {
    Answers: s.Work.CHECKING_ANSWERS,
    Code: s.Work.CHECKING_CODE,
    EnteredSavedCode: s.Work.CHECKING_CODE,
}
"""What the station is doing while the authority checks an entry."""


def _on_factor(state: s.PickWay | s.FactorPage, event: e.VisitEvent) -> Next | None:
    match state, event:
        case s.PickWay(), e.WayPicked(way=way) if way in state.task.ways:
            choice = c.ChooseWay(state.visit.id, way)
            return _working(state.visit, s.Work.PREPARING, choice, state)
        case s.FactorPage(), e.EntryMade():
            return _submit(state, event.entry)
        case s.FactorPage(), e.WentBack():
            return _other_way(state)
        case _:
            return None


def _submit(page: s.FactorPage, entry: FactorEntry) -> Next:
    visit, attempt = _counted(page.visit)
    submit = c.SubmitEntry(visit.id, attempt, entry)
    return _working(visit, CHECKING[type(entry)], submit, replace(page, visit=visit))


def _other_way(page: s.FactorPage | s.CodeNeeded | s.PickRoute) -> Next | None:
    """Return to the choice of ways, where there was one."""
    ways = page.visit.ways
    return None if ways is None else Next(_pick_way(page.visit, ways))


def _pick_way(visit: s.VisitState, task: ChooseWay, over: FactorEnd | None = None) -> s.PickWay:
    return s.PickWay(replace(visit, position=task.position, ways=task), task, over)


# --- an emailed code, and the address for it --------------------------------------------


def _on_code(
    state: s.EnterEmail | s.CodeEntry | s.CodeNeeded | s.PickRoute, event: e.VisitEvent
) -> Next | None:
    match state, event:
        case s.CodeEntry(), e.MisuseNoticed():
            return _report_misuse(state)
        case s.EnterEmail(), e.EmailEntered():
            page = replace(state, typed=event.email, fault=None)
            visit, attempt = _counted(state.visit)
            submit = c.SubmitEmail(visit.id, event.email, attempt)
            return _working(visit, s.Work.SENDING_CODE, submit, replace(page, visit=visit))
        case (
            (
                s.CodeEntry(entered_on=s.EnterEmail() as page)
                | s.CodeNeeded(entered_on=s.EnterEmail() as page)
            ),
            e.WentBack(),
        ):
            return Next(replace(page, visit=replace(state.visit, position=page.task.position)))
        case ((s.CodeEntry() | s.CodeNeeded()), e.CodeAsked()) if _goes_to(state.task, event.route):
            visit, attempt = _counted(state.visit)
            request = c.Prepare(visit.id, attempt, Factor.EMAIL_CODE, event.route)
            return _working(visit, s.Work.SENDING_CODE, request, replace(state, visit=visit))
        case ((s.CodeEntry() | s.CodeNeeded()), e.SomethingElse()) if state.visit.instead:
            visit = replace(state.visit, position=None)
            return Next(s.Menu(visit, state.visit.instead, waiting=state.visit.purpose))
        case ((s.CodeEntry() | s.CodeNeeded()), e.RouteWanted()) if len(state.task.routes) > 1:
            return Next(s.PickRoute(state.visit, state.task, state))
        case s.PickRoute(), e.CodeAsked() if _goes_to(state.task, event.route):
            return _send_to(state, event.route)
        case s.PickRoute(), e.WentBack():
            return Next(state.back) if state.back is not None else _other_way(state)
        case s.CodeEntry(), _:
            return _on_factor(state, event)
        case s.CodeNeeded(), e.WentBack():
            return _other_way(state)
        case _:
            return None


def _send_to(page: s.PickRoute, route: RouteId) -> Next:
    visit, attempt = _counted(page.visit)
    if page.back is not None:
        back: s.CodeEntry | s.CodeNeeded = replace(page.back, visit=visit)
    elif isinstance(page.task, SendCode):
        back = s.CodeNeeded(visit, page.task, s.CodeLack.MAIL_AWAY)
    else:
        return Next(page)
    request = c.Prepare(visit.id, attempt, Factor.EMAIL_CODE, route)
    return _working(visit, s.Work.SENDING_CODE, request, back)


# --- a new PIN -------------------------------------------------------------------------


def _on_new_pin(state: s.NewPin | s.RepeatPin, event: e.VisitEvent) -> Next | None:
    match state, event:
        case s.NewPin(), e.PinEntered():
            broken = broken_pin_rules(event.pin.reveal(), state.rules, s.typed_pin(state.current))
            if broken == (PinRule.CURRENT,):
                return Next(replace(state, fault=s.PinFault.CARD_HISTORY))
            if broken:
                return Next(replace(state, fault=s.PinFault.WEAK))
            return Next(s.RepeatPin(state.visit, state.rules, event.pin, state.current))
        case s.RepeatPin(), e.WentBack():
            return Next(s.NewPin(state.visit, state.rules, state.current))
        case s.RepeatPin(), e.PinEntered():
            again = s.NewPin(state.visit, state.rules, state.current)
            if event.pin != state.pin:
                return Next(replace(again, fault=s.PinFault.MISMATCH))
            visit, attempt = _counted(state.visit)
            command: c.Command
            if state.current is not None:
                command = c.ChangePin(visit.id, visit.at, state.current, state.pin)
            else:
                command = c.UnblockPin(visit.id, visit.at, state.pin, attempt)
            return _working(visit, s.Work.SETTING_PIN, command, replace(again, visit=visit))
        case _:
            return None


# --- maintenance -----------------------------------------------------------------------


def _on_maintenance(state: s.OfficerState, event: e.VisitEvent) -> Next | None:
    match state, event:
        case s.PickReason(), e.ReasonPicked(why=MaintenanceReason.OTHER):
            return Next(s.WriteReason(state.visit, state.task))
        case s.PickReason(), e.ReasonPicked():
            return Next(s.Maintenance(state.visit, state.task, event.why))
        case s.WriteReason(), e.ReasonWritten() if says_why(event.words):
            other = MaintenanceReason.OTHER
            return Next(s.Maintenance(state.visit, state.task, other, event.words))
        case s.WriteReason(), e.ReasonWritten():
            return Next(replace(state, unclear=True))
        case s.WriteReason(), e.WentBack():
            return Next(s.PickReason(state.visit, state.task))
        case (
            s.Maintenance(),
            e.ActPicked(
                act=MaintenanceAct.RESTART_STATION
                | MaintenanceAct.RESTART_MACHINE
                | MaintenanceAct.SWITCH_OFF as act
            ),
        ):
            return Next(s.ConfirmAct(state.visit, state, act))
        case s.Maintenance(), e.ActPicked():
            return _do(state, event.act)
        case s.ConfirmAct(), e.Confirmed():
            return _do(state.menu, state.act)
        case s.ConfirmAct(), e.WentBack():
            return Next(state.menu)
        case s.ActDone(result=result), e.WentBack() if not isinstance(result, s.Ending):
            return Next(state.menu)
        case _:
            return None


def _do(menu: s.Maintenance, act: MaintenanceAct) -> Next:
    visit, attempt = _counted(menu.visit)
    command = c.DoMaintenance(visit.id, visit.at, act, menu.why, menu.words, attempt)
    return _working(visit, s.Work.MAINTAINING, command, replace(menu, visit=visit))


# PINs that are entered on the reader's own keys, and never at the station.
#
# Its page is shown as the command is sent. From then on the reader asks, and only its Cancel key,
# its time-out or the removal of the card ends the entry before the card has answered. An entry that
# ends without a PIN leads to ``PadPaused``.


def _ask_present(visit: s.VisitState) -> Next:
    """Make the reader ask for the present PIN; where its keys cannot, it is typed this once."""
    present = OnPad(visit.pin_format.least, visit.pin_format.most)
    verify, typed = c.VerifyPin(visit.id, visit.at, present), s.EnterPin(_at_station(visit))
    if visit.purpose is Purpose.CHANGE_PIN and not visit.pad_changes:
        return Next(s.PadPaused(visit, s.Work.PIN_ON_PAD, verify, typed, s.PadNotice.NOT_TAKEN))
    return _working(visit, s.Work.PIN_ON_PAD, verify, typed)


def _ask_new(visit: s.VisitState, rules: PinRules) -> Next:
    """Make the reader ask for a new PIN; for a change it asks for the old one, too."""
    new = OnPad(rules.min_length, rules.max_length)
    if visit.purpose is Purpose.CHANGE_PIN:
        change = c.ChangePin(visit.id, visit.at, OnPad(), new)
        typed = s.EnterPin(_at_present_pin(_at_station(visit)))
        return _working(visit, s.Work.CHANGE_ON_PAD, change, typed)
    visit, attempt = _counted(visit)
    unblock = c.UnblockPin(visit.id, visit.at, new, attempt)
    return _working(visit, s.Work.NEW_PIN_ON_PAD, unblock, s.NewPin(_at_station(visit), rules))


def notice_of(error: errors.PadLeft | errors.PadRefused) -> s.PadNotice:
    """Return the holder's notice about an entry that sent nothing to the card."""
    if isinstance(error, errors.PadLeft):
        return s.PadNotice(error.because)
    return s.PadNotice.NOT_TAKEN


def _paused(
    state: s.Working, why: s.PadNotice | s.PinFault, tries_left: int | None = None
) -> Next | None:
    """Return the page on why the reader stopped asking; None where it did not ask."""
    match state.command:
        case c.VerifyPin() | c.UnblockPin() | c.ChangePin() as command if state.work.on_pad:
            page = s.PadPaused(state.visit, state.work, command, state.back, why, tries_left)
            return Next(page)
        case _:
            return None


def _at_station(visit: s.VisitState) -> s.VisitState:
    return replace(visit, pin_pad=False)


def _at_present_pin(visit: s.VisitState) -> s.VisitState:
    """Return a change of PIN at its previous step, the present PIN."""
    at = visit.position
    return replace(visit, position=Position(at.index - 1, at.count) if at else None)


# Answers of the card and the authority.


BUSY_REPEATS = 5
"""How often a busy authority is asked again before the holder decides; each takes some seconds."""


def _on_result(state: s.Reading | s.Working, event: e.VisitEvent) -> Next | None:
    """Return where an answer leads, or None where none was expected."""
    match state, event:
        case s.Reading(), e.CardRead():
            return _opened(state, event)
        case s.Reading(), e.NoReply(busy=True) if state.repeats < BUSY_REPEATS:
            opening = c.OpenVisit(state.visit, state.reader)
            return Next(replace(state, repeats=state.repeats + 1), (opening,))
        case s.Working(work=s.Work(on_pad=False)), e.NoReply(busy=True) if (
            state.repeats < BUSY_REPEATS
        ):
            # A PIN on the reader's keys would have to be entered again: the holder decides.
            return Next(replace(state, repeats=state.repeats + 1), (state.command,))
        case s.Reading(), e.NoReply():
            return _refused(state, state.visit, Refusal(Reason.AUTHORITY_AWAY))
        case s.Working(back=s.Maintenance() as menu), e.Maintained():
            return Next(s.ActDone(state.visit, menu, event.result))
        case s.Working(), e.Replied():
            if event.check is not None:
                state = replace(state, visit=replace(state.visit, check=event.check))
            return _replied(_placed(state, event.reply), event.reply)
        case s.Working(), e.PadEnded():
            return _paused(state, event.notice)
        case s.Working(work=s.Work(on_pad=True)), e.PinFailed():
            return _paused(state, s.PadNotice.WRONG, event.tries_left)
        case s.Working(work=s.Work(on_pad=True)), e.PinNotTaken():
            return _paused(state, event.fault)
        case s.Working(command=c.ChangePin()), e.PinFailed():
            page = s.EnterPin(_at_present_pin(state.visit), wrong=True, tries_left=event.tries_left)
            return Next(page)
        case s.Working(), e.PinFailed():
            return Next(s.EnterPin(state.visit, wrong=True, tries_left=event.tries_left))
        case s.Working(back=s.NewPin() as page), e.PinNotTaken():
            return Next(replace(page, fault=event.fault))
        case s.Working(), e.NoReply():
            return Next(s.NotReached(state.visit, state.work, state.command, state.back))
        case _:
            return None


def _opened(state: s.Reading, read: e.CardRead) -> Next:
    reply, report = read.reply, read.report
    if isinstance(reply, Refusal):
        return _refused(state, read.visit, reply)
    known = s.VisitState(
        read.visit,
        CardAddress(state.reader, report.card),
        reply.holder_name,
        pin_pad=report.pin_pad,
        pad_changes=report.pad_changes,
        pin_format=report.pin_format,
        language=reply.language,
    )
    if reply.resumed is not None:
        purpose, task = reply.resumed
        at = task.position
        visit = replace(known, purpose=purpose, position=at, instead=reply.offers, ways=reply.ways)
        return Next(s.CodeEntry(visit, task, resumed=True))
    match reply.offers:
        case (Offer(purpose=Purpose.UNLOCK | Purpose.FIRST_UNLOCK) as only,):
            return Next(s.ConfirmOwner(_beginning(known, only), locked=True))
        case _:
            return Next(s.Menu(known, reply.offers, reply.blocked))


def _refused(state: s.State, visit: VisitId, refusal: Refusal) -> Next:
    return Next(_refused_page(state, visit, refusal), (c.EndVisit(visit, VisitEnd.REFUSED),))


def _refused_page(state: s.State, visit: VisitId, refusal: Refusal) -> s.Refused:
    """Return the page; a card that did not answer may be leaving the reader, with its PIN set."""
    pulled = _pulled_from(state) if refusal.reason is Reason.OUTCOME_UNKNOWN else None
    return s.Refused(visit, refusal.reason, refusal.retry_at, pulled)


def _placed(state: s.Working, reply: Reply) -> s.Working:
    """Return ``state`` at the step that the authority names; no decision here rests on it."""
    match reply:
        case FactorWrong() | FactorOver() | EmailRefused() | CodeNotSent():
            position: Position | None = reply.again.position
        case CountedTask():
            position = reply.position
        case AnswersRefused():
            position = state.visit.position
        case (
            VisitOpened()
            | Refusal()
            | StopNumberWrong()
            | EnterStopNumber()
            | Maintain()
            | Finished()
        ):
            position = None
        case _:
            assert_never(reply)
    return replace(state, visit=replace(state.visit, position=position))


def _replied(state: s.Working, reply: Reply) -> Next | None:
    match reply:
        case VisitOpened():
            return None
        case Refusal():
            return _refused(state, state.visit.id, reply)
        case FactorWrong():
            return Next(_factor_page(state, state.visit, reply.again, wrong=True))
        case FactorOver():
            return Next(_factor_over(state, reply))
        case AnswersRefused():
            # Back to the question whose answer was refused, with the answers before it.
            command, page = state.command, state.back
            if not isinstance(command, c.SaveQuestions) or not isinstance(page, s.GiveAnswer):
                return None
            kept = tuple(a for a in command.answers if a.question != reply.question)
            question = next((q for q in page.task.bank if q.id == reply.question), page.question)
            return Next(s.GiveAnswer(state.visit, page.task, kept, question, reply.problem))
        case EmailRefused():
            fault = s.EmailFault.DOMAIN if reply.domain else s.EmailFault.MALFORMED
            return Next(_email_again(state, reply.again, fault))
        case CodeNotSent():
            return Next(_code_not_sent(state, reply))
        case StopNumberWrong():
            return Next(s.StopNumberEntry(state.visit, reply.again, wrong=True))
        case _:
            return _given(state, reply)


def _given(state: s.Working, task: Task) -> Next:
    visit = state.visit
    if isinstance(state.command, c.SubmitEntry):
        visit = replace(visit, instead=())
    match task:
        case ProvePin():
            if visit.purpose is Purpose.FIRST_UNLOCK:
                visit = replace(visit, purpose=Purpose.REGISTER, unlocked=True, ways=None)
            return _ask_present(visit) if visit.pin_pad else Next(s.EnterPin(visit))
        case ChooseQuestions():
            return Next(s.PickQuestion(visit, task))
        case GiveEmail():
            return Next(s.EnterEmail(visit, task))
        case ChooseWay():
            return Next(_pick_way(visit, task))
        case SendCode():
            page = _address_page(state)
            if isinstance(state.command, c.Prepare) and not _goes_to(task, state.command.route):
                # The holder first sees to which address it would go now.
                return Next(s.CodeNeeded(visit, task, s.CodeLack.MOVED, entered_on=page))
            if len(task.routes) > 1:
                return Next(s.PickRoute(replace(visit, position=task.position), task))
            visit, attempt = _counted(visit)
            lacking = s.CodeNeeded(visit, task, s.CodeLack.MAIL_AWAY, entered_on=page)
            prepare = c.Prepare(visit.id, attempt, Factor.EMAIL_CODE, task.routes[0].id)
            return _working(visit, s.Work.SENDING_CODE, prepare, lacking)
        case MakeSavedCodes():
            make = c.MakeSavedCodes(visit.id)
            return _working(visit, s.Work.MAKING_CODES, make, None)
        case KeepSavedCodes():
            return Next(s.SavedCodesShown(visit, task))
        case EnterStopNumber():
            return Next(s.StopNumberEntry(visit, task))
        case Maintain():
            return Next(s.PickReason(visit, task))
        case SetPin(rules=rules):
            card = visit.pin_format
            least, most = max(rules.min_length, card.least_new), min(rules.max_length, card.most)
            if least <= most:  # else the card can hold no such PIN, and refuses each
                rules = replace(rules, min_length=least, max_length=most)
            if visit.pin_pad:
                return _ask_new(visit, rules)
            # A change needs the PIN that the card has just verified, too.
            command, changes = state.command, visit.purpose is Purpose.CHANGE_PIN
            current = command.pin if changes and isinstance(command, c.VerifyPin) else None
            return Next(s.NewPin(visit, rules, current))
        case Finished():
            done = s.Success(
                visit,
                task.purpose,
                task.counts_in_s,
                task.saved_code,
                task.saved_codes,
                task.expires_soon_days,
            )
            return Next(done, (c.EndVisit(visit.id, VisitEnd.FINISHED),))
        case _:  # mypy finds a task that is no factor's
            return Next(_factor_page(state, visit, task))


def _factor_page(
    state: s.Working, visit: s.VisitState, task: FactorTask, *, wrong: bool = False
) -> s.FactorPage:
    match task:
        case AnswerQuestions():
            return s.AskQuestion(visit, task, wrong=wrong)
        case EnterCode():
            again = isinstance(state.back, s.Menu) and state.back.waiting is visit.purpose
            page = _address_page(state)
            return s.CodeEntry(visit, task, resumed=again, entered_on=page, wrong=wrong)
        case EnterSavedCode():
            return s.SavedCodeEntry(visit, task, wrong=wrong)
        case _:  # whose page makes a whole entry, and needs to remember nothing else
            return s.FactorPage(visit, task=task, wrong=wrong)


def _factor_over(state: s.Working, reply: FactorOver) -> s.CodeNeeded | s.PickWay:
    match reply.again:
        case SendCode() as task:
            lack, given = s.CodeLack(reply.why), _address_page(state)
            return s.CodeNeeded(state.visit, task, lack, reply.retry_in_s, given)
        case ChooseWay() as task:
            return _pick_way(state.visit, task, reply.why)
        case _:
            assert_never(reply.again)


def _goes_to(task: SendCode | EnterCode, route: RouteId) -> bool:
    """Return whether a code can be sent to ``route``, as far as the station knows."""
    return any(each.id == route for each in task.routes)


def _address_page(state: s.Working) -> s.EnterEmail | None:
    """Return the page on which the address of the code was entered in this visit, if it was."""
    match state.back:
        case s.EnterEmail() as page:
            return page
        case s.CodeEntry(entered_on=page) | s.CodeNeeded(entered_on=page):
            return page
        case _:
            return None


def _email_again(state: s.Working, task: GiveEmail, fault: s.EmailFault) -> s.EnterEmail:
    typed = state.command.email if isinstance(state.command, c.SubmitEmail) else None
    return s.EnterEmail(state.visit, task, typed, fault)


def _code_not_sent(
    state: s.Working, reply: CodeNotSent
) -> s.CodeEntry | s.CodeNeeded | s.EnterEmail:
    away = reply.mail_away
    match reply.again:
        case EnterCode() as task:
            notice = s.CodeNotice.MAIL_AWAY if away else s.CodeNotice.TOO_SOON
            return s.CodeEntry(state.visit, task, notice, entered_on=_address_page(state))
        case SendCode() as task:
            lack = s.CodeLack.MAIL_AWAY if away else s.CodeLack.TOO_SOON
            lack = s.CodeLack.REFUSED if reply.refused else lack
            return s.CodeNeeded(state.visit, task, lack, reply.retry_in_s, _address_page(state))
        case GiveEmail() as task:
            return _email_again(state, task, s.EmailFault.REFUSED)
        case _:
            assert_never(reply.again)


# The whole step.


def _is_finished(state: s.State) -> bool:
    """Return whether the authority already knows how the visit ended."""
    return isinstance(state.inner if isinstance(state, s.StillThere) else state, s.ClosingState)


def step(state: s.State, event: e.Event) -> Next:
    """Return what follows from ``event`` in ``state``; an unfit event changes nothing."""
    match event:
        case e.CardOut():
            left, ending = _left(state, unread=event.unread), _ending(state, VisitEnd.CARD_REMOVED)
            if not event.others_in:
                return Next(left, ending)
            other = s.RemovalReason.OTHER_CARD
            return Next(s.RemoveCard(event.visit, other, left.pulled), ending)
        case e.NoticeTimedOut():
            is_shown = isinstance(state, s.Attract | s.OutOfService)
            return Next(_noted(state, None) if is_shown else state)
        case e.CardIn():
            ending = _ending(state, VisitEnd.CARD_REMOVED)
            opening = c.OpenVisit(event.visit, event.reader)
            return Next(s.Reading(event.visit, event.reader), (*ending, opening))
        case e.CardUnreadable():
            refused = _refused_page(state, event.visit, Refusal(Reason.CARD_UNREADABLE))
            mute = c.ReportMute(event.visit)
            return Next(refused, (*_ending(state, VisitEnd.REFUSED), mute))
        case e.SecondCard() if isinstance(state, s.Working) and _changes_card(state.command):
            return Next(replace(state, second_card=True))
        case e.SecondCard() if _asks_for_other_card(state):
            return Next(state)
        case e.SecondCard():
            untold = _untold(state, unread=event.unread)
            return _two_cards(state, s.visit_of(state) or event.visit, untold)
        case e.Availability():
            if not isinstance(state, s.Attract | s.OutOfService):
                return Next(state)
            if event.outage is not None:
                return Next(s.OutOfService(event.outage, state.pulled, state.visit))
            return Next(s.Attract(state.pulled, state.visit))
        case e.Replied(reply=Finished(purpose=purpose)) if event.visit == _visit_noted(state):
            return Next(_noted(state, _DONE.get(purpose)))
        case e.Replied(reply=ProvePin()) if event.visit == _visit_noted(state):
            # A first unlock is done; its registration would be next.
            return Next(_noted(state, s.PulledFrom.UNLOCKED))
        case _ if event.visit != s.visit_of(state):
            return Next(state)
        case e.GaveUp(how=VisitEnd.CARD_REMOVED) if isinstance(state, s.Working):
            # The reader reports the same, before or after, and the holder's notice stays.
            return Next(_left(state), _ending(state, event.how))
        case e.GaveUp() if not _is_finished(state):
            page = _refused_page(state, event.visit, Refusal(event.reason))
            return Next(page, _ending(state, event.how))
        case _:
            return _within_visit(state, event)


_DONE = {
    Purpose.UNLOCK: s.PulledFrom.UNLOCKED,
    Purpose.FIRST_UNLOCK: s.PulledFrom.UNLOCKED,
    Purpose.CHANGE_PIN: s.PulledFrom.CHANGED,
    Purpose.REGISTER: s.PulledFrom.REGISTERED,
    Purpose.CHANGE_EMAIL: s.PulledFrom.EMAIL_SAVED,
    Purpose.ADD_ADDRESS: s.PulledFrom.EMAIL_SAVED,
    Purpose.CHANGE_QUESTIONS: s.PulledFrom.QUESTIONS_SAVED,
    Purpose.SAVED_CODES: s.PulledFrom.CODES_KEPT,
}


def _left(state: s.State, *, unread: bool = False) -> s.Attract:
    """Return the page after the card has left; the holder has to learn what they could not read."""
    if isinstance(state, s.Attract | s.OutOfService):
        return s.Attract(state.pulled, state.visit)
    pulled = _untold(state, unread=unread)
    return s.Attract(pulled, s.visit_of(state) if pulled else None)


def _untold(state: s.State, *, unread: bool) -> s.PulledFrom | None:
    if isinstance(state, s.Success):
        return _DONE.get(state.purpose) if unread else None
    return _pulled_from(state)


def _visit_noted(state: s.State) -> VisitId | None:
    """Return the visit that the notice on the page, or on the next one, is about."""
    match state:
        case s.Attract() | s.OutOfService():
            return state.visit
        case s.RemoveCard(pulled=s.PulledFrom()):
            return state.visit
        case _:
            return None


def _noted(state: s.State, pulled: s.PulledFrom | None) -> s.State:
    """Return the page with another notice about the last card, or with none."""
    match state:
        case s.Attract() | s.OutOfService():
            return replace(state, pulled=pulled, visit=state.visit if pulled else None)
        case s.RemoveCard():
            return replace(state, pulled=pulled)
        case _:
            return state


def _pulled_from(state: s.State) -> s.PulledFrom | None:
    """Return what may or may not have been done, or is not shown to be: see ``PulledFrom``."""
    match state:
        case s.Working(command=c.UnblockPin()):
            return s.PulledFrom.UNBLOCK
        case s.Working(command=c.ChangePin()):
            return s.PulledFrom.CHANGE
        case s.Working(
            visit=s.VisitState(
                purpose=Purpose.REGISTER | Purpose.CHANGE_EMAIL | Purpose.ADD_ADDRESS
            ),
            command=c.SubmitEntry(entry=Code()),
            back=s.CodeEntry(task=EnterCode(proves_owner=False)),
        ):
            return s.PulledFrom.SAVING
        case s.Working(
            visit=s.VisitState(purpose=Purpose.CHANGE_QUESTIONS), command=c.SaveQuestions()
        ):
            return s.PulledFrom.SAVING
        case s.Working(command=c.KeepSavedCodes()):
            return s.PulledFrom.SAVING
        case (
            s.EnterPin(visit=s.VisitState(unlocked=True))
            | s.PadPaused(visit=s.VisitState(unlocked=True))
            | s.Working(visit=s.VisitState(unlocked=True), command=c.VerifyPin())
            | s.NotReached(visit=s.VisitState(unlocked=True), command=c.VerifyPin())
        ):
            return s.PulledFrom.UNLOCKED
        case s.StillThere(inner):
            return _pulled_from(inner)
        case s.Attract() | s.OutOfService() | s.Refused() | s.RemoveCard():
            return state.pulled
        case _:
            return None


def _within_visit(state: s.State, event: e.VisitEvent) -> Next:
    match state:
        case s.Attract() | s.OutOfService() | s.RemoveCard():
            return Next(state)
        case s.Reading() | s.Working():
            following = _on_result(state, event) or Next(state)
            if not isinstance(state, s.Working) or not state.second_card:
                return following
            if following.state == state or isinstance(following.state, s.ClosingState):
                return following
            # It is shown how it ended; where the flow would go on, the second card stops it now.
            return _two_cards(state, state.visit.id, _pulled_from(following.state))
        case s.StillThere() if isinstance(event, e.Stayed):
            return Next(state.inner)
        case s.StillThere() if isinstance(event, e.AnswerTimedOut):
            # A last page that nobody leaves is cleared: its card may stay in for hours.
            if _is_finished(state):
                return Next(s.RemoveCard(event.visit, s.RemovalReason.FINISHED))
            return _leave(event.visit, s.RemovalReason.IDLE)
        case s.StillThere():
            return Next(state)
        case _ if isinstance(event, e.IdleTimedOut):
            return Next(s.StillThere(state))
        case s.Success() | s.Refused():
            left = isinstance(event, e.Left)
            return Next(s.RemoveCard(event.visit, s.RemovalReason.FINISHED) if left else state)
        case _:  # mypy finds a state that is not the holder's
            if isinstance(event, e.Left):
                return _leave(event.visit, _reason_to_leave(state))
            return _on_holder(state, event) or Next(state)


def _asks_for_other_card(state: s.State) -> bool:
    return isinstance(state, s.RemoveCard) and state.reason is s.RemovalReason.OTHER_CARD


def _changes_card(command: c.Command) -> bool:
    return isinstance(command, c.UnblockPin | c.ChangePin)


def _reason_to_leave(page: s.HolderState) -> s.RemovalReason:
    if isinstance(page, s.StopNumberEntry):
        return s.RemovalReason.NOTHING_STOPPED
    return s.RemovalReason.LEFT_UNLOCKED if page.visit.unlocked else s.RemovalReason.LEFT


def _leave(visit: VisitId, reason: s.RemovalReason) -> Next:
    how = VisitEnd.IDLE if reason is s.RemovalReason.IDLE else VisitEnd.LEFT
    return Next(s.RemoveCard(visit, reason), (c.EndVisit(visit, how),))


def _two_cards(state: s.State, visit: VisitId, untold: s.PulledFrom | None) -> Next:
    """Refuse to go on; what the holder has not read is said once both cards are out."""
    refused = s.Refused(visit, Reason.TWO_CARDS, pulled=untold)
    return Next(refused, _ending(state, VisitEnd.REFUSED))


def _ending(state: s.State, how: VisitEnd) -> tuple[c.Command, ...]:
    visit = s.visit_of(state)
    if visit is None or _is_finished(state):
        return ()
    return (c.EndVisit(visit, how),)
