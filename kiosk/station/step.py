"""The flow: ``step(state, event)`` returns the next state and the commands to carry out.

Pure. Four things fit every state and are decided first: a card that goes out ends the visit, a card
that goes in begins one, a second card stops everything, and an event of another visit than the one
on the screen changes nothing. Everything else depends on the state.

While a command changes the card, a second card waits: the holder sees the outcome first.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract import errors
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    AnswersRefused,
    AnswersWrong,
    ChooseQuestions,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    CountedTask,
    EmailRefused,
    EnterCode,
    EnterStopNumber,
    Finished,
    GiveEmail,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Offer,
    OnPad,
    PinEntry,
    PinFormat,
    PinRules,
    Position,
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
from kiosk.contract.policy import PinRule, answer_problem, broken_pin_rules
from kiosk.contract.text import says_why
from kiosk.station.commands import (
    ChangePin,
    Choose,
    Command,
    DoMaintenance,
    EndVisit,
    OpenVisit,
    ReportMute,
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
    ActPicked,
    AnswerEntered,
    AnswerTimedOut,
    Availability,
    CardIn,
    CardOut,
    CardRead,
    CardUnreadable,
    Chose,
    CodeAsked,
    CodeEntered,
    Confirmed,
    EmailEntered,
    Event,
    GaveUp,
    IdleTimedOut,
    Left,
    Maintained,
    MisuseNoticed,
    NoReply,
    NoticeTimedOut,
    PadEnded,
    PinEntered,
    PinFailed,
    PinNotTaken,
    QuestionPicked,
    ReasonPicked,
    ReasonWritten,
    Replied,
    SecondCard,
    SomethingElse,
    Stayed,
    StopNumberEntered,
    TriedAgain,
    VisitEvent,
    WentBack,
)
from kiosk.station.states import (
    ActDone,
    AskQuestion,
    Attract,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    CodeNotice,
    ConfirmAct,
    ConfirmOwner,
    EmailFault,
    Ending,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    HolderState,
    Maintenance,
    Menu,
    NewPin,
    OutOfService,
    PadNotice,
    PadPaused,
    PickQuestion,
    PickReason,
    PinFault,
    PulledFrom,
    Reading,
    Refused,
    RemovalReason,
    RemoveCard,
    RepeatPin,
    State,
    StillThere,
    StopNumberEntry,
    Success,
    Trouble,
    VisitState,
    Work,
    Working,
    WriteReason,
    typed_pin,
    visit_of,
)


class Next(Struct, frozen=True):
    """The next state of the station, and its commands."""

    state: State
    commands: tuple[Command, ...] = ()


# The holder's acts, page by page.


def on_holder(state: HolderState, event: VisitEvent) -> Next | None:
    """Return what follows from the act, or None where it has no meaning on this page."""
    match state, event:
        case Menu(), Chose(purpose=purpose):
            offer = next((one for one in state.offers if one.purpose is purpose), None)
            return _chosen(state, offer) if offer else None
        case Menu(waiting=Purpose() as purpose), WentBack():
            return _choose(state.visit, purpose, state)
        case ConfirmOwner(), Confirmed():
            return _choose(state.visit, state.visit.purpose or Purpose.UNLOCK, state)
        case EnterPin(), PinEntered():
            verify = VerifyPin(state.visit.id, state.visit.at, event.pin)
            return working(state.visit, Work.CHECKING_PIN, verify, state)
        case ((Menu() | ConfirmOwner() | CodeEntry()), MisuseNoticed()):
            return _choose(replace(state.visit, position=None), Purpose.REPORT_MISUSE, state)
        case StopNumberEntry(), StopNumberEntered():
            visit, attempt = counted(state.visit)
            number = SubmitStopNumber(visit.id, attempt, event.number)
            return working(visit, Work.CHECKING_NUMBER, number, replace(state, visit=visit))
        case PadPaused(why=PadNotice.NOT_TAKEN, back=page), TriedAgain() if page is not None:
            return Next(page)
        case PadPaused(command=UnblockPin() as command), TriedAgain():
            visit, attempt = counted(state.visit)
            asking = replace(command, attempt=attempt)
            back = state.back and replace(state.back, visit=visit)
            return working(visit, state.work, asking, back)
        case ((Trouble() | PadPaused()), TriedAgain()):
            return working(state.visit, state.work, state.command, state.back)
        case _:
            return (
                _on_questions(state, event)
                or _on_code(state, event)
                or _on_new_pin(state, event)
                or _on_maintenance(state, event)
            )


def working(visit: VisitState, work: Work, command: Command, back: HolderState | None) -> Next:
    """Return the page for a running ``command``, and the command."""
    return Next(Working(visit, work, command, back), (command,))


def _chosen(state: Menu, offer: Offer) -> Next:
    visit = _beginning(state.visit, offer)
    if offer.purpose in (Purpose.UNLOCK, Purpose.FIRST_UNLOCK):
        return Next(ConfirmOwner(visit))
    return _choose(visit, offer.purpose, state, anew=offer.purpose is state.waiting)


def _beginning(visit: VisitState, offer: Offer) -> VisitState:
    at = Position(1, offer.steps)
    return replace(visit, purpose=offer.purpose, position=at, instead=())


def _choose(visit: VisitState, purpose: Purpose, back: HolderState, *, anew: bool = False) -> Next:
    chosen = replace(visit, purpose=purpose)
    return working(chosen, Work.PREPARING, Choose(visit.id, purpose, anew), back)


def counted(visit: VisitState) -> tuple[VisitState, str]:
    """Return the visit with one more attempt counted, and that attempt's id."""
    counted = replace(visit, sent=visit.sent + 1)
    return counted, f"{visit.id}-{counted.sent}"


