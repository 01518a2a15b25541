"""A change of address on a claimed PIN: in force once the old address had time to stop it."""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority import tasks
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.notices import Notice, addresses_of, draw_stop_number, notify, notify_holder
from kiosk.authority.store.records import (
    AddressChange,
    JointHash,
    PendingChange,
    PinEvidence,
    Registration,
    Visit,
    new_id,
)
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.authority.visit_context import VisitContext, reload
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Purpose, VisitId, reference_of

# Writing what was gathered: the registration, its questions, its address.


def finish(uow: UnitOfWork, context: VisitContext) -> VisitContext:
    """Mark the visit as complete: nothing more can be done in it."""
    return reload(uow, context, replace(context.visit, finished_at=uow.now))


def change_questions(
    uow: UnitOfWork, context: VisitContext, ids: tuple[int, ...], hashes: tuple[JointHash, ...]
) -> VisitContext:
    """Replace the questions; the ones to ask are drawn again, failures stay."""
    registration = tasks.registration_of(context)
    changed = replace(registration, question_ids=ids, hashes=hashes, asked=None, updated_at=uow.now)
    uow.registrations.put(changed)
    record(uow, AuditKind.QUESTIONS_CHANGED, context.visit, count=len(ids))
    notify_holder(uow, Notice.QUESTIONS_CHANGED, context.visit, context.holder, registration)
    if context.pending is not None:
        uow.pending.delete(context.pending.id)
    _keep_proven_key(uow, context)
    return finish(uow, context)


def apply_pending(uow: UnitOfWork, context: VisitContext) -> VisitContext:
    """Write the change whose code has just been entered."""
    pending = context.pending
    if pending is None or not pending.email:
        raise StepRefused("there is nothing that waits for this code")
    if pending.purpose is Purpose.REGISTER:
        _register(uow, context, pending, pending.email)
    else:
        _change_email(uow, context, pending, pending.email)
    uow.pending.delete(pending.id)
    return finish(uow, context)


def _register(uow: UnitOfWork, context: VisitContext, pending: PendingChange, email: str) -> None:
    before = context.registration
    same_key = pending.auth_key is not None and pending.auth_key == context.visit.auth_key
    registration = Registration(
        holder_id=context.holder.id,
        email=email,
        email_verified_at=uow.now,
        question_ids=pending.question_ids or (),
        hashes=pending.hashes or (),
        registered_at=uow.now,
        updated_at=uow.now,
        proven=same_key or pending.pin_evidence is PinEvidence.PROVEN,
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
        notify(uow, Notice.REGISTERED, before.email, context.visit, context.holder)


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


def _change_email(
    uow: UnitOfWork, context: VisitContext, pending: PendingChange, email: str
) -> None:
    """Change the address: at once on a proven PIN, after the cooling-off on a claimed one."""
    registration = tasks.registration_of(context)
    cooling_off = context.policy.address_cooling_off
    is_other = registration.email != email
    if is_other and pending.pin_evidence is PinEvidence.CLAIMED and cooling_off:
        change = AddressChange(
            id=new_id(),
            holder_id=context.holder.id,
            visit_id=context.visit.id,
            old_email=registration.email,
            new_email=email,
            requested_at=uow.now,
            effective_at=uow.now + cooling_off,
        )
        uow.address_changes.put(change)
        hours = round((change.effective_at - change.requested_at).total_seconds() / 3600)
        record(uow, AuditKind.EMAIL_CHANGE_WAITS, context.visit, hours=hours)
        notify_holder(
            uow,
            Notice.EMAIL_CHANGE_WAITS,
            context.visit,
            context.holder,
            registration,
            new_email=email,
        )
        if email not in addresses_of(context.holder, registration):
            notify(uow, Notice.EMAIL_CHANGE_WAITS, email, context.visit, context.holder, email)
        return
    _put_email(uow, context, registration, email)
    _keep_proven_key(uow, context)


def _put_email(
    uow: UnitOfWork, context: VisitContext, registration: Registration, email: str
) -> None:
    uow.registrations.put(with_email(registration, email, uow))
    uow.search.refresh([context.holder.id])
    is_other = registration.email != email
    record(uow, AuditKind.EMAIL_CHANGED, context.visit, other=is_other)
    if is_other:
        notify_holder(
            uow,
            Notice.EMAIL_CHANGED_OLD,
            context.visit,
            context.holder,
            registration,
            new_email=email,
        )
    notify(uow, Notice.EMAIL_CHANGED_NEW, email, context.visit, context.holder, new_email=email)


def with_email(registration: Registration, email: str, uow: UnitOfWork) -> Registration:
    """Return the registration with a confirmed address."""
    return replace(
        registration,
        email=email,
        email_verified_at=uow.now,
        unconfirmed_since=None,
        updated_at=uow.now,
    )


def apply_due_change(uow: UnitOfWork, holder_id: str) -> bool:
    """Put a holder's new address in force when it is due; return whether it was."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is None or waiting.effective_at > uow.now:
        return False
    _apply(uow, waiting)
    return True


def apply_due_changes(uow: UnitOfWork) -> int:
    """Put every due address in force; return how many."""
    due = uow.address_changes.due()
    for change in due:
        _apply(uow, change)
    return len(due)


def stop_change(uow: UnitOfWork, holder_id: str) -> bool:
    """Keep the old address; return False where no change waits."""
    waiting = uow.address_changes.waiting(holder_id)
    if waiting is None or not uow.address_changes.end(holder_id):
        return False
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, _visit_of(uow, waiting))
    return True


def _apply(uow: UnitOfWork, change: AddressChange) -> None:
    registration = uow.registrations.of_holder(change.holder_id)
    holder = uow.holders.get(change.holder_id)
    uow.address_changes.end(change.holder_id)
    visit = _visit_of(uow, change)
    blocked = registration is not None and registration.blocked_at is not None
    if registration is None or holder is None or blocked or registration.email != change.old_email:
        # Staff changed, blocked or revoked it since: that takes precedence.
        record(uow, AuditKind.EMAIL_CHANGE_STOPPED, visit)
        return
    uow.registrations.put(with_email(registration, change.new_email, uow))
    uow.search.refresh([holder.id])
    record(uow, AuditKind.EMAIL_CHANGED, visit, other=True)
    number = draw_stop_number(uow, visit, holder)
    for address in addresses_of(holder, registration):
        notify(uow, Notice.EMAIL_CHANGED_OLD, address, visit, holder, change.new_email, number)
    notify(uow, Notice.EMAIL_CHANGED_NEW, change.new_email, visit, holder, change.new_email)


def _visit_of(uow: UnitOfWork, change: AddressChange) -> Visit:
    visit = uow.visits.get(change.visit_id)
    if visit is not None:
        return visit
    reference = reference_of(VisitId(change.visit_id))
    return Visit(change.visit_id, reference, "", change.requested_at, holder_id=change.holder_id)
