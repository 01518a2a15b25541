"""Writing what a visit has gathered: a registration, other questions, another address.

An address that was given on a claimed PIN is in force once the old one had time to stop it.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.addresses import Addresses, read_addresses
from kiosk.authority.audit.events import AuditKind, ServiceKind, record
from kiosk.authority.audit.put_back import need_waiting
from kiosk.authority.errors import RowAltered
from kiosk.authority.notices import Notice, notify, notify_holder
from kiosk.authority.records import (
    MOST_FURTHER,
    Address,
    AddressSource,
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
    uow.registrations.set_questions(context.holder.id, ids, hashes)
    forget_answers(uow, context.holder.id)
    record(uow, AuditKind.QUESTIONS_CHANGED, context.visit, count=len(ids))
    notify_holder(uow, Notice.QUESTIONS_CHANGED, context.visit, context.holder, context.addresses)
    if context.pending is not None:
        uow.pending.delete(context.pending.id)
    keep_proven_key(uow, context)
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
    if pending.purpose is Purpose.ADD_ADDRESS:
        _add_further(uow, context, pending.email)
        uow.pending.delete(pending.id)
        return finish(uow, context)
    known = context.addresses
    registered = known.registered
    # One that waits would come into force in place of the address that was just confirmed. It goes
    # before the registration is locked, as one that falls due locks them in this order.
    stop_change(uow, context.holder.id)
    if registered and not uow.registrations.names(context.holder.id, registered.id):
        # It fell due, or was replaced with another card, since this visit was read.
        raise StepRefused("the registered address was changed by others")
    if pending.purpose is Purpose.REGISTER:
        _register(uow, context, pending, pending.email)
    elif registered is None:
        raise StepRefused("the holder is not registered")
    elif _has_to_wait(context, pending, registered, pending.email):
        _let_wait(uow, context, registered, known, pending.email)
    else:
        given = _given(context.holder.id, pending.email, uow)
        if not _put_in_force(uow, context.visit, context.holder, registered, given, known):
            raise StepRefused("the registered address was changed by others")
        keep_proven_key(uow, context)
    uow.pending.delete(pending.id)
    return finish(uow, context)


def _given(holder_id: str, email: str, uow: UnitOfWork) -> Address:
    """Return an address that has just been confirmed, and is in force."""
    return Address(new_id(), holder_id, AddressSource.HOLDER, email, uow.now, uow.now)


def _register(uow: UnitOfWork, context: VisitContext, pending: PendingChange, email: str) -> None:
    before, holder_id = context.addresses.registered, context.holder.id
    same_key = pending.auth_key is not None and pending.auth_key == context.visit.auth_key
    # Anew, in place of a registration without proof: that must not evade the cooling-off.
    kept = before if before and _has_to_wait(context, pending, before, email) else None
    if kept is not None:
        address = kept
    elif before is not None and before.value == email:
        address = before  # what was sent there still counts
        uow.addresses.confirm_again(before.id)
    else:
        address = _given(holder_id, email, uow)
        uow.addresses.add(address)
    registration = Registration(
        holder_id=holder_id,
        address_id=address.id,
        question_ids=pending.question_ids or (),
        hashes=pending.hashes or (),
        registered_at=uow.now,
        proven=same_key or pending.pin_evidence is PinEvidence.PROVEN,
        language=context.visit.language,
    )
    uow.registrations.put(registration)
    # By the registration that was just written: of two at once the later one keeps its address.
    uow.addresses.drop_registered(holder_id, but=address.id)
    uow.search.refresh([holder_id])
    count = len(registration.question_ids)
    record(uow, AuditKind.REGISTERED, context.visit, questions=count, proven=registration.proven)
    # The code may be entered in another visit, and the card in the reader then need not be the
    # holder's: its key has to be the one that was proven with the PIN.
    if pending.auth_key is None or same_key:
        _record_keys(uow, context, pending.auth_key, pending.pin_key)
    before_all = context.addresses
    now = replace(before_all, registered=address, waiting=None, language=registration.language)
    notify_holder(uow, Notice.REGISTERED, context.visit, context.holder, now)
    if before is not None and before.value not in now.for_notices:
        notify(
            uow,
            Notice.REGISTERED,
            before.value,
            context.visit,
            context.holder,
            language=before_all.language,
        )
    if kept is not None:
        _let_wait(uow, context, kept, now, email)


def _add_further(uow: UnitOfWork, context: VisitContext, email: str) -> None:
    """Add an address for codes, once its cooling-off is over; one that is known stays as it is.

    Nobody waits less on a proven PIN: it takes nothing from the holder, who has the old address.
    """
    registration, known, visit = context.required_registration, context.addresses, context.visit
    if known.knows_for_codes(email):
        return
    added = replace(
        _given(context.holder.id, email, uow),
        source=AddressSource.FURTHER,
        effective_from=uow.now + context.policy.address_cooling_off,
        visit_id=visit.id,
    )
    further = (*registration.further, added.id)
    if len(further) > MOST_FURTHER or not uow.registrations.set_further(registration, further):
        raise StepRefused("the further addresses were changed by others")
    uow.addresses.add(added)
    uow.search.refresh([context.holder.id])
    record(uow, AuditKind.FURTHER_ADDED, visit, address=added.id)
    notice, holder = Notice.FURTHER_ADDED, context.holder
    notify_holder(uow, notice, visit, holder, known, new_email=email)
    if email not in known.for_notices:
        notify(uow, notice, email, visit, holder, email, language=known.language)


def keep_proven_key(uow: UnitOfWork, context: VisitContext) -> None:
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
    context: VisitContext, pending: PendingChange, before: Address, email: str
) -> bool:
    """Return whether another address, given on a claimed PIN, waits for the cooling-off."""
    claimed = pending.pin_evidence is PinEvidence.CLAIMED
    return claimed and before.value != email and bool(context.policy.address_cooling_off)


def _let_wait(
    uow: UnitOfWork, context: VisitContext, before: Address, known: Addresses, email: str
) -> None:
    cooling_off = context.policy.address_cooling_off
    waiting = replace(
        _given(context.holder.id, email, uow),
        effective_from=uow.now + cooling_off,
        replaces=before.id,
        visit_id=context.visit.id,
    )
    uow.addresses.add(waiting)
    hours = round(cooling_off.total_seconds() / 3600)
    record(uow, AuditKind.EMAIL_CHANGE_WAITS, context.visit, hours=hours)
    waits, visit, holder = Notice.EMAIL_CHANGE_WAITS, context.visit, context.holder
    notify_holder(uow, waits, visit, holder, known, new_email=email)
    if email not in known.for_notices:
        notify(uow, waits, email, visit, holder, email, language=known.language)


def _put_in_force(
    uow: UnitOfWork,
    visit: Visit,
    holder: Cardholder,
    before: Address,
    now: Address,
    known: Addresses,
    *,
    stored: bool = False,
) -> bool:
    """Replace the address; return False where others changed it, or blocked self-service.

    ``known`` are the addresses until now. ``stored``: the row of the new one is there already.
    """
    is_other = before.value != now.value
    named = now.id if is_other else before.id
    if not uow.registrations.replace_address(holder.id, before.id, named):
        return False
    if not is_other:
        uow.addresses.confirm_again(before.id)
    elif not stored:
        uow.addresses.add(now)
    uow.addresses.drop_registered(holder.id, but=named)
    uow.search.refresh([holder.id])
    record(uow, AuditKind.EMAIL_CHANGED, visit, other=is_other)
    if is_other:
        old, new_email = Notice.EMAIL_CHANGED_OLD, now.value
        notify_holder(uow, old, visit, holder, known, new_email=new_email, leave_out=new_email)
    new, language = Notice.EMAIL_CHANGED_NEW, known.language
    notify(uow, new, now.value, visit, holder, new_email=now.value, language=language)
    return True


def apply_due_change(uow: UnitOfWork, holder_id: str) -> bool:
    """Put a holder's new address in force when it is due; return whether it was."""
    waiting = uow.addresses.waiting(holder_id)
    if waiting is None or waiting.effective_from > uow.now:
        return False
    _apply(uow, holder_id)
    return True


