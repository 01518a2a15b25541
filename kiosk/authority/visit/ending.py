"""The ends: a PIN changed by its holder, a visit over, a refusal at the station."""

from __future__ import annotations

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.store.records import Visit
from kiosk.authority.visit import tasks
from kiosk.authority.visit.begin import VISIT_EXISTS, is_visit_id, limit_rate
from kiosk.authority.visit.context import deciding, enter_to_report, need_own
from kiosk.authority.visit.gates import Gate
from kiosk.authority.visit.registration import finish
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import (
    Purpose,
    ReadFault,
    Reason,
    Task,
    UnreadCard,
    VisitEnd,
    VisitId,
    reference_of,
)

_REASONS = frozenset(reason.value for reason in Reason)


def pin_changed(parts: Dependencies, visit_id: VisitId) -> Task:
    """Record that the card has a new PIN; the holder gets a notice if an address is known."""
    with deciding(parts) as uow:
        context = enter_to_report(uow, parts, visit_id)
        if context.visit.purpose is not Purpose.CHANGE_PIN:
            raise StepRefused("the visit is not for a change of PIN")
        if context.visit.finished_at is None:
            context.need(Gate.NEW_PIN)
            record(uow, AuditKind.PIN_CHANGED, context.visit)
            notify_holder(
                uow, Notice.PIN_CHANGED, context.visit, context.holder, context.registration
            )
            context = finish(uow, context)
        task = tasks.next_task(uow, context)
        uow.commit()
        return task


def end(parts: Dependencies, visit_id: VisitId, how: VisitEnd) -> None:
    """Close a visit, once: nothing can be done in it any more."""
    with deciding(parts) as uow:
        visit = uow.visits.close(visit_id, uow.now, how)
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