# --- questions -------------------------------------------------------------------------


def _on_questions(state: HolderState, event: VisitEvent) -> Next | None:
    match state, event:
        case PickQuestion(), QuestionPicked():
            taken = {answer.question for answer in state.given}
            for question in state.task.bank:
                if question.id == event.question and question.id not in taken:
                    return Next(GiveAnswer(state.visit, state.task, state.given, question))
            return None
        case GiveAnswer(), AnswerEntered():
            others = [answer.text.reveal() for answer in state.given]
            problem = answer_problem(event.text.reveal(), state.question.text, others)
            if problem:
                return Next(replace(state, problem=problem))
            given = (*state.given, Answer(state.question.id, event.text))
            if len(given) < state.task.count:
                return Next(PickQuestion(state.visit, state.task, given))
            save = SaveQuestions(state.visit.id, given)
            return working(state.visit, Work.CHECKING_ANSWERS, save, state)
        case GiveAnswer(), WentBack():
            return Next(PickQuestion(state.visit, state.task, state.given))
        case PickQuestion(given=(*_, _)), WentBack():
            return Next(replace(state, given=state.given[:-1]))
        case AskQuestion(), AnswerEntered():
            given = (*state.given, Answer(state.question.id, event.text))
            if len(given) < len(state.task.questions):
                return Next(replace(state, given=given, wrong=False))
            visit, attempt = counted(state.visit)
            submit = SubmitAnswers(visit.id, attempt, given)
            return working(visit, Work.CHECKING_ANSWERS, submit, AskQuestion(visit, state.task))
        case AskQuestion(given=(*_, _)), WentBack():
            return Next(replace(state, given=state.given[:-1], wrong=False))
        case _:
            return None


# --- an emailed code, and the address for it --------------------------------------------


def _on_code(state: HolderState, event: VisitEvent) -> Next | None:
    match state, event:
        case EnterEmail(), EmailEntered():
            page = replace(state, typed=event.email, trouble=None)
            visit, attempt = counted(state.visit)
            submit = SubmitEmail(visit.id, event.email, attempt)
            return working(visit, Work.SENDING_CODE, submit, replace(page, visit=visit))
        case (
            (
                CodeEntry(entered_on=EnterEmail() as page)
                | CodeNeeded(entered_on=EnterEmail() as page)
            ),
            WentBack(),
        ):
            return Next(replace(page, visit=replace(state.visit, position=page.task.position)))
        case CodeEntry(), CodeEntered():
            visit, attempt = counted(state.visit)
            code = SubmitCode(visit.id, attempt, event.code)
            return working(visit, Work.CHECKING_CODE, code, replace(state, visit=visit))
        case CodeEntry(visit=VisitState(purpose=Purpose.FIRST_UNLOCK)), CodeAsked():
            return None
        case ((CodeEntry() | CodeNeeded()), CodeAsked()):
            visit, attempt = counted(state.visit)
            request = RequestCode(visit.id, attempt)
            return working(visit, Work.SENDING_CODE, request, replace(state, visit=visit))
        case ((CodeEntry() | CodeNeeded()), SomethingElse()) if state.visit.instead:
            visit = replace(state.visit, position=None)
            return Next(Menu(visit, state.visit.instead, waiting=state.visit.purpose))
        case _:
            return None