def apply_due_changes(store: Store) -> tuple[RowAltered, ...]:
    """Put every due address in force; return the altered rows that prevent it for some."""
    with store.read() as uow:
        due = uow.addresses.holders_with_due()
    return act_on_each(store, due, _apply)


def stop_change(uow: UnitOfWork, holder_id: str) -> Address | None:
    """Keep the old address; return the one that waited."""
    waiting = uow.addresses.waiting(holder_id)
    if waiting is None or not uow.addresses.stop(holder_id):
        return None
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, _visit_of(uow, waiting))
    return waiting


def stop_further(uow: UnitOfWork, holder_id: str) -> None:
    """Withdraw each further address whose cooling-off is not over; lock the holder's cards first.

    They are found by their own rows, so that one that was altered keeps nobody from stopping.
    """
    registration = uow.registrations.of_holder(holder_id)
    if registration is None:
        return
    gone = {one.id for one in uow.addresses.further_waiting(holder_id)}
    if not gone:
        return
    left = tuple(each for each in registration.further if each not in gone)
    uow.registrations.set_further(registration, left)
    for address_id in sorted(gone):
        uow.addresses.delete(address_id)
        uow.audit.append(
            kind=ServiceKind.ADDRESS_STOPPED.value,
            reference="",
            holder_id=holder_id,
            detail={"address": address_id},
        )
    uow.search.refresh([holder_id])


def _apply(uow: UnitOfWork, holder_id: str) -> None:
    """Put the holder's due address in force, or stop it.

    No card is locked: each write names what it replaces, and so overwrites nothing that others
    have changed since.
    """
    due = uow.addresses.take_due(holder_id)
    if due is None:
        return
    need_waiting(uow, due)
    holder, known = uow.holders.get(holder_id), read_addresses(uow, holder_id)
    visit, before = _visit_of(uow, due), known.registered
    if (
        holder is not None
        and before is not None
        and before.id == due.replaces
        and _put_in_force(uow, visit, holder, before, due, known, stored=True)
    ):
        return
    # Staff changed, blocked or revoked it since: that takes precedence.
    uow.addresses.delete(due.id)
    record(uow, AuditKind.EMAIL_CHANGE_STOPPED, visit)


def _visit_of(uow: UnitOfWork, given: Address) -> Visit:
    visit = uow.visits.get(given.visit_id)
    if visit is not None:
        return visit
    reference = reference_of(VisitId(given.visit_id))
    at = given.confirmed_at or given.effective_from
    return Visit(given.visit_id, reference, "", at, holder_id=given.holder_id)
