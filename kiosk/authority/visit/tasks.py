"""Turning the next gate into the task that a station shows."""

from __future__ import annotations

from typing import Final, assert_never

from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.codes import entries_subject
from kiosk.authority.visit import maintenance
from kiosk.authority.visit.context import VisitContext, VisitRefused
from kiosk.authority.visit.rules import UNLOCKS, Gate, has_signed, path
from kiosk.contract.messages import (
    ChooseQuestions,
    ChooseWay,
    EnterStopNumber,
    Factor,
    Finished,
    GiveEmail,
    MakeSavedCodes,
    ProvePin,
    Purpose,
    Question,
    Reason,
    SetPin,
    Task,
)
from kiosk.contract.policy import (
    STOP_NUMBER_DIGITS,
)

STOP_ENTRIES_A_VISIT: Final = 5
STOP_ENTRIES_A_DAY: Final = 10
"""Wrong stop numbers that are accepted for one holder: guessing must stop nobody."""


def next_task(uow: UnitOfWork, context: VisitContext) -> Task:
    """Return the holder's next task; a factor may pin what it asks for."""
    gate = context.next_step
    match gate:
        case None:
            return finished(uow, context)
        case Gate.PIN:
            return ProvePin(position=context.position(gate))
        case Gate.NEW_QUESTIONS:
            _need_codes(uow, context)
            language = context.visit.language
            listed = uow.questions.current()
            bank = tuple(Question(one.id, one.in_language(language)) for one in listed)
            count = context.policy.questions_registered
            return ChooseQuestions(bank, count, position=context.position(Gate.NEW_QUESTIONS))
        case Gate.SAVED_CODES:
            return MakeSavedCodes(position=context.position(gate))
        case Gate.EMAIL:
            _need_codes(uow, context)
            return give_email(context)
        case Factor():
            return context.task_of(uow, gate)
        case Gate.CODE | Gate.OWNER:
            return context.task_of(uow, Factor.EMAIL_CODE)
        case Gate.WAY:
            return choose_way(context)
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
    """Return that all is done, when a changed address counts, and what can follow."""
    purpose, counts_in_s = context.progress.purpose, 0.0
    known = context.addresses
    for one in (known.waiting, *known.further):
        if one is not None and one.visit_id == context.visit.id:
            counts_in_s = max(0.0, (one.effective_from - context.now).total_seconds())
    offered = purpose is Purpose.REGISTER and context.policy.saved_codes > 0
    return Finished(purpose, counts_in_s, saved_codes=offered)


def choose_way(context: VisitContext) -> ChooseWay:
    return ChooseWay(context.ways, position=context.position(Gate.WAY))


def give_email(context: VisitContext, typed: str = "") -> GiveEmail:
    """Suggest the address that was typed before, else the registered one, else the record's.

    A further one is not suggested: the known ones are none.
    """
    pending = context.pending.email if context.pending else None
    is_further = context.visit.purpose is Purpose.ADD_ADDRESS
    suggested = typed or pending or ("" if is_further else context.known_address)
    domains, position = context.policy.email_domains, context.position(Gate.EMAIL)
    return GiveEmail(suggested, domains, position=position)


def unlock_paused(uow: UnitOfWork, context: VisitContext) -> VisitRefused | None:
    """Return why an unlock has to wait, and until when, before anything is asked for it.

    It waits where each way that is open to the holder has a factor that does.
    """
    until = context.paused_until
    if until is not None:
        return VisitRefused(Reason.ATTEMPTS_PAUSED, until)
    first: VisitRefused | None = None
    for way in context.ways_to(Purpose.UNLOCK):
        each = (context.factors[factor].barred(uow, context, Purpose.UNLOCK) for factor in way)
        barred = next((found for found in each if found is not None), None)
        if barred is None:
            return None
        first = first or barred
    return first


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


def _need_codes(uow: UnitOfWork, context: VisitContext) -> None:
    """Refuse before anything is typed where its code could not be sent.

    After a code that proved the owner, the same address needs no other.
    """
    progress = context.progress
    if progress.claimed or Gate.CODE not in path(context.policy, progress.purpose):
        return
    barred = context.factors[Factor.EMAIL_CODE].barred(uow, context, progress.purpose)
    if barred is not None:
        raise barred