# --- a new PIN -------------------------------------------------------------------------


def _on_new_pin(state: HolderState, event: VisitEvent) -> Next | None:
    match state, event:
        case NewPin(), PinEntered():
            broken = broken_pin_rules(event.pin.reveal(), state.rules, typed_pin(state.current))
            if broken == (PinRule.CURRENT,):
                return Next(replace(state, trouble=PinFault.CARD_HISTORY))
            if broken:
                return Next(replace(state, trouble=PinFault.WEAK))
            return Next(RepeatPin(state.visit, state.rules, event.pin, state.current))
        case RepeatPin(), WentBack():
            return Next(NewPin(state.visit, state.rules, state.current))
        case RepeatPin(), PinEntered():
            again = NewPin(state.visit, state.rules, state.current)
            if event.pin != state.pin:
                return Next(replace(again, trouble=PinFault.MISMATCH))
            visit, attempt = counted(state.visit)
            command: Command
            if state.current is not None:
                command = ChangePin(visit.id, visit.at, state.current, state.pin)
            else:
                command = UnblockPin(visit.id, visit.at, state.pin, attempt)
            return working(visit, Work.SETTING_PIN, command, replace(again, visit=visit))
        case _:
            return None


# --- maintenance -----------------------------------------------------------------------


def _on_maintenance(state: HolderState, event: VisitEvent) -> Next | None:
    match state, event:
        case PickReason(), ReasonPicked(why=MaintenanceReason.OTHER):
            return Next(WriteReason(state.visit, state.task))
        case PickReason(), ReasonPicked():
            return Next(Maintenance(state.visit, state.task, event.why))
        case WriteReason(), ReasonWritten() if says_why(event.words):
            other = MaintenanceReason.OTHER
            return Next(Maintenance(state.visit, state.task, other, event.words))
        case WriteReason(), ReasonWritten():
            return Next(replace(state, unclear=True))
        case WriteReason(), WentBack():
            return Next(PickReason(state.visit, state.task))
        case (
            Maintenance(),
            ActPicked(
                act=MaintenanceAct.RESTART_STATION
                | MaintenanceAct.RESTART_MACHINE
                | MaintenanceAct.SWITCH_OFF as act
            ),
        ):
            return Next(ConfirmAct(state.visit, state, act))
        case Maintenance(), ActPicked():
            return _do(state, event.act)
        case ConfirmAct(), Confirmed():
            return _do(state.menu, state.act)
        case ConfirmAct(), WentBack():
            return Next(state.menu)
        case ActDone(result=result), WentBack() if not isinstance(result, Ending):
            return Next(state.menu)
        case _:
            return None


def _do(menu: Maintenance, act: MaintenanceAct) -> Next:
    visit, attempt = counted(menu.visit)
    command = DoMaintenance(visit.id, visit.at, act, menu.why, menu.words, attempt)
    return working(visit, Work.MAINTAINING, command, replace(menu, visit=visit))


# PINs that are entered on the reader's own keys, and never at the station.
#
# Its page is shown as the command is sent. From then on the reader asks, and only its Cancel key,
# its time-out or the removal of the card ends the entry before the card has answered. An entry that
# ends without a PIN leads to ``PadPaused``.


def ask_present(visit: VisitState) -> Next:
    """Make the reader ask for the present PIN; where its keys cannot, it is typed this once."""
    present = OnPad(visit.pin_format.least, visit.pin_format.most)
    verify, typed = VerifyPin(visit.id, visit.at, present), EnterPin(_at_station(visit))
    if visit.purpose is Purpose.CHANGE_PIN and not visit.pad_changes:
        return Next(PadPaused(visit, Work.PIN_ON_PAD, verify, typed, PadNotice.NOT_TAKEN))
    return working(visit, Work.PIN_ON_PAD, verify, typed)


