"""Writing what a visit has gathered: a registration, other questions, another address.

An address that was given on a claimed PIN is in force once the old one had time to stop it.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.errors import RowAltered
from kiosk.authority.notices import Notice, addresses_of, notify, notify_holder
from kiosk.authority.records import (
    AddressChange,
    Cardholder,
    JointHash,
    PendingChange,
    PinEvidence,
    Registration,
    Visit,
    new_id,
)
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.visit.context import VisitContext, act_on_each, reload
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Factor, Purpose, VisitId, reference_of


def finish(uow: UnitOfWork, context: VisitContext) -> VisitContext:
    """Mark the visit as complete: nothing more can be done in it."""
    return reload(uow, context, replace(context.visit, finished_at=uow.now))


def change_questions(
    uow: UnitOfWork, context: VisitContext, ids: tuple[int, ...], hashes: tuple[JointHash, ...]
) -> VisitContext:
    registration = context.required_registration
    uow.registrations.set_questions(context.holder.id, ids, hashes)
    forget_answers(uow, context.holder.id)
    record(uow, AuditKind.QUESTIONS_CHANGED, context.visit, count=len(ids))
    notify_holder(uow, Notice.QUESTIONS_CHANGED, context.visit, context.holder, registration)
    if context.pending is not None:
        uow.pending.delete(context.pending.id)
    _keep_proven_key(uow, context)
    return finish(uow, context)


def forget_answers(uow: UnitOfWork, holder_id: str) -> None:
    """Let right answers to what was replaced open nothing more; lock the holder's cards first."""
    uow.cards.lock_of_holder(holder_id)
    uow.proofs.forget(holder_id, Factor.QUESTIONS)


def apply_pending(uow: UnitOfWork, context: VisitContext) -> VisitContext:
    """Write the change whose code has just been entered."""
    pending = context.pending
    if pending is None or not pending.email:
        raise StepRefused("there is nothing that waits for this code")
    if pending.purpose is Purpose.REGISTER:
        _register(uow, context, pending, pending.email)
    elif _has_to_wait(context, pending, context.required_registration, pending.email):
        _let_wait(uow, context, context.required_registration, pending.email)
    else:
        stop_change(uow, context.holder.id)
        registration = context.required_registration
        if not _put_in_force(uow, context.visit, context.holder, registration, pending.email):
            raise StepRefused("the registered address was changed by others")
        _keep_proven_key(uow, context)
    uow.pending.delete(pending.id)
    return finish(uow, context)


def _register(uow: UnitOfWork, context: VisitContext, pending: PendingChange, email: str) -> None:
    before = context.registration
    same_key = pending.auth_key is not None and pending.auth_key == context.visit.auth_key
    # Anew, in place of a registration without proof: that must not evade the cooling-off.
    kept = before if before and _has_to_wait(context, pending, before, email) else None
    if kept is None:
        # An earlier one would come into force in place of the address that was just confirmed.
        stop_change(uow, context.holder.id)
    registration = Registration(
        holder_id=context.holder.id,
        email=kept.email if kept else email,
        email_verified_at=kept.email_verified_at if kept else uow.now,
        question_ids=pending.question_ids or (),
        hashes=pending.hashes or (),
        registered_at=uow.now,
        proven=same_key or pending.pin_evidence is PinEvidence.PROVEN,
        language=context.visit.language,
    )
    uow.registrations.put(registration)
    uow.search.refresh([context.holder.id])
    count = len(registration.question_ids)
    record(uow, AuditKind.REGISTERED, context.visit, questions=count, proven=registration.proven)
    # The code may be entered in another visit, and the card in the reader then need not be the
    # holder's: its key has to be the one that was proven with the PIN.
    if pending.auth_key is None or same_key:
        _record_keys(uow, context, pending.auth_key, pending.pin_key)
    notify_holder(uow, Notice.REGISTERED, context.visit, context.holder, registration)
    if before is not None and before.email not in addresses_of(context.holder, registration):
        notify(
            uow,
            Notice.REGISTERED,
            before.email,
            context.visit,
            context.holder,
            language=before.language,
        )
    if kept is not None:
        _let_wait(uow, context, registration, email)


def _keep_proven_key(uow: UnitOfWork, context: VisitContext) -> None:
    """Record the card's key where the same visit proved its PIN by a known key."""
    visit = context.visit
    if visit.pin_evidence is not PinEvidence.PROVEN or visit.genuine_at is None:
        return
    _record_keys(uow, context, visit.auth_key, visit.pin_key)


