"""The holder chose from what was offered, and proved the PIN where that is asked for."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority import tasks
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.offers import offers, secret_barred
from kiosk.authority.parts import Parts
from kiosk.authority.proving import unlock_barred
from kiosk.authority.scene import Scene, TurnedAway, again, enter
from kiosk.authority.steps import Gate
from kiosk.dialogue import Purpose, Reason, Task, VisitId
from kiosk.errors import StepRefused
from kiosk.store.unit_of_work import UnitOfWork


def choose(parts: Parts, visit_id: VisitId, purpose: Purpose) -> Task:
    """Start on one of the offers, afresh; the same choice again changes nothing."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        if scene.visit.purpose is not purpose:
            _need_known_key(parts, scene, purpose)
            scene = _start(uow, scene, purpose)
        task = tasks.next_task(uow, scene)
        uow.commit()
        return task


def pin_proven(parts: Parts, visit_id: VisitId) -> Task:
    """Take it that the card verified its PIN: only the station can know."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        scene.need(Gate.PIN)
        if scene.visit.pin_proven_at is None:
            record(uow, AuditKind.PIN_PROVEN, scene.visit)
            scene = again(uow, scene, replace(scene.visit, pin_proven_at=uow.now))
        task = tasks.next_task(uow, scene)
        uow.commit()
        return task


def _start(uow: UnitOfWork, scene: Scene, purpose: Purpose) -> Scene:
    _need_offer(scene, purpose)
    started = again(uow, scene, replace(scene.visit, purpose=purpose))
    if started.pending is not None:
        # What an abandoned visit gathered is not carried over, nor is its code.
        uow.pending.delete(started.pending.id)
        uow.codes.revoke_live(scene.card.id)
        started = again(uow, started)
    record(uow, AuditKind.PURPOSE_CHOSEN, started.visit, purpose=purpose.value)
    return started


def _need_known_key(parts: Parts, scene: Scene, purpose: Purpose) -> None:
    key = scene.visit.auth_key
    if purpose is Purpose.UNLOCK and unlock_barred(scene.policy, parts.issuers, scene.card, key):
        raise TurnedAway(Reason.NOT_GENUINE)


def _need_offer(scene: Scene, purpose: Purpose) -> None:
    if scene.visit.purpose is not None:
        raise StepRefused("the visit is for something else")
    blocked = scene.visit.pin_was_blocked
    offered = offers(scene.registration, scene.policy, pin_blocked=blocked)
    if not isinstance(offered, tuple):
        raise TurnedAway(offered)
    if purpose not in offered:
        raise StepRefused(f"{purpose.value!r} was not offered")
    told = scene.visit.secret_tries
    barred = secret_barred(scene.card, told) if purpose is Purpose.UNLOCK else None
    if barred is not None:
        raise TurnedAway(barred)