def ask_new(visit: VisitState, rules: PinRules) -> Next:
    """Make the reader ask for a new PIN; for a change it asks for the old one, too."""
    new = OnPad(rules.min_length, rules.max_length)
    if visit.purpose is Purpose.CHANGE_PIN:
        change = ChangePin(visit.id, visit.at, OnPad(), new)
        typed = EnterPin(_at_present_pin(_at_station(visit)))
        return working(visit, Work.CHANGE_ON_PAD, change, typed)
    visit, attempt = counted(visit)
    unblock = UnblockPin(visit.id, visit.at, new, attempt)
    return working(visit, Work.NEW_PIN_ON_PAD, unblock, NewPin(_at_station(visit), rules))


def notice_of(error: errors.PadLeft | errors.PadRefused) -> PadNotice:
    """Return the holder's notice about an entry that sent nothing to the card."""
    if isinstance(error, errors.PadLeft):
        return PadNotice(error.because)
    return PadNotice.NOT_TAKEN


def paused(state: Working, why: PadNotice | PinFault, tries_left: int | None = None) -> Next | None:
    """Return the page on why the reader stopped asking; None where it did not ask."""
    match state.command:
        case VerifyPin() | UnblockPin() | ChangePin() as command if state.work.on_pad:
            page = PadPaused(state.visit, state.work, command, state.back, why, tries_left)
            return Next(page)
        case _:
            return None


def _at_station(visit: VisitState) -> VisitState:
    return replace(visit, pin_pad=False)


def _at_present_pin(visit: VisitState) -> VisitState:
    """Return a change of PIN at its previous step, the present PIN."""
    at = visit.position
    return replace(visit, position=Position(at.index - 1, at.count) if at else None)


# Answers of the card and the authority.


BUSY_REPEATS = 5
"""How often a busy authority is asked again before the holder decides; each takes some seconds."""


def on_result(state: Reading | Working, event: VisitEvent) -> Next | None:
    """Return where an answer leads, or None where none was expected."""
    match state, event:
        case Reading(), CardRead():
            return _opened(state, event)
        case Reading(), NoReply(busy=True) if state.repeats < BUSY_REPEATS:
            opening = OpenVisit(state.visit, state.reader)
            return Next(replace(state, repeats=state.repeats + 1), (opening,))
        case Working(work=Work(on_pad=False)), NoReply(busy=True) if state.repeats < BUSY_REPEATS:
            # A PIN on the reader's keys would have to be entered again: the holder decides.
            return Next(replace(state, repeats=state.repeats + 1), (state.command,))
        case Reading(), NoReply():
            return _refused(state, state.visit, Refusal(Reason.AUTHORITY_AWAY))
        case Working(back=Maintenance() as menu), Maintained():
            return Next(ActDone(state.visit, menu, event.result))
        case Working(), Replied():
            return _replied(_placed(state, event.reply), event.reply)
        case Working(), PadEnded():
            return paused(state, event.notice)
        case Working(work=Work(on_pad=True)), PinFailed():
            return paused(state, PadNotice.WRONG, event.tries_left)
        case Working(work=Work(on_pad=True)), PinNotTaken():
            return paused(state, event.trouble)
        case Working(command=ChangePin()), PinFailed():
            page = EnterPin(_at_present_pin(state.visit), wrong=True, tries_left=event.tries_left)
            return Next(page)
        case Working(), PinFailed():
            return Next(EnterPin(state.visit, wrong=True, tries_left=event.tries_left))
        case Working(back=NewPin() as page), PinNotTaken():
            return Next(replace(page, trouble=event.trouble))
        case Working(), NoReply():
            return Next(Trouble(state.visit, state.work, state.command, state.back))
        case _:
            return None


def _opened(state: Reading, read: CardRead) -> Next:
    reply = read.reply
    if isinstance(reply, Refusal):
        return _refused(state, read.visit, reply)
    known = VisitState(
        read.visit,
        read.at,
        reply.holder_name,
        pin_pad=read.pin_pad,
        pad_changes=read.pad_changes,
        pin_format=read.pin_format,
    )
    if reply.resumed is not None:
        purpose, task = reply.resumed
        at = task.position
        visit = replace(known, purpose=purpose, position=at, instead=reply.offers)
        return Next(CodeEntry(visit, task, resumed=True))
    match reply.offers:
        case (Offer(purpose=Purpose.UNLOCK | Purpose.FIRST_UNLOCK) as only,):
            return Next(ConfirmOwner(_beginning(known, only), locked=True))
        case _:
            return Next(Menu(known, reply.offers, reply.blocked))


