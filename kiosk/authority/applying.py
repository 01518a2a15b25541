"""Writing what was gathered: the registration, its questions, its address."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority import tasks
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.notices import Notice, notify
from kiosk.authority.scene import Scene, again
from kiosk.dialogue import Purpose
from kiosk.errors import StepRefused
from kiosk.store.records import JointHash, PendingChange, Registration
from kiosk.store.unit_of_work import UnitOfWork


def finish(uow: UnitOfWork, scene: Scene) -> Scene:
    """Mark the visit as having done what it was for: nothing more can be done in it."""
    return again(uow, scene, replace(scene.visit, finished_at=uow.now))


def change_questions(
    uow: UnitOfWork, scene: Scene, ids: tuple[int, ...], hashes: tuple[JointHash, ...]
) -> Scene:
    """Put other questions in place; which ones are asked is drawn anew, failures stay."""
    registration = tasks.registration_of(scene)
    changed = replace(registration, question_ids=ids, hashes=hashes, asked=None, updated_at=uow.now)
    uow.registrations.put(changed)
    record(uow, AuditKind.QUESTIONS_CHANGED, scene.visit, count=len(ids))
    notify(uow, Notice.QUESTIONS_CHANGED, registration.email, scene.visit, scene.holder)
    return finish(uow, scene)


def apply_pending(uow: UnitOfWork, scene: Scene) -> Scene:
    """Write what waited for the code that has just been entered."""
    pending = scene.pending
    if pending is None or not pending.email:
        raise StepRefused("there is nothing that waits for this code")
    if pending.purpose is Purpose.REGISTER:
        _register(uow, scene, pending, pending.email)
    else:
        _change_email(uow, scene, pending.email)
    uow.pending.delete(pending.id)
    return finish(uow, scene)


def _register(uow: UnitOfWork, scene: Scene, pending: PendingChange, email: str) -> None:
    registration = Registration(
        holder_id=scene.holder.id,
        email=email,
        email_verified_at=uow.now,
        question_ids=pending.question_ids or (),
        hashes=pending.hashes or (),
        registered_at=uow.now,
        updated_at=uow.now,
    )
    uow.registrations.put(registration)
    uow.search.refresh([scene.holder.id])
    record(uow, AuditKind.REGISTERED, scene.visit, questions=len(registration.question_ids))
    _keep_key(uow, scene, pending)
    notify(uow, Notice.REGISTERED, email, scene.visit, scene.holder)


def _keep_key(uow: UnitOfWork, scene: Scene, pending: PendingChange) -> None:
    """Keep the key that the card has proven, from now on, where none was recorded.

    It has to be the same when the PIN was proven and now: the code may be entered in
    another visit, and what is in the reader then need not be the holder's card.
    """
    key = pending.auth_key
    if key is None or key != scene.visit.auth_key:
        return
    if uow.cards.record_key(scene.card.id, key):
        record(uow, AuditKind.CARD_KEY_RECORDED, scene.visit)


def _change_email(uow: UnitOfWork, scene: Scene, email: str) -> None:
    registration = tasks.registration_of(scene)
    changed = replace(
        registration,
        email=email,
        email_verified_at=uow.now,
        unconfirmed_since=None,
        updated_at=uow.now,
    )
    uow.registrations.put(changed)
    uow.search.refresh([scene.holder.id])
    is_other = registration.email != email
    record(uow, AuditKind.EMAIL_CHANGED, scene.visit, other=is_other)
    told = scene.visit, scene.holder, email
    if is_other:
        notify(uow, Notice.EMAIL_CHANGED_OLD, registration.email, *told)
    notify(uow, Notice.EMAIL_CHANGED_NEW, email, *told)
