"""Turning the next gate into the task that a station shows."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final, assert_never

from kiosk.authority.records import EmailCode, Registration
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.codes import entries_subject
from kiosk.authority.visit import maintenance
from kiosk.authority.visit.context import VisitContext, VisitRefused, can_be_entered, is_assisted
from kiosk.authority.visit.rules import UNLOCKS, Gate, has_signed, path
from kiosk.contract.messages import (
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    EnterStopNumber,
    Finished,
    GiveEmail,
    ProvePin,
    Purpose,
    Question,
    Reason,
    SendCode,
    SetPin,
    Task,
)
from kiosk.contract.policy import (
    HOUR,
    STOP_NUMBER_DIGITS,
    SendVerdict,
    mask_email,
    may_send_code,
)

STOP_ENTRIES_A_VISIT: Final = 5
STOP_ENTRIES_A_DAY: Final = 10
"""Wrong stop numbers that are accepted for one holder: guessing must stop nobody."""


def next_task(uow: UnitOfWork, context: VisitContext) -> Task:
    """Return the holder's next task; pins the questions when they are first asked."""
    gate = context.next_gate
    match gate:
        case None:
            return finished(uow, context)
        case Gate.PIN:
            return ProvePin(position=context.position(gate))
        case Gate.QUESTIONS:
            _need_codes(uow, context)
            bank = tuple(Question(one.id, one.text) for one in uow.questions.current())
            count = context.policy.questions_registered
            return ChooseQuestions(bank, count, position=context.position(Gate.QUESTIONS))
        case Gate.EMAIL:
            _need_codes(uow, context)
            return give_email(context)
        case Gate.ANSWERS:
            return answer_questions(uow, context)
        case Gate.CODE | Gate.OWNER:
            code = context.waiting_code
            if code is None and context.visit.purpose is Purpose.FIRST_UNLOCK:
                raise VisitRefused(Reason.GIVEN_CODE_OVER)
            return enter_code(uow, context, code) if code else send_code(context)
        case Gate.STOP_NUMBER:
            return enter_stop_number(uow, context)
        case Gate.MAINTENANCE:
            return maintenance.page_for(context)
        case Gate.NEW_PIN:
            unlocks = context.visit.purpose in UNLOCKS  # every factor was passed
            is_there = context.is_proven or has_signed(context.visit, context.card)
            # Otherwise the card may not even be there: no station is sent the holder's number.
            rules = context.policy.pin_rules(context.holder.number if unlocks or is_there else "")
            return SetPin(rules, position=context.position(gate))
        case _:
            assert_never(gate)


def finished(uow: UnitOfWork, context: VisitContext) -> Finished:
    """Return that all is done, and when a changed address counts."""
    purpose = context.progress.purpose
    waiting = uow.address_changes.waiting(context.holder.id)
    if waiting is None or waiting.visit_id != context.visit.id:
        return Finished(purpose)
    return Finished(purpose, max(0.0, (waiting.effective_at - context.now).total_seconds()))


def give_email(context: VisitContext, typed: str = "") -> GiveEmail:
    """Suggest the address that was typed before, else the registered one, else the record's."""
    pending = context.pending.email if context.pending else None
    registered = context.registration.email if context.registration else None
    suggested = typed or pending or registered or context.holder.email or ""
    domains, position = context.policy.email_domains, context.position(Gate.EMAIL)
    return GiveEmail(suggested, domains, position=position)


def answer_questions(uow: UnitOfWork, context: VisitContext) -> AnswerQuestions:
    """Ask the pinned questions; they are drawn once and stay until the card is unlocked."""
    registration = context.required_registration
    asked = registration.asked
    if not asked:
        drawn = draw_questions(registration, context.policy.questions_asked)
        asked = uow.registrations.set_asked(registration.holder_id, drawn)
    texts = uow.questions.by_ids(asked)
    failures = registration.failures if context.is_proven else registration.unproven_failures
    # While the last one is being checked: if it is right, it is left again.
    left = max(1, context.policy.max_failures - failures)
    questions = tuple(Question(i, texts[i].text) for i in asked)
    return AnswerQuestions(questions, left, position=context.position(Gate.ANSWERS))