def _refused(state: State, visit: VisitId, refusal: Refusal) -> Next:
    return Next(_turned_away(state, visit, refusal), (EndVisit(visit, VisitEnd.REFUSED),))


def _turned_away(state: State, visit: VisitId, refusal: Refusal) -> Refused:
    """Return the page; a card that did not answer may be leaving the reader, with its PIN set."""
    is_in_doubt = refusal.reason is Reason.OUTCOME_UNKNOWN
    pulled = _pulled_from(state) if is_in_doubt else None
    return Refused(visit, refusal.reason, refusal.retry_at, pulled)


def _placed(state: Working, reply: Reply) -> Working:
    """Return ``state`` at the step that the authority names; no decision here rests on it."""
    match reply:
        case AnswersWrong() | EmailRefused() | CodeNotSent() | CodeWrong() | CodeDead():
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


def _replied(state: Working, reply: Reply) -> Next | None:
    match reply:
        case VisitOpened():
            return None
        case Refusal():
            return _refused(state, state.visit.id, reply)
        case AnswersWrong():
            return Next(AskQuestion(state.visit, reply.again, wrong=True))
        case AnswersRefused():
            return _answers_refused(state, reply)
        case EmailRefused():
            trouble = EmailFault.DOMAIN if reply.domain else EmailFault.MALFORMED
            return Next(_email_again(state, reply.again, trouble))
        case CodeNotSent():
            return Next(_code_not_sent(state, reply))
        case CodeWrong():
            page = _address_page(state)
            return Next(CodeEntry(state.visit, reply.again, CodeNotice.WRONG, entered_on=page))
        case CodeDead():
            lack, page = CodeLack(reply.why), _address_page(state)
            return Next(CodeNeeded(state.visit, reply.again.masked, lack, reply.retry_in_s, page))
        case StopNumberWrong():
            return Next(StopNumberEntry(state.visit, reply.again, wrong=True))
        case _:
            return _given(state, reply)


def _given(state: Working, task: Task) -> Next:
    visit = state.visit
    if isinstance(state.command, SubmitCode):
        visit = replace(visit, instead=())
    match task:
        case ProvePin():
            if visit.purpose is Purpose.FIRST_UNLOCK:
                visit = replace(visit, purpose=Purpose.REGISTER, unlocked=True)
            return ask_present(visit) if visit.pin_pad else Next(EnterPin(visit))
        case ChooseQuestions():
            return Next(PickQuestion(visit, task))
        case GiveEmail():
            return Next(EnterEmail(visit, task))
        case AnswerQuestions():
            return Next(AskQuestion(visit, task))
        case SendCode():
            visit, attempt = counted(visit)
            page = _address_page(state)
            lacking = CodeNeeded(visit, task.masked, CodeLack.MAIL_AWAY, entered_on=page)
            return working(visit, Work.SENDING_CODE, RequestCode(visit.id, attempt), lacking)
        case EnterCode():
            again = isinstance(state.back, Menu) and state.back.waiting is visit.purpose
            return Next(CodeEntry(visit, task, resumed=again, entered_on=_address_page(state)))
        case EnterStopNumber():
            return Next(StopNumberEntry(visit, task))
        case Maintain():
            return Next(PickReason(visit, task))
        case SetPin(rules=asked):
            rules = _rules_for(visit.pin_format, asked)
            if visit.pin_pad:
                return ask_new(visit, rules)
            return Next(NewPin(visit, rules, _current_pin(state)))
        case Finished():
            done = Success(visit, task.purpose, task.counts_in_s)
            return Next(done, (EndVisit(visit.id, VisitEnd.FINISHED),))
        case _:
            assert_never(task)


def _rules_for(card: PinFormat, asked: PinRules) -> PinRules:
    """Return the rules within the card's lengths; unchanged where it can hold no such PIN.

    Then the card refuses each.
    """
    least, most = max(asked.min_length, card.least_new), min(asked.max_length, card.most)
    return replace(asked, min_length=least, max_length=most) if least <= most else asked


def _current_pin(state: Working) -> PinEntry | None:
    """Return the PIN that the card has just verified: a change needs it, too."""
    match state:
        case Working(visit=VisitState(purpose=Purpose.CHANGE_PIN), command=VerifyPin(pin=pin)):
            return pin
        case Working(command=ChangePin(current=pin)):
            return pin
        case _:
            return None


