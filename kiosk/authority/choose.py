"""The holder chose from what was offered."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority import tasks
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.offers import offers, secret_barred
from kiosk.authority.parts import Parts
from kiosk.authority.proving import unlock_barred
from kiosk.authority.scene import Scene, TurnedAway, again, enter
from kiosk.authority.steps import UNLOCKS
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


def _start(uow: UnitOfWork, scene: Scene, purpose: Purpose) -> Scene:
    if purpose is Purpose.REPORT_MISUSE:
        _need_no_grant(uow, scene)
    else:
        _need_offer(uow, scene, purpose)
    _withdraw_abandoned_code(uow, scene, purpose)
    started = again(uow, scene, replace(scene.visit, purpose=purpose, pending_id=None))
    record(uow, AuditKind.PURPOSE_CHOSEN, started.visit, purpose=purpose.value)
    return started


def _withdraw_abandoned_code(uow: UnitOfWork, scene: Scene, purpose: Purpose) -> None:
    """Withdraw the code of a visit that began the same and was left.

    A card that is known by name only withdraws nothing of a visit that is open.
    """
    code = scene.code
    if code is None or code.purpose is not purpose or code.pending_id is None:
        return
    asked = uow.visits.get(code.visit_id)
    is_open = asked is not None and asked.id != scene.visit.id and asked.closed_at is None
    if scene.is_proven or not is_open:
        uow.codes.revoke_live(scene.card.id)


def _need_known_key(parts: Parts, scene: Scene, purpose: Purpose) -> None:
    key = scene.visit.auth_key
    if purpose in UNLOCKS and unlock_barred(scene.policy, parts.issuers, scene.card, key):
        raise TurnedAway(Reason.NOT_GENUINE)


def _need_no_grant(uow: UnitOfWork, scene: Scene) -> None:
    """A report of misuse is open to each visit, also instead of what was chosen before.

    What a card has yet to answer belongs to the purpose that it was asked for.
    """
    if scene.visit.finished_at is not None or uow.journal.of_visit(scene.visit.id):
        raise StepRefused("the visit is for something else")


def _need_offer(uow: UnitOfWork, scene: Scene, purpose: Purpose) -> None:
    if scene.visit.purpose is not None:
        raise StepRefused("the visit is for something else")
    blocked = scene.visit.pin_was_blocked
    proves = scene.visit.genuine_at is not None
    offered = offers(
        scene.registration,
        scene.policy,
        pin_blocked=blocked,
        card_proves=proves,
        code_given=scene.first_code is not None,
    )
    if not isinstance(offered, tuple):
        raise TurnedAway(offered)
    if purpose not in offered:
        raise StepRefused(f"{purpose.value!r} was not offered")
    if purpose is Purpose.UNLOCK and (waits := tasks.unlock_paused(uow, scene)):
        raise waits
    told = scene.visit.secret_tries
    barred = secret_barred(scene.card, told) if purpose in UNLOCKS else None
    if barred is not None:
        raise TurnedAway(barred)
