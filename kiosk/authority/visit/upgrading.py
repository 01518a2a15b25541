"""What is open when the database is upgraded, by a migration that no visit outlives.

The visits end. Their codes are withdrawn, and what was charged stays charged. An unblock without
an outcome stays without one: its station may still report it, or the card shows it when it comes
back.
"""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.messages import VisitEnd


def end_open_visits(uow: UnitOfWork) -> None:
    for visit in uow.visits.close_unaltered(uow.now, VisitEnd.UPGRADED):
        for code in uow.codes.revoke_unaltered(visit.id):
            record(uow, AuditKind.CODE_OVER, visit, code=code)
        record(uow, AuditKind.VISIT_ENDED, visit, how=VisitEnd.UPGRADED.value)
