"""What somebody else did since a page was looked at, in words."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.administration.kinds import DEEDS, StaffKind
from kiosk.administration.names import staff_names
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.unit_of_work import UnitOfWork

RECENT = 50
"""Rows of each kind that are looked through: who looked before all of them looks again."""


def changes_since(
    uow: UnitOfWork, kinds: Iterable[StaffKind], name: str, value: str, revision: int
) -> tuple[str, ...]:
    """Return, newest first, what raised a revision beyond ``revision``.

    Asked of the events of ``kinds`` whose detail has ``value`` under ``name``.
    """
    found = [
        event
        for kind in kinds
        for event in uow.trail.newest(AuditQuery(kind=kind.value), limit=RECENT)
        if event.detail.get(name) == value and _revision(event) > revision
    ]
    name_of = staff_names(uow)
    return tuple(
        f"{name_of(event.actor)} {DEEDS[StaffKind(event.kind)]} (reference {event.reference})."
        for event in sorted(found, key=lambda event: -event.seq)
    )


def _revision(event: AuditEvent) -> int:
    revision = event.detail.get("revision")
    return revision if isinstance(revision, int) else -1
