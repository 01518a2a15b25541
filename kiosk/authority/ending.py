"""The ends: a new PIN by the holder's own hand, a visit over, a refusal at the station."""

from __future__ import annotations

from kiosk.authority import tasks
from kiosk.authority.applying import finish
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.begin import is_visit_id
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.parts import Parts
from kiosk.authority.scene import enter_to_report
from kiosk.authority.stations import is_station_name
from kiosk.authority.steps import Gate
from kiosk.dialogue import Purpose, Reason, Task, VisitEnd, VisitId
from kiosk.errors import StepRefused
from kiosk.reference import reference_of
from kiosk.store.visit_records import Visit

_REASONS = frozenset(reason.value for reason in Reason)


def pin_changed(parts: Parts, visit_id: VisitId) -> Task:
    """Take it that the card has a new PIN; the holder is told where an address is known."""
    with parts.store.begin() as uow:
        scene = enter_to_report(uow, parts, visit_id)
        if scene.visit.purpose is not Purpose.CHANGE_PIN:
            raise StepRefused("the visit is not for a change of PIN")
        if scene.visit.finished_at is None:
            scene.need(Gate.NEW_PIN)
            record(uow, AuditKind.PIN_CHANGED, scene.visit)
            notify_holder(uow, Notice.PIN_CHANGED, scene.visit, scene.holder, scene.registration)
            scene = finish(uow, scene)
        task = tasks.next_task(uow, scene)
        uow.commit()
        return task


def end(parts: Parts, visit_id: VisitId, how: VisitEnd) -> None:
    """Close a visit, once: nothing can be done in it any more."""
    with parts.store.begin() as uow:
        if uow.visits.close(visit_id, uow.now, how):
            visit = uow.visits.get(visit_id)
            if visit is not None:
                record(uow, AuditKind.VISIT_ENDED, visit, how=how.value)
            uow.commit()


def refuse(parts: Parts, visit_id: VisitId, station: str, reason: str) -> str:
    """Write down a refusal of the station's own; its visit may never have been opened."""
    if not is_visit_id(visit_id):
        raise StepRefused("that is no visit's id")
    if not is_station_name(station):
        raise StepRefused("that is no station's name")
    listed = reason if reason in _REASONS else Reason.FAULT.value
    with parts.store.begin() as uow:
        reference = reference_of(visit_id)
        visit = uow.visits.get(visit_id) or Visit(visit_id, reference, station, uow.now)
        record(uow, AuditKind.REFUSED_AT_STATION, visit, reason=listed)
        uow.commit()
        return reference