def _record_keys(
    uow: UnitOfWork, context: VisitContext, auth_key: bytes | None, pin_key: bytes | None
) -> None:
    """Record each key that is given, where the card has none of its kind."""
    if auth_key is not None and uow.cards.record_key(context.card.id, auth_key):
        record(uow, AuditKind.CARD_KEY_RECORDED, context.visit)
    if pin_key is not None and uow.cards.record_pin_key(context.card.id, pin_key):
        record(uow, AuditKind.PIN_KEY_RECORDED, context.visit)


def _has_to_wait(
    context: VisitContext, pending: PendingChange, before: Registration, email: str
) -> bool:
    """Return whether another address, given on a claimed PIN, waits for the cooling-off."""
    claimed = pending.pin_evidence is PinEvidence.CLAIMED
    return claimed and before.email != email and bool(context.policy.address_cooling_off)


def _let_wait(
    uow: UnitOfWork, context: VisitContext, registration: Registration, email: str
) -> None:
    change = AddressChange(
        id=new_id(),
        holder_id=context.holder.id,
        visit_id=context.visit.id,
        old_email=registration.email,
        new_email=email,
        requested_at=uow.now,
        effective_at=uow.now + context.policy.address_cooling_off,
    )
    uow.address_changes.put(change)
    hours = round((change.effective_at - change.requested_at).total_seconds() / 3600)
    record(uow, AuditKind.EMAIL_CHANGE_WAITS, context.visit, hours=hours)
    waits, visit, holder = Notice.EMAIL_CHANGE_WAITS, context.visit, context.holder
    notify_holder(uow, waits, visit, holder, registration, new_email=email)
    if email not in addresses_of(holder, registration):
        notify(uow, waits, email, visit, holder, email, language=registration.language)


def _put_in_force(
    uow: UnitOfWork, visit: Visit, holder: Cardholder, registration: Registration, email: str
) -> bool:
    """Replace the address; return False where others changed it, or blocked self-service."""
    if not uow.registrations.replace_email(holder.id, registration.email, email):
        return False
    uow.search.refresh([holder.id])
    is_other = registration.email != email
    record(uow, AuditKind.EMAIL_CHANGED, visit, other=is_other)
    if is_other:
        old = Notice.EMAIL_CHANGED_OLD
        notify_holder(uow, old, visit, holder, registration, new_email=email, leave_out=email)
    new, language = Notice.EMAIL_CHANGED_NEW, registration.language
    notify(uow, new, email, visit, holder, new_email=email, language=language)
    return True


def apply_due_change(uow: UnitOfWork, holder_id: str) -> bool:
    """Put a holder's new address in force when it is due; return whether it was."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is None or waiting.effective_at > uow.now:
        return False
    _apply(uow, holder_id)
    return True


def apply_due_changes(store: Store) -> tuple[RowAltered, ...]:
    """Put every due address in force; return the altered rows that prevent it for some."""
    with store.read() as uow:
        due = uow.address_changes.holders_with_due()
    return act_on_each(store, due, _apply)


def stop_change(uow: UnitOfWork, holder_id: str) -> AddressChange | None:
    """Keep the old address; return the change that waited."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is None or not uow.address_changes.end(holder_id):
        return None
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, _visit_of(uow, waiting))
    return waiting


def _apply(uow: UnitOfWork, holder_id: str) -> None:
    """Put the holder's due address in force, or stop it.

    No card is locked: each write names what it replaces, and so overwrites nothing that others
    have changed since.
    """
    change = uow.address_changes.end_due(holder_id)
    if change is None:
        return
    registration, holder = uow.registrations.of_holder(holder_id), uow.holders.get(holder_id)
    visit = _visit_of(uow, change)
    if (
        registration is not None
        and holder is not None
        and registration.email == change.old_email
        and _put_in_force(uow, visit, holder, registration, change.new_email)
    ):
        return
    # Staff changed, blocked or revoked it since: that takes precedence.
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, visit)


def _visit_of(uow: UnitOfWork, change: AddressChange) -> Visit:
    visit = uow.visits.get(change.visit_id)
    if visit is not None:
        return visit
    reference = reference_of(VisitId(change.visit_id))
    return Visit(change.visit_id, reference, "", change.requested_at, holder_id=change.holder_id)