def _answers_refused(state: Working, reply: AnswersRefused) -> Next | None:
    """Go back to the question whose answer was refused, keeping the answers before it."""
    match state.back:
        case GiveAnswer(task=task) as page:
            command = state.command
            answers = command.answers if isinstance(command, SaveQuestions) else page.given
            kept = tuple(a for a in answers if a.question != reply.question)
            question = next((q for q in task.bank if q.id == reply.question), page.question)
            return Next(GiveAnswer(state.visit, task, kept, question, reply.problem))
        case _:
            return None


def _address_page(state: Working) -> EnterEmail | None:
    """Return the page on which the address of the code was entered in this visit, if it was."""
    match state.back:
        case EnterEmail() as page:
            return page
        case CodeEntry(entered_on=page) | CodeNeeded(entered_on=page):
            return page
        case _:
            return None


def _email_again(state: Working, task: GiveEmail, trouble: EmailFault) -> EnterEmail:
    typed = state.command.email if isinstance(state.command, SubmitEmail) else None
    return EnterEmail(state.visit, task, typed, trouble)


def _code_not_sent(state: Working, reply: CodeNotSent) -> CodeEntry | CodeNeeded | EnterEmail:
    away = reply.mail_away
    match reply.again:
        case EnterCode() as task:
            notice = CodeNotice.MAIL_AWAY if away else CodeNotice.TOO_SOON
            return CodeEntry(state.visit, task, notice, entered_on=_address_page(state))
        case SendCode(masked=masked):
            lack = CodeLack.MAIL_AWAY if away else CodeLack.TOO_SOON
            return CodeNeeded(state.visit, masked, lack, reply.retry_in_s, _address_page(state))
        case GiveEmail() as task:
            return _email_again(state, task, EmailFault.REFUSED)
        case _:
            assert_never(reply.again)


# The whole step.

_FINISHED = (Success, Refused, RemoveCard)
"""Pages at which the authority already knows how the visit ended."""


def step(state: State, event: Event) -> Next:
    """Return what follows from ``event`` in ``state``; an unfit event changes nothing."""
    match event:
        case CardOut():
            return Next(_left(state, unread=event.unread), _ending(state, VisitEnd.CARD_REMOVED))
        case NoticeTimedOut():
            return Next(_noted(state, None))
        case CardIn():
            ending = _ending(state, VisitEnd.CARD_REMOVED)
            opening = OpenVisit(event.visit, event.reader)
            return Next(Reading(event.visit, event.reader), (*ending, opening))
        case CardUnreadable():
            refused = _turned_away(state, event.visit, Refusal(Reason.CARD_UNREADABLE))
            mute = ReportMute(event.visit)
            return Next(refused, (*_ending(state, VisitEnd.REFUSED), mute))
        case SecondCard() if isinstance(state, Working) and _changes_card(state.command):
            return Next(replace(state, second_card=True))
        case SecondCard():
            untold = _untold(state, unread=event.unread)
            return _two_cards(state, visit_of(state) or event.visit, untold)
        case Availability():
            if not isinstance(state, Attract | OutOfService):
                return Next(state)
            if event.outage is not None:
                return Next(OutOfService(event.outage, state.pulled, state.visit))
            return Next(Attract(state.pulled, state.visit))
        case Replied(reply=Finished(purpose=purpose)) if event.visit == _left_in(state):
            return Next(_noted(state, _DONE.get(purpose)))
        case Replied(reply=ProvePin()) if event.visit == _left_in(state):
            # A first unlock is done; its registration would be next.
            return Next(_noted(state, PulledFrom.UNLOCKED))
        case _ if event.visit != visit_of(state):
            return Next(state)
        case GaveUp(how=VisitEnd.CARD_REMOVED) if isinstance(state, Working):
            # The reader reports the same, before or after, and the holder's notice stays.
            return Next(_left(state), _ending(state, event.how))
        case GaveUp() if not isinstance(state, _FINISHED):
            page = _turned_away(state, event.visit, Refusal(event.reason))
            return Next(page, _ending(state, event.how))
        case _:
            return _within_visit(state, event)


_DONE = {
    Purpose.UNLOCK: PulledFrom.UNLOCKED,
    Purpose.FIRST_UNLOCK: PulledFrom.UNLOCKED,
    Purpose.CHANGE_PIN: PulledFrom.CHANGED,
    Purpose.REGISTER: PulledFrom.REGISTERED,
    Purpose.CHANGE_EMAIL: PulledFrom.EMAIL_SAVED,
    Purpose.CHANGE_QUESTIONS: PulledFrom.QUESTIONS_SAVED,
}


