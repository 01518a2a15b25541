"""The outcome of a grant on the card, as the station reports it; a repeated report counts once.

The report may come after the visit is over: holders often pull the card at the very end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from kiosk.authority.addresses import Addresses, named_addresses, read_addresses
from kiosk.authority.audit.events import AuditKind, plain, record, record_refusal
from kiosk.authority.audit.sentences import OutcomeSource, Unproven
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.notices import Notice, notify_holder
from kiosk.authority.records import (
    Card,
    Cardholder,
    LockedGrant,
    Registration,
    UnblockState,
    Visit,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.visits import is_within_visit
from kiosk.authority.unblock.card_secret import (
    Counted,
    ResponseMeaning,
    advance_after_restore,
    infer_retries,
    present_again,
    record_response,
    rotates,
    set_aside,
)
from kiosk.authority.visit.context import deciding, find_grant, read_context
from kiosk.authority.visit.rules import (
    KEPT_SECRET_TRIES,
    Gate,
    Progress,
    has_admin_key,
    owes_response,
    position,
)
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Factor,
    Finished,
    JournalId,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    Task,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive

# The outcome of an unblock: by the station's report, or from the card when it is next seen.


def record_outcome_by_card(
    uow: UnitOfWork,
    sealer: Sealer,
    visit: Visit,
    card: Card,
    holder: Cardholder,
    *,
    goes_on: bool = False,
) -> bool:
    """Close the card's open entry by whether its PIN is blocked now; False: there is none.

    A PIN that was blocked and is not any more was reset, whatever answer was lost, and the
    presented secret was right. Otherwise the exposure of the unblock secret stays charged. Where
    ``goes_on``, the visit is about to unblock the card once more, and keeps its proofs. A card that
    never proved its admin key was not reset here, whatever it reports now.
    """
    entry = uow.journal.open_for(card.id)
    if entry is None:
        return False
    opened_in = uow.visits.get(entry.visit_id) or visit
    if owes_response(card, entry):
        found = OutcomeSource.NOT_DONE
    elif not entry.was_blocked:
        found = OutcomeSource.UNDETERMINED
    elif not visit.pin_was_blocked:
        found = OutcomeSource.DONE
    elif goes_on:
        # The PIN may have been reset and blocked again before this visit passed its factors.
        found = OutcomeSource.UNDETERMINED
    else:
        found = OutcomeSource.NOT_DONE
    uow.journal.close(entry.id, UnblockState.SETTLED, found.value, uow.now)
    record(uow, AuditKind.UNBLOCK_SETTLED, visit, journal=entry.id, found=found.value)
    if found is OutcomeSource.DONE:
        if goes_on:
            uow.cards.know_secret_tries(card.id, None)
            uow.cards.set_aside(card.id, None)
        else:
            _count_as_done(uow, opened_in, card, holder, read_addresses(uow, holder.id))
        record_response(uow, sealer, visit, card, right=True)
    return True


def leave_undetermined(uow: UnitOfWork, visit: Visit, card: Card) -> None:
    """Close an unblock whose visit is over, of a card that is no longer served.

    A card that is known by name only proves nothing about it; what it may have cost stays charged.
    """
    entry = uow.journal.open_for(card.id)
    opened_in = uow.visits.get(entry.visit_id) if entry else None
    if entry is None or opened_in is None or opened_in.closed_at is None:
        return
    found = OutcomeSource.UNDETERMINED.value
    uow.journal.close(entry.id, UnblockState.SETTLED, found, uow.now)
    record(uow, AuditKind.UNBLOCK_SETTLED, visit, journal=entry.id, found=found)


def _count_as_done(
    uow: UnitOfWork, visit: Visit, card: Card, holder: Cardholder, addresses: Addresses
) -> None:
    """Clear failures, asked questions, codes and exposure: the holder has a working card."""
    _trust_card(uow, card)
    uow.registrations.clear_failures(holder.id, asked=True)
    notify_holder(uow, Notice.UNLOCKED, visit, holder, addresses)


def _addresses_of(case: LockedGrant) -> Addresses:
    return named_addresses(case.holder, case.registration, case.rows)


def _trust_card(uow: UnitOfWork, card: Card) -> None:
    """The card took a secret: all its tries are there again, and no code for it is needed."""
    uow.cards.know_secret_tries(card.id, None)
    if card.set_aside_at is not None:
        uow.cards.set_aside(card.id, None)
    uow.codes.revoke_all(card.id)


def record_outcome(
    parts: Dependencies, visit_id: VisitId, journal: JournalId, outcome: UnblockOutcome
) -> Task | Refusal:
    """Write the outcome into the journal, and return what follows for the holder."""
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        counted = infer_retries(uow, case, outcome)
        # After the visit its card shows what became of it: whoever has the key of a station and
        # reads the audit could report it.
        if case.entry.closed_at is None and is_within_visit(case.visit.opened_at, uow.now):
            visit = _count(uow, parts, case, counted)
        else:
            visit = case.visit
            _count_late(uow, parts, case, counted, reported=type(outcome).__name__)
        is_over = visit.closed_at is not None
        reply = _reply(uow, parts, case, counted, None if is_over else visit)
        uow.commit()
        return reply


_RECORDED_AS = {
    UnblockDone: UnblockState.DONE,
    UnblockRefused: UnblockState.REFUSED,
    UnblockNotSent: UnblockState.NOT_SENT,
}
"""A report of what is recorded is a repeat: its first answer was lost."""


def _count_late(
    uow: UnitOfWork, parts: Dependencies, case: LockedGrant, outcome: Counted, *, reported: str
) -> None:
    """Record a report that came too late, or again; a repeated one says nothing new."""
    # It says more than the card that was seen since where it is certain, within the life of its
    # visit, and while the card was sent no other secret.
    settled = case.entry.state is UnblockState.SETTLED and case.entry.detail != OutcomeSource.DONE
    owes = owes_response(case.card, case.entry)
    in_time = is_within_visit(case.visit.opened_at, uow.now)
    certain = settled and isinstance(outcome, UnblockDone) and not owes and in_time
    if certain and uow.journal.is_last(case.entry):
        # The card was counted as not unblocked when it, or a copy of it, was seen again. Attempts
        # that were charged stay charged: a station chooses when it reports.
        uow.journal.correct(case.entry.id)
        record(uow, AuditKind.UNBLOCK_REPORTED_LATE, case.visit, outcome=reported)
        _trust_card(uow, case.card)
        notify_holder(uow, Notice.UNLOCKED, case.visit, case.holder, _addresses_of(case))
        record_response(uow, parts.sealer, case.visit, case.card, right=True)
    elif _RECORDED_AS.get(type(outcome)) is not case.entry.state:
        detail = {"journal": case.entry.id, "outcome": reported}
        record(uow, AuditKind.UNBLOCK_REPORTED_LATE, case.visit, **detail)


def _count(uow: UnitOfWork, parts: Dependencies, case: LockedGrant, outcome: Counted) -> Visit:
    """Count an outcome for card, holder and visit; return the visit as it is then."""
    match outcome:
        case UnblockDone():
            return _done(uow, parts, case)
        case UnblockRefused(tries_left=None):
            # The card wants another PIN; the secret was not spent, and may be released again.
            because = plain(outcome.because)
            uow.journal.close(case.entry.id, UnblockState.REFUSED, because, uow.now)
            _give_back(uow, case)
            record(
                uow, AuditKind.UNBLOCK_REFUSED, case.visit, journal=case.entry.id, because=because
            )
            return case.visit
        case UnblockRefused() if owes_response(case.card, case.entry):
            return _key_refused(uow, case, outcome)
        case UnblockRefused():
            return _secret_refused(uow, parts, case, outcome)
        case UnblockNotSent():
            # Nothing reached the card: the proofs stay, and the secret may be released again.
            uow.journal.close(case.entry.id, UnblockState.NOT_SENT, "", uow.now)
            _give_back(uow, case)
            record(uow, AuditKind.UNBLOCK_NOT_SENT, case.visit, journal=case.entry.id)
            return case.visit
        case UnblockUnknown():
            # It stays open and exposed: the card shows the outcome when it is next seen.
            if uow.journal.note_unknown(case.entry.id, "the answer was lost"):
                record(uow, AuditKind.UNBLOCK_UNKNOWN, case.visit, journal=case.entry.id)
                record_refusal(uow, case.visit, Reason.OUTCOME_UNKNOWN)
            return _closed(uow, case.visit)
        case _:
            assert_never(outcome)


def _done(uow: UnitOfWork, parts: Dependencies, case: LockedGrant) -> Visit:
    if owes_response(case.card, case.entry):
        raise StepRefused("the card has not shown that it has its admin key")
    visit = case.visit
    uow.journal.close(case.entry.id, UnblockState.DONE, "", uow.now)
    record(uow, AuditKind.UNBLOCK_DONE, visit, journal=case.entry.id)
    _count_as_done(uow, visit, case.card, case.holder, _addresses_of(case))
    record_response(uow, parts.sealer, visit, case.card, right=True)
    if not rotates(parts, case.card):
        uow.cards.secret_changed(case.card.id)
    proved = visit.auth_key if visit.genuine_at is not None else None
    first = visit.purpose is Purpose.FIRST_UNLOCK
    # The visit passed every factor, and the card proved this key in it twice. The registration that
    # follows a first unlock records what it proved.
    unrecorded = not first and case.card.auth_key is None
    if unrecorded and proved is not None and uow.cards.record_key(case.card.id, proved):
        record(uow, AuditKind.CARD_KEY_RECORDED, visit)
    if _replace_used(uow, visit.id, case.registration):
        record(uow, AuditKind.SAVED_CODE_REPLACED, visit)
        notify_holder(uow, Notice.SAVED_CODE_REPLACED, visit, case.holder, _addresses_of(case))
    # What was proven opens nothing more.
    uow.proofs.drop(visit.id)
    over = replace(visit, way=None)
    context = read_context(uow, parts, visit, case.card, case.holder) if first else None
    if context is not None and context.can_register:
        # The code opens nothing more: the registration rests on the proofs of the card and the
        # recorded address, as any other does.
        over = replace(over, purpose=Purpose.REGISTER)
        record(uow, AuditKind.PURPOSE_CHOSEN, visit, purpose=Purpose.REGISTER.value)
    else:
        over = replace(over, finished_at=uow.now)
    uow.visits.save(over)
    return over


def _secret_refused(
    uow: UnitOfWork, parts: Dependencies, case: LockedGrant, outcome: UnblockRefused
) -> Visit:
    """The card refused the secret; where it may have another one, that is presented next.

    A card without tries left has compared nothing.
    """
    because, left = plain(outcome.because), outcome.tries_left
    uow.journal.close(case.entry.id, UnblockState.REFUSED, because, uow.now)
    uow.cards.know_secret_tries(case.card.id, left)
    detail = {"journal": case.entry.id, "because": because, "tries_left": left}
    record(uow, AuditKind.UNBLOCK_REFUSED, case.visit, **detail)
    # Staff or a file may have put another one in its place since, of which this says nothing.
    is_former = not has_admin_key(case.card) and case.card.secret_seen_at is None
    found = None
    if left and not is_former:
        found = record_response(uow, parts.sealer, case.visit, case.card, right=False)
    if found is ResponseMeaning.NEITHER:
        can_go_on = left is not None and left > KEPT_SECRET_TRIES
        if can_go_on and advance_after_restore(uow, parts, case.visit, case.card):
            found = ResponseMeaning.PENDING_HOLDS
        else:
            set_aside(uow, case.visit, case.card)
    over = found in (None, ResponseMeaning.NEITHER)
    if over or left is None or left <= KEPT_SECRET_TRIES:
        record_refusal(uow, case.visit, _why(left))
    return _closed(uow, case.visit) if over else case.visit


def _key_refused(uow: UnitOfWork, case: LockedGrant, outcome: UnblockRefused) -> Visit:
    """A card that has not shown the admin key calls ours wrong: that is evidence of nothing.

    The try that was charged for it stays charged, as after a lost answer: the card may be the
    genuine one, with another key than the recorded one.
    """
    because = plain(outcome.because)
    uow.journal.close(case.entry.id, UnblockState.REFUSED, because, uow.now)
    detail = {"journal": case.entry.id, "because": because, "tries_left": outcome.tries_left}
    record(uow, AuditKind.UNBLOCK_REFUSED, case.visit, **detail)
    record(uow, AuditKind.CARD_UNPROVEN, case.visit, because=Unproven.KEY_REFUSED.value)
    record_refusal(uow, case.visit, Reason.NOT_GENUINE)
    return _closed(uow, case.visit)


def _give_back(uow: UnitOfWork, case: LockedGrant) -> None:
    """Undo the charge; only the card's own answer gives back a try for an admin key."""
    if not has_admin_key(case.card):
        uow.cards.give_back_secret_try(case.card.id)
    present_again(uow, case.card)


