"""A person's story: what the audit holds of them, in plain words, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kiosk.administration.told import GRAVE, told
from kiosk.administration.views.people import StoryLine
from kiosk.authority.audit import AuditKind
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.staff_records import ActionNote
from kiosk.store.unit_of_work import UnitOfWork

LEFT_OUT: Final[frozenset[str]] = frozenset(
    {
        AuditKind.VISIT_SUPERSEDED,
        AuditKind.VISIT_ENDED,
        AuditKind.STEP_REFUSED,
        AuditKind.QUESTIONS_TAKEN,
        AuditKind.EMAIL_TAKEN,
        AuditKind.ATTEMPT_CHARGED,
        AuditKind.CODE_DRAFTED,
        AuditKind.CODE_TRY_CHARGED,
        AuditKind.SECRET_RELEASED,
        AuditKind.ADMIN_KEY_USED,
        AuditKind.SECRET_DRAWN,
        AuditKind.UNBLOCK_TOLD_LATE,
    }
)
"""Steps on the way to something that is told, and what only the machine has to know."""

LONGEST: Final = 500
"""Lines that are given at once, whatever is asked for."""


def story_of(
    uow: UnitOfWork,
    holder_id: str,
    name_of: Callable[[str | None], str],
    *,
    before: int | None = None,
    limit: int = 100,
) -> tuple[StoryLine, ...]:
    """Return up to ``limit`` lines from before row ``before`` (None: the newest).

    ``name_of`` names members of staff by id.
    """
    wanted = AuditQuery(holder_id=holder_id, without=LEFT_OUT)
    events = uow.trail.newest(wanted, before, min(limit, LONGEST))
    notes = uow.notes.by_ids(tuple(filter(None, map(_note_id, events))))
    return tuple(_line(event, notes, name_of) for event in events)


def _line(
    event: AuditEvent, notes: Mapping[str, ActionNote], name_of: Callable[[str | None], str]
) -> StoryLine:
    agreed = name_of(str(event.detail.get("agreed_by") or ""))
    agreement = (f"Agreed by {agreed}.",) if agreed else ()
    words = (told(event), *_why(notes.get(_note_id(event))), *agreement)
    return StoryLine(
        seq=event.seq,
        at=event.at,
        told=" ".join(words),
        who=name_of(event.actor),
        station=event.station or "",
        reference=event.reference,
        grave=event.kind in GRAVE,
    )


def _why(note: ActionNote | None) -> tuple[str, ...]:
    """Say the grounds as staff wrote them."""
    if note is None:
        return ()
    identified = (f"Identified by: {note.identified_by}.",) if note.identified_by else ()
    return (f"Reason: {note.reason.rstrip('.')}.", *identified)


def _note_id(event: AuditEvent) -> str:
    return str(event.detail.get("note") or "")
