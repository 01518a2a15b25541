"""Too many wrong attempts block a registration, on every station."""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify_holder, notify_staff
from kiosk.authority.records import Registration
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.context import VisitContext
from kiosk.contract.policy import Policy


def block(uow: UnitOfWork, parts: Dependencies, context: VisitContext) -> None:
    """Block, once; holder and RA staff get a mail, and it is audited."""
    visit, holder, registration = context.visit, context.holder, context.required_registration
    if not uow.registrations.block(holder.id):
        return
    record(uow, AuditKind.REGISTRATION_BLOCKED, visit, failures=registration.failures)
    notify_holder(uow, Notice.BLOCKED, visit, holder, context.addresses)
    notify_staff(uow, Notice.BLOCKED_STAFF, parts.staff_addresses, visit, holder)


def is_exhausted(registration: Registration | None, policy: Policy) -> bool:
    """Return whether all attempts are charged, and self-service is not blocked yet.

    The last set is being checked, or the process that checked it died.
    """
    if registration is None or registration.blocked_at is not None:
        return False
    return registration.failures >= policy.max_failures


def has_to_block(uow: UnitOfWork, registration: Registration, policy: Policy) -> bool:
    """Return whether all attempts are charged and no set is being checked, which may be right."""
    if not is_exhausted(registration, policy):
        return False
    return not uow.registrations.is_being_checked(registration.holder_id)
