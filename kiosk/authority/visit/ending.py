"""The ends: a visit over, a refusal at the station."""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.store.records import Visit
from kiosk.authority.visit.begin import VISIT_EXISTS, is_visit_id, limit_rate
from kiosk.authority.visit.context import deciding, need_own
from kiosk.authority.visit.pin_change import close_visit
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import (
    ReadFault,
    Reason,
    UnreadCard,
    VisitEnd,
    VisitId,
    reference_of,
)

_REASONS = frozenset(reason.value for reason in Reason)


def end(parts: Dependencies, visit_id: VisitId, how: VisitEnd) -> None:
    """Close a visit, once: nothing can be done in it any more."""
    with deciding(parts) as uow:
        visit = close_visit(uow, visit_id, how)
        if visit is not None:
            need_own(parts, visit)
            record(uow, AuditKind.VISIT_ENDED, visit, how=how.value)
            uow.commit()


def refuse(
    parts: Dependencies, visit_id: VisitId, reason: str, unread: UnreadCard | None = None
) -> None:
    """Record a refusal by the station; its visit may never have been opened.

    Its report of a card that it could not read is stored with the visit, and deleted with it. A
    card that was pulled ends its visit, and is no refusal.
    """
    if not is_visit_id(visit_id):
        raise StepRefused("that is no visit's id")
    station = parts.station.name
    listed = Reason(reason) if reason in _REASONS else Reason.FAULT
    fault = None if unread is None else unread.fault
    family = None if unread is None or unread.family not in FAMILIES else unread.family
    pulled = fault is ReadFault.TAKEN_OUT
    with deciding(parts) as uow:
        visit = uow.visits.get(visit_id)
        if visit is None:
            if limit_rate(uow, parts, visit_id) is not None:
                raise AuthorityUnavailable("the station reported too much within a minute")
            visit = Visit(
                visit_id,
                reference_of(visit_id),
                station,
                uow.now,
                closed_at=uow.now,
                how=VisitEnd.CARD_REMOVED if pulled else VisitEnd.REFUSED,
                refusal=None if pulled else listed,
                unread=fault,
                unknown_card=family,
            )
            if not uow.visits.add(visit):
                raise StepRefused(VISIT_EXISTS)
        else:
            need_own(parts, visit)
            if visit.how is VisitEnd.CARD_REMOVED:
                return
            if fault is not None:
                uow.visits.note_unread(visit_id, fault)
        if pulled:
            record(uow, AuditKind.CARD_PULLED, visit)
        else:
            record(uow, AuditKind.REFUSED_AT_STATION, visit, reason=listed.value)
        uow.commit()