def unlock_paused(uow: UnitOfWork, context: VisitContext) -> VisitRefused | None:
    """Return why an unlock has to wait, and until when, before anything is asked for it."""
    until = context.paused_until
    if until is not None:
        return VisitRefused(Reason.ATTEMPTS_PAUSED, until)
    if context.policy.asks_questions and (until := no_answers_until(uow, context)) is not None:
        return VisitRefused(Reason.ANSWERS_LIMITED, until)
    wait = codes_used_up(uow, context, Purpose.UNLOCK)
    return None if wait is None else VisitRefused(Reason.TOO_MANY_CODES, context.now + wait)


def no_answers_until(uow: UnitOfWork, context: VisitContext) -> datetime | None:
    """Return until when the station takes no answers with this card, if it does not."""
    if context.is_proven:
        return None
    return uow.registrations.no_answers_until(context.visit.station)


def codes_used_up(uow: UnitOfWork, context: VisitContext, purpose: Purpose) -> timedelta | None:
    """Return how long no code can be sent, where none can be now and no live one helps."""
    code = context.code
    if code is not None and code.purpose is purpose and can_be_entered(code, context.now):
        return None
    verdict = may_send(uow, context)
    return verdict.wait if verdict.too_many else None


def draw_questions(registration: Registration, count: int) -> tuple[int, ...]:
    """Draw one of the sets that were hashed: of ``count``, or of the nearest size there is."""
    sizes = {len(joint.subset) for joint in registration.hashes}
    if not sizes:
        raise VisitRefused(Reason.NOT_REGISTERED)
    size = min(sizes, key=lambda have: (abs(have - count), -have))
    sets = [joint.subset for joint in registration.hashes if len(joint.subset) == size]
    drawn = list(secrets.choice(sets))
    secrets.SystemRandom().shuffle(drawn)
    return tuple(drawn)


def send_code(context: VisitContext) -> SendCode:
    masked, position = mask_email(context.address), context.position(context.code_gate)
    return SendCode(masked, context.asks_owner, position=position)


def enter_code(uow: UnitOfWork, context: VisitContext, code: EmailCode) -> EnterCode:
    life = (code.expires_at or context.now) - context.now
    return EnterCode(
        masked="" if is_assisted(code) else mask_email(code.sent_to),
        digits=code.digits,
        expires_in_s=max(timedelta(0), life).total_seconds(),
        resend_in_s=may_send(uow, context).wait.total_seconds(),
        tries_left=code.max_tries - code.tries,
        proves_owner=code.proves_owner,
        position=context.position(context.code_gate),
    )


def stop_entries(context: VisitContext) -> str:
    """Return the subject that entries of stop numbers in a visit are charged to."""
    return entries_subject(context.holder.id, proven=context.is_proven)


def stop_entries_left(uow: UnitOfWork, context: VisitContext) -> int:
    return uow.stop_numbers.left(
        stop_entries(context),
        context.visit.id,
        a_visit=STOP_ENTRIES_A_VISIT,
        a_day=STOP_ENTRIES_A_DAY,
    )


def enter_stop_number(uow: UnitOfWork, context: VisitContext) -> EnterStopNumber:
    """Ask for the number of a notice; ``VisitRefused`` after too many wrong ones."""
    left = stop_entries_left(uow, context)
    if not left:
        raise VisitRefused(Reason.STOP_NUMBER_WRONG)
    return EnterStopNumber(STOP_NUMBER_DIGITS, left)


def may_send(uow: UnitOfWork, context: VisitContext) -> SendVerdict:
    sent = uow.codes.send_times(
        context.card.id,
        context.now - HOUR,
        proves_owner=context.asks_owner,
        unproven=not context.is_proven,
    )
    return may_send_code(sent, context.now, context.policy)


def _need_codes(uow: UnitOfWork, context: VisitContext) -> None:
    """Refuse before anything is typed where its code could not be sent.

    After a code that proved the owner, the same address needs no other.
    """
    progress = context.progress
    if progress.claimed or Gate.CODE not in path(context.policy, progress.purpose):
        return
    wait = codes_used_up(uow, context, progress.purpose)
    if wait is not None:
        raise VisitRefused(Reason.TOO_MANY_CODES, context.now + wait)