def _closed(uow: UnitOfWork, visit: Visit) -> Visit:
    """Close a visit that is refused, unless it is closed already."""
    uow.visits.close(visit.id, uow.now, VisitEnd.REFUSED)
    return replace(visit, closed_at=visit.closed_at or uow.now)


def _reply(
    uow: UnitOfWork, parts: Dependencies, case: LockedGrant, outcome: Counted, visit: Visit | None
) -> Task | Refusal:
    """Return what follows for the holder; ``visit`` is None where it is over."""
    match outcome:
        case UnblockDone():
            soon = parts.policy().remind_before.days
            if visit is None:
                return Finished(Purpose.UNLOCK, expires_soon_days=soon)
            if visit.purpose is Purpose.REGISTER and visit.pin_proven_at is None:
                # A registration begins now, after a first unlock in the same visit.
                registering = read_context(uow, parts, visit, case.card, case.holder)
                return ProvePin(position=registering.position(Gate.PIN))
            if visit.purpose is Purpose.FIRST_UNLOCK and visit.finished_at is not None:
                return Finished(Purpose.FIRST_UNLOCK, expires_soon_days=soon)
            code = _shown_at_end(uow, parts, visit.id, case.registration)
            return Finished(Purpose.UNLOCK, saved_code=code, expires_soon_days=soon)
        case UnblockRefused(tries_left=int()) if owes_response(case.card, case.entry):
            return Refusal(Reason.NOT_GENUINE)
        case UnblockRefused(tries_left=int(left)) if visit is None or left <= KEPT_SECRET_TRIES:
            return Refusal(_why(left))
        case UnblockUnknown():
            return Refusal(Reason.OUTCOME_UNKNOWN)
        case UnblockRefused() | UnblockNotSent():
            policy = parts.policy()
            rules = policy.pin_rules(case.holder.number)
            context = read_context(uow, parts, case.visit, case.card, case.holder)
            if case.visit.purpose is Purpose.UNLOCK:
                return SetPin(rules, position=context.position(Gate.NEW_PIN))
            # After a first unlock the visit is already for the registration.
            unlocking = Progress(Purpose.FIRST_UNLOCK, claimed=context.counts_as_claimed)
            here = position(policy, unlocking, Gate.NEW_PIN, registers=context.can_register)
            return SetPin(rules, position=here)
        case _:
            assert_never(outcome)


