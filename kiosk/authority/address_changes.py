"""A change of address on a claimed PIN: it counts once the old address had time to stop it."""

from __future__ import annotations

from kiosk.authority.applying import with_email
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.notices import Notice, addresses_of, draw_stop_number, notify
from kiosk.dialogue import VisitId
from kiosk.reference import reference_of
from kiosk.store.records import AddressChange
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit


def apply_due_change(uow: UnitOfWork, holder_id: str) -> None:
    """Put a holder's new address in place where its time has come."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is not None and waiting.effective_at <= uow.now:
        _apply(uow, waiting)


def apply_due_changes(uow: UnitOfWork) -> int:
    """Put every address in place whose time has come; return how many."""
    due = uow.address_changes.due()
    for change in due:
        _apply(uow, change)
    return len(due)


def stop_change(uow: UnitOfWork, holder_id: str) -> bool:
    """Leave the address as it is; False where no change waits."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is None or not uow.address_changes.end(holder_id):
        return False
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, _visit_of(uow, waiting))
    return True


def _apply(uow: UnitOfWork, change: AddressChange) -> None:
    registration = uow.registrations.of_holder(change.holder_id)
    holder = uow.holders.get(change.holder_id)
    uow.address_changes.end(change.holder_id)
    visit = _visit_of(uow, change)
    blocked = registration is not None and registration.blocked_at is not None
    if registration is None or holder is None or blocked or registration.email != change.old_email:
        # Staff changed, blocked or revoked it since: what they did counts.
        record(uow, AuditKind.EMAIL_CHANGE_STOPPED, visit)
        return
    uow.registrations.put(with_email(registration, change.new_email, uow))
    uow.search.refresh([holder.id])
    record(uow, AuditKind.EMAIL_CHANGED, visit, other=True)
    number = draw_stop_number(uow, visit, holder)
    for address in addresses_of(holder, registration):
        notify(uow, Notice.EMAIL_CHANGED_OLD, address, visit, holder, change.new_email, number)
    notify(uow, Notice.EMAIL_CHANGED_NEW, change.new_email, visit, holder, change.new_email)


def _visit_of(uow: UnitOfWork, change: AddressChange) -> Visit:
    visit = uow.visits.get(change.visit_id)
    if visit is not None:
        return visit
    reference = reference_of(VisitId(change.visit_id))
    return Visit(change.visit_id, reference, "", change.requested_at, holder_id=change.holder_id)