def _left(state: State, *, unread: bool = False) -> Attract:
    """Return the page after the card has left; the holder has to learn what they could not read."""
    if isinstance(state, Attract | OutOfService):
        return Attract(state.pulled, state.visit)
    pulled = _untold(state, unread=unread)
    return Attract(pulled, visit_of(state) if pulled else None)


def _untold(state: State, *, unread: bool) -> PulledFrom | None:
    if isinstance(state, Success):
        return _DONE.get(state.purpose) if unread else None
    return _pulled_from(state)


def _left_in(state: State) -> VisitId | None:
    """Return the visit that the notice on the page is about."""
    return state.visit if isinstance(state, Attract | OutOfService) else None


def _noted(state: State, pulled: PulledFrom | None) -> State:
    """Return the page with another notice about the last card, or with none."""
    if not isinstance(state, Attract | OutOfService):
        return state
    return replace(state, pulled=pulled, visit=state.visit if pulled else None)


def _pulled_from(state: State) -> PulledFrom | None:
    """Return what may or may not have been done, or is not shown to be: see ``PulledFrom``."""
    match state:
        case Working(command=UnblockPin()):
            return PulledFrom.UNBLOCK
        case Working(command=ChangePin()):
            return PulledFrom.CHANGE
        case Working(
            visit=VisitState(purpose=Purpose.REGISTER | Purpose.CHANGE_EMAIL),
            command=SubmitCode(),
            back=CodeEntry(task=EnterCode(proves_owner=False)),
        ):
            return PulledFrom.SAVING
        case Working(visit=VisitState(purpose=Purpose.CHANGE_QUESTIONS), command=SaveQuestions()):
            return PulledFrom.SAVING
        case (
            EnterPin(visit=VisitState(unlocked=True))
            | PadPaused(visit=VisitState(unlocked=True))
            | Working(visit=VisitState(unlocked=True), command=VerifyPin())
        ):
            return PulledFrom.UNLOCKED
        case StillThere(inner):
            return _pulled_from(inner)
        case Refused():
            return state.pulled
        case _:
            return None


def _within_visit(state: State, event: VisitEvent) -> Next:
    match state:
        case Attract() | OutOfService() | RemoveCard():
            return Next(state)
        case Reading() | Working():
            following = on_result(state, event) or Next(state)
            if not isinstance(state, Working) or not state.second_card:
                return following
            if following.state == state or isinstance(following.state, _FINISHED):
                return following
            # It is shown how it ended; where the flow would go on, the second card stops it now.
            return _two_cards(state, state.visit.id, _pulled_from(following.state))
        case StillThere() if isinstance(event, Stayed):
            return Next(state.inner)
        case StillThere() if isinstance(event, AnswerTimedOut):
            return _leave(event.visit, RemovalReason.IDLE)
        case StillThere():
            return Next(state)
        case Success() | Refused():
            # A last page that nobody leaves is cleared: its card may stay in for hours.
            if isinstance(event, IdleTimedOut | Left):
                return Next(RemoveCard(event.visit, RemovalReason.FINISHED))
            return Next(state)
        case _:  # mypy finds a state that is not the holder's
            if isinstance(event, IdleTimedOut):
                return Next(StillThere(state))
            if isinstance(event, Left):
                return _leave(event.visit, RemovalReason.LEFT)
            return on_holder(state, event) or Next(state)


def _changes_card(command: Command) -> bool:
    return isinstance(command, UnblockPin | ChangePin)


def _leave(visit: VisitId, reason: RemovalReason) -> Next:
    how = VisitEnd.IDLE if reason is RemovalReason.IDLE else VisitEnd.LEFT
    return Next(RemoveCard(visit, reason), (EndVisit(visit, how),))


def _two_cards(state: State, visit: VisitId, untold: PulledFrom | None) -> Next:
    """Refuse to go on; what the holder has not read is said once both cards are out."""
    refused = Refused(visit, Reason.TWO_CARDS, pulled=untold)
    return Next(refused, _ending(state, VisitEnd.REFUSED))


def _ending(state: State, how: VisitEnd) -> tuple[Command, ...]:
    visit = visit_of(state)
    if visit is None or isinstance(state, _FINISHED):
        return ()
    return (EndVisit(visit, how),)