def _why(tries_left: int | None) -> Reason:
    blocked = tries_left is not None and tries_left <= KEPT_SECRET_TRIES
    return Reason.SECRET_BLOCKED if blocked else Reason.CARD_REFUSED


# The code that takes the place of a used one.


def _replace_used(uow: UnitOfWork, visit_id: str, registration: Registration | None) -> bool:
    """Let it count, now that the unblock is done; return whether there is one to show."""
    if registration is None or not any(one.replaces for one in registration.saved_codes or ()):
        return False
    holder_id = registration.holder_id
    proofs = uow.proofs.of_visit(visit_id)
    used = (one.subject for one in proofs if one.factor is Factor.SAVED_CODE and one.spent_by)
    shown = (uow.registrations.show_saved_code(holder_id, each, visit_id) for each in used)
    return any(code is not None for code in shown)


def _shown_at_end(
    uow: UnitOfWork, parts: Dependencies, visit_id: str, registration: Registration | None
) -> Sensitive | None:
    """Return the code to show on the last page, also to a repeated call of the same visit."""
    if registration is None or not registration.saved_codes:
        return None
    now = uow.registrations.of_holder(registration.holder_id)
    fresh = (one for one in (now.saved_left if now else ()) if one.nonce)
    mine = next((one for one in fresh if one.visit_id == visit_id), None)
    return parts.hasher.saved_code(registration.holder_id, mine) if mine is not None else None
