"""Rows of the audit as staff read them: names for ids, words for kinds, and the reasons."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from kiosk.administration.names import staff_names
from kiosk.administration.told import told
from kiosk.administration.views.audit import AuditLine
from kiosk.store.audit_records import AuditEvent
from kiosk.store.records import Cardholder
from kiosk.store.repositories.staff import REDACTED_TEXT, note_digest
from kiosk.store.staff_records import ActionNote
from kiosk.store.unit_of_work import UnitOfWork

ERASED = "(erased)"

BATCH = 500
"""Rows at a time, at most."""

_OF_NOTE = frozenset({"note", "note_sha256"})


class AuditLines:
    """Makes lines of up to ``BATCH`` events at a time; staff are looked up once."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._name_of = staff_names(uow)
        self._redacted = uow.audit.redacted_notes()

    def of(self, events: Sequence[AuditEvent]) -> tuple[AuditLine, ...]:
        """Return one line for each event."""
        ids = {event.holder_id for event in events if event.holder_id}
        holders = self._uow.holders.by_ids(ids)
        notes = self._uow.notes.by_ids(tuple({*map(_note_id, events)} - {""}))
        return tuple(self._line(event, holders, notes) for event in events)

    def _line(
        self,
        event: AuditEvent,
        holders: Mapping[str, Cardholder],
        notes: Mapping[str, ActionNote],
    ) -> AuditLine:
        note = notes.get(_note_id(event))
        return AuditLine(
            seq=event.seq,
            at=event.at,
            kind=event.kind,
            told=told(event),
            person=_person(event.holder_id, holders),
            station=event.station or "",
            who=self._name_of(event.actor),
            reference=event.reference,
            detail="; ".join(
                (*_grounds(event, note, self._redacted), *_rest(event, self._name_of))
            ),
        )


def _person(holder_id: str | None, holders: Mapping[str, Cardholder]) -> str:
    if holder_id is None:
        return ""
    holder = holders.get(holder_id)
    return f"{holder.number} {holder.name}" if holder else ERASED


def _note_id(event: AuditEvent) -> str:
    return str(event.detail.get("note") or "")


def _grounds(event: AuditEvent, note: ActionNote | None, redacted: Container[str]) -> Iterator[str]:
    """Say why; the audit's digest shows a note that was altered afterwards."""
    if not _note_id(event):
        return
    if note is None:
        yield "reason erased"
        return
    if note.reason == REDACTED_TEXT and note.id in redacted:
        yield "reason redacted"
        return
    if note_digest(note) != event.detail.get("note_sha256"):
        yield "the reason was ALTERED after it was written"
    yield f"reason: {note.reason}"
    if note.identified_by:
        yield f"identified by: {note.identified_by}"


def _rest(event: AuditEvent, name_of: Callable[[str | None], str]) -> Iterator[str]:
    for name, value in event.detail.items():
        if name == "staff":
            yield f"staff: {name_of(str(value))}"
        elif name not in _OF_NOTE and value is not None:
            yield f"{name.replace('_', ' ')}: {_said(value)}"
    if event.card_id:
        yield f"card: {event.card_id}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
