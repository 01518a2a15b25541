"""Pauses, which wrong answers with cards that are known by name only make: how staff end them.

A pause is no block. To end one grants a few more guesses, so that one member of staff is enough.
"""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.authority.administration.office import Act
from kiosk.authority.audit.events import AuditKind, StaffKind
from kiosk.authority.notices import Notice
from kiosk.authority.records import LONGEST_PAUSE, AuditQuery, Cardholder
from kiosk.authority.store.database import UnitOfWork


def end_pause(act: Act, holder: Cardholder, station: str | None = None) -> bool:
    """End a pause that wrong answers made; return False where there is none."""
    registration = act.uow.registrations.end_pause(holder.id)
    if registration is None:
        return False
    failures = registration.unproven_failures
    act.record(StaffKind.PAUSE_LIFTED, holder_id=holder.id, station=station, failures=failures)
    act.notify(Notice.PAUSE_LIFTED, holder)
    return True


MOST_PAUSES = 10_000
"""Many times as many as the limits of a station let it make before the first of them end."""


def paused_at(uow: UnitOfWork, station: str) -> Iterator[str]:
    """Yield who was paused last by wrong answers at this station; the pause may be over."""
    kind = AuditKind.ATTEMPTS_PAUSED.value
    made = AuditQuery(kind=kind, station=station, since=uow.now - LONGEST_PAUSE)
    events = uow.trail.newest(made, limit=MOST_PAUSES)
    for holder_id in {event.holder_id for event in events if event.holder_id}:
        (last,) = uow.trail.newest(AuditQuery(kind=kind, holder_id=holder_id), limit=1)
        if last.station == station:
            yield holder_id
