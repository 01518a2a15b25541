"""A holder reports "this was not me": everything that is open for them is stopped.

A report can only close things, so it needs little proof: at a station a number from a notice or a
code mail, with any card that reports the holder's identifier. Wrong numbers are counted for each
holder, separately for cards that are known by name only.
"""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify, notify_staff
from kiosk.authority.records import StopNumber
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.codes import read_stop_number
from kiosk.authority.visit import tasks
from kiosk.authority.visit.attempts import AuditKinds, Charged, charge_attempt, evaluate
from kiosk.authority.visit.context import VisitContext, VisitRefused, enter
from kiosk.authority.visit.lifecycle import end_visits
from kiosk.authority.visit.registration import finish
from kiosk.authority.visit.rules import Gate
from kiosk.authority.visit.withdrawing import withdraw_everything
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Purpose, Reason, StopNumberWrong, Task, VisitId, reference_of
from kiosk.contract.sensitive import Sensitive


def stop_holder(uow: UnitOfWork, holder_id: str, *, but_visit: str = "") -> bool:
    """End a holder's open visits, withdraw codes and changes, and block; False: blocked before.

    A block that was there begins anew, so that staff do not lift it for what they saw before.
    Without a registration there is nothing to block. The holder's stop numbers are used up.
    """
    for card in uow.cards.lock_of_holder(holder_id):
        end_visits(uow, card.id, but_visit=but_visit)
    withdraw_everything(uow, holder_id)
    uow.stop_numbers.use_all(holder_id)
    return uow.registrations.block_anew(holder_id)


_KINDS = AuditKinds(AuditKind.STOP_NUMBER_TRIED, right=None, wrong=AuditKind.STOP_NUMBER_WRONG)


def enter_stop_number(
    parts: Dependencies, visit_id: VisitId, attempt: str, number: Sensitive
) -> Task | StopNumberWrong:
    """Check one entry: charged and committed first, then checked."""
    digits = read_stop_number(number.reveal())
    if digits is None:
        raise StepRefused("that is no stop number")
    return evaluate(
        parts,
        visit_id,
        enter=lambda uow: _enter(uow, parts, visit_id),
        charge=lambda uow, context: _charge(uow, context, attempt, digits),
        check=lambda holder_id: _is_theirs(parts, holder_id, digits),
        right=lambda uow, context, charged: _right(uow, parts, context, charged, digits),
        wrong=_wrong,
    )


def _enter(uow: UnitOfWork, parts: Dependencies, visit_id: VisitId) -> VisitContext:
    """Enter with all cards of the holder locked: they are locked by id before the visit's own."""
    visit = uow.visits.get(visit_id)
    if visit is not None and visit.holder_id is not None:
        uow.cards.lock_of_holder(visit.holder_id)
    return enter(uow, parts, visit_id)


def _charge(
    uow: UnitOfWork, context: VisitContext, attempt: str, digits: str
) -> Charged[str] | Task:
    """Charge an entry; it is checked against the holder."""
    if context.visit.purpose is Purpose.REPORT_MISUSE and context.visit.finished_at is not None:
        return tasks.finished(uow, context)
    context.need(Gate.STOP_NUMBER)
    subject, left = tasks.stop_entries(context), tasks.stop_entries_left(uow, context)
    charged = charge_attempt(
        uow,
        context.visit,
        f"{context.visit.id}/{attempt}",
        bound=uow.stop_numbers.bind(digits),
        against=context.holder.id,
        counter=lambda uow: uow.stop_numbers.entries(subject, left),
        kinds=_KINDS,
    )
    if charged is None:
        raise VisitRefused(Reason.STOP_NUMBER_WRONG)
    return charged


def _is_theirs(parts: Dependencies, holder_id: str, digits: str) -> bool:
    with parts.store.read() as uow:
        return _sent_to(uow, holder_id, digits) is not None


def _sent_to(uow: UnitOfWork, holder_id: str, digits: str) -> StopNumber | None:
    found = uow.stop_numbers.find(digits)
    return found if found is not None and found.holder_id == holder_id else None


def _right(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    charged: Charged[str],
    digits: str,
) -> Task:
    """Stop everything; a number that was used up or is too old stops nothing, and is no guess."""
    sent = _sent_to(uow, context.holder.id, digits)
    first = charged.conclude(uow, context.visit, right=True)
    if context.visit.finished_at is not None:
        # The repeat of this call stopped everything, at another process.
        return tasks.finished(uow, context)
    if sent is not None and (sent.used_at is not None or uow.stop_numbers.is_too_old(sent)):
        # The holder may learn that it was sent; they must learn that it stops nothing.
        is_used = sent.used_at is not None
        reason = Reason.STOP_NUMBER_USED if is_used else Reason.STOP_NUMBER_OLD
        raise VisitRefused(reason, keep=context.visit)
    if not first or sent is None:
        return tasks.next_task(uow, context)
    blocked = stop_holder(uow, context.holder.id, but_visit=context.visit.id)
    about = reference_of(VisitId(sent.visit_id))
    record(uow, AuditKind.MISUSE_REPORTED, context.visit, blocked=blocked, about=about)
    known = context.addresses
    for address in known.for_notices:
        notify(
            uow,
            Notice.MISUSE_REPORTED,
            address,
            context.visit,
            context.holder,
            language=known.language,
        )
    staff = parts.staff_addresses
    notify_staff(uow, Notice.MISUSE_REPORTED_STAFF, staff, context.visit, context.holder)
    return tasks.next_task(uow, finish(uow, context))


def _wrong(uow: UnitOfWork, context: VisitContext, charged: Charged[str]) -> StopNumberWrong:
    charged.conclude(uow, context.visit, right=False)
    if not charged.charge.left:
        raise VisitRefused(Reason.STOP_NUMBER_WRONG, keep=context.visit)
    return StopNumberWrong(tasks.enter_stop_number(uow, context))
