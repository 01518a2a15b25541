"""Blocking a registration on every station."""

from __future__ import annotations

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.notices import Notice, notify
from kiosk.authority.parts import Parts
from kiosk.policy import Policy
from kiosk.store.records import Cardholder, Registration
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit


def block(
    uow: UnitOfWork, parts: Parts, visit: Visit, holder: Cardholder, registration: Registration
) -> None:
    """Block, once; the holder and the RA staff are told by mail, and the audit too."""
    if not uow.registrations.block(holder.id):
        return
    record(uow, AuditKind.REGISTRATION_BLOCKED, visit, failures=registration.failures)
    notify(uow, Notice.BLOCKED, registration.email, visit, holder)
    for address in parts.staff_addresses:
        notify(uow, Notice.BLOCKED_STAFF, address, visit, holder)


def is_exhausted(registration: Registration | None, policy: Policy) -> bool:
    """Tell whether all attempts are charged although nobody blocked yet.

    So it is when the program died between the last charge and its verdict.
    """
    if registration is None or registration.blocked_at is not None:
        return False
    return registration.failures >= policy.max_failures
