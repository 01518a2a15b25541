"""Blocking a registration on every station."""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify_holder, notify_staff
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.records import Cardholder, Registration, Visit
from kiosk.contract.policy import Policy


def block(
    uow: UnitOfWork,
    parts: Dependencies,
    visit: Visit,
    holder: Cardholder,
    registration: Registration,
) -> None:
    """Block, once; holder and RA staff get a mail, and it is audited."""
    if not uow.registrations.block(holder.id):
        return
    record(uow, AuditKind.REGISTRATION_BLOCKED, visit, failures=registration.failures)
    notify_holder(uow, Notice.BLOCKED, visit, holder, registration)
    notify_staff(uow, Notice.BLOCKED_STAFF, parts.staff_addresses, visit, holder)


def pause_unproven(
    uow: UnitOfWork,
    parts: Dependencies,
    visit: Visit,
    holder: Cardholder,
    registration: Registration,
) -> None:
    """Report wrong answers given with a card that is known by name only.

    The registration is not blocked: a copy of a card must not lock its holder out.
    """
    record(uow, AuditKind.ATTEMPTS_PAUSED, visit, failures=registration.unproven_failures)
    notify_holder(uow, Notice.ATTEMPTS_PAUSED, visit, holder, registration)
    notify_staff(uow, Notice.ATTEMPTS_PAUSED_STAFF, parts.staff_addresses, visit, holder)


def is_exhausted(registration: Registration | None, policy: Policy) -> bool:
    """Return whether all attempts are charged although nobody blocked yet.

    This happens while the last set is being checked, and when the program died before its verdict.
    """
    if registration is None or registration.blocked_at is not None:
        return False
    return registration.failures >= policy.max_failures


def has_to_block(uow: UnitOfWork, registration: Registration | None, policy: Policy) -> bool:
    """Return whether all attempts are charged and no set is being checked, which may be right."""
    if registration is None or not is_exhausted(registration, policy):
        return False
    return not uow.registrations.is_being_checked(registration.holder_id)
