"""A PIN that its holder changes: the intent is recorded before the card is asked.

Where no report comes, audit and mail say that the PIN may have been changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kiosk.authority.addresses import Addresses, read_addresses
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import RowAltered
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import Cardholder, PinChange, PinEvidence, Visit
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.visit import tasks
from kiosk.authority.visit.context import act_on_each, deciding, enter, enter_to_report
from kiosk.authority.visit.registration import finish
from kiosk.authority.visit.rules import Gate
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Purpose, Task, VisitId
from kiosk.contract.policy import HOUR


def pin_changing(parts: Dependencies, visit_id: VisitId) -> None:
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        _need_purpose(context.visit)
        context.need(Gate.NEW_PIN)
        uow.visits.save(replace(context.visit, pin_change=PinChange.BEGUN))
        uow.commit()


def pin_kept(parts: Dependencies, visit_id: VisitId) -> None:
    """Withdraw the intent; nothing changes where the holder had the mail about it already."""
    with deciding(parts) as uow:
        visit = enter_to_report(uow, parts, visit_id).visit
        _need_purpose(visit)
        if visit.pin_change is PinChange.BEGUN:
            uow.visits.save(replace(visit, pin_change=None))
            uow.commit()


def pin_changed(parts: Dependencies, visit_id: VisitId) -> Task:
    """Record that the card has a new PIN; the holder gets a notice if an address is known."""
    with deciding(parts) as uow:
        context = enter_to_report(uow, parts, visit_id)
        _need_purpose(context.visit)
        if context.visit.finished_at is None:
            if context.visit.pin_change is None:
                raise StepRefused("no change of the PIN was begun")
            record(uow, AuditKind.PIN_CHANGED, context.visit)
            _notify(uow, Notice.PIN_CHANGED, context.visit, context.holder, context.addresses)
            context = finish(uow, replace(context, visit=replace(context.visit, pin_change=None)))
        task = tasks.next_task(uow, context)
        uow.commit()
        return task


def _need_purpose(visit: Visit) -> None:
    if visit.purpose is not Purpose.CHANGE_PIN:
        raise StepRefused("the visit is not for a change of PIN")


def report_lost_changes(store: Store) -> tuple[RowAltered, ...]:
    """Audit and mail every change that no station can report any more; return altered rows."""
    with store.read() as uow:
        lost = uow.visits.with_open_change()

    def report(uow: UnitOfWork, visit_id: str) -> None:
        visit = uow.visits.get(visit_id)
        if visit is not None:
            report_unknown(uow, visit)

    return act_on_each(store, lost, report)


def report_unknown(uow: UnitOfWork, visit: Visit) -> None:
    """Audit and mail, once, that the PIN may have been changed."""
    if not uow.visits.note_change_unknown(visit.id):
        return
    record(uow, AuditKind.PIN_CHANGE_UNKNOWN, visit)
    holder = uow.holders.get(visit.holder_id) if visit.holder_id else None
    if holder is not None:
        _notify(uow, Notice.PIN_MAYBE_CHANGED, visit, holder, read_addresses(uow, holder.id))


_NOTICES: Final = (Notice.PIN_CHANGED, Notice.PIN_MAYBE_CHANGED)
_CLAIMED_AN_HOUR: Final = 3


def _notify(
    uow: UnitOfWork,
    notice: Notice,
    visit: Visit,
    holder: Cardholder,
    addresses: Addresses,
) -> None:
    """Mail it to every address of the holder, a few times an hour where the PIN was only claimed.

    A station can claim that of a card that is known by its name only, without the card.
    """
    known = addresses.for_notices
    if known and visit.pin_evidence is not PinEvidence.PROVEN:
        sent = uow.outbox.count(known[0], _NOTICES, HOUR, holder_id=holder.id)
        if sent >= _CLAIMED_AN_HOUR:
            return
    notify_holder(uow, notice, visit, holder, addresses)
