"""Releasing an unblock secret: once, after every factor of one way, and journaled first.

One transaction spends every proof of that way, writes the intent into the journal, and charges the
try that the secret may cost. It also opens the secret, before it writes anything, so that a broken
seal costs the holder nothing; the secret leaves only after the commit. The card proves itself a
second time for it, in the hold in which the secret is sent: another card may have been put in after
the questions.

Before an outcome is reported, a call with the same attempt gets the same grant: the answer to the
first one may have been lost. It is charged and recorded once.

An admin key is used here and never released: see ``kiosk.authority.unblock.mutual_authentication``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kiosk.authority.audit import put_back
from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import SealBroken
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    AuditEvent,
    Scalar,
    UnblockEntry,
    UnblockState,
    new_id,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.unblock.card_secret import (
    SecretSlot,
    correct_by_card,
    open_next,
    open_presented,
)
from kiosk.authority.unblock.mutual_authentication import (
    draw_nonce,
    judge_nonce,
    made_before,
    need_key,
    use_key,
)
from kiosk.authority.unblock.outcome import record_outcome_by_card
from kiosk.authority.visit.card_evidence import (
    close_unproven,
    digest_of,
    draw,
    judge,
    key_to_prove,
    refused_before,
    unlock_barred,
)
from kiosk.authority.visit.context import (
    VisitContext,
    VisitRefused,
    deciding,
    enter,
    enter_locked,
    given_by,
    is_assisted,
    reread,
)
from kiosk.authority.visit.rules import (
    ASSUMED_SECRET_TRIES,
    EXCHANGE_SPAN,
    KEPT_SECRET_TRIES,
    UNLOCKS,
    Gate,
    has_admin_key,
    is_key_proven,
    key_barred,
    owes_response,
    tries_by_account,
)
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    Grant,
    JournalId,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    Reason,
    Refusal,
    VisitId,
)

_MOST_RELEASES: Final = 10
"""In one visit. A holder who enters the PIN on a reader's keys may need several."""


def challenge(parts: Dependencies, visit_id: VisitId) -> CardChallenge | KeyChallenge | None:
    """Draw what the card has to answer for its secret; None where it need not prove itself."""
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        _need_gate(context)
        entry, released, _ = _need_rows(uow, context)
        owed = UnblockState.INTENT, context.visit.id
        if (
            entry is not None
            and (entry.state, entry.visit_id) == owed
            and owes_response(context.card, entry)
        ):
            # This visit's cryptogram never reached its station. The card draws another nonce once
            # it is held again, and takes no earlier cryptogram. Exchange and try stay charged.
            uow.journal.close(entry.id, UnblockState.NOT_SENT, "", uow.now)
            record(uow, AuditKind.UNBLOCK_NOT_SENT, context.visit, journal=entry.id)
            entry = None
        if entry is None or entry.visit_id != context.visit.id:
            context = _resolve_earlier(uow, parts, context, entry)
            _need_tries(uow, context, released)
        drawn: CardChallenge | KeyChallenge | None = None
        key = key_to_prove(context.policy, context.card, context.visit.auth_key)
        if has_admin_key(context.card):
            drawn = draw_nonce(uow, context.visit)
        elif key is not None:
            visit, drawn = draw(context.visit, key, uow.now)
            uow.visits.save(visit)
        uow.commit()
        return drawn


def _resolve_earlier(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, entry: UnblockEntry | None
) -> VisitContext:
    """Accept the report of a card that is known by name only, now that every factor was passed.

    It resolves an open unblock, and our count of its tries. A card that is proven did so when it
    went in.
    """
    if context.is_proven or (entry is not None and entry.visit_id == context.visit.id):
        return context
    record_outcome_by_card(
        uow, parts.sealer, context.visit, context.card, context.holder, goes_on=True
    )
    correct_by_card(uow, context.visit)
    card = uow.cards.get(context.card.id) or context.card
    return reread(uow, context, context.visit, card, context.proofs)


def release(
    parts: Dependencies, visit_id: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
) -> Grant | KeyGrant | Refusal:
    """Return the secret of the visit's card; ``StepRefused`` where a factor is missing.

    A card that answers its challenge wrongly ends the visit; the code stays as it is.
    """
    parts.sealer.masters.warm()
    judged = digest_of(f"release {attempt}", proof)
    with deciding(parts) as uow:
        locked = uow.visit_records.lock_visit(visit_id, at_station=True)
        refused = refused_before(locked.visit if locked else None, judged)
        if refused is not None:
            return refused
        context = enter_locked(uow, parts, locked)
        _need_gate(context)
        entry, released, events = _need_rows(uow, context)
        grant: Grant | KeyGrant
        repeated = UnblockState.INTENT, context.visit.id, attempt
        if entry is not None and (entry.state, entry.visit_id, entry.attempt) == repeated:
            grant = _grant_again(uow, parts, context, entry, proof, judged)
        else:
            context = _resolve_earlier(uow, parts, context, entry)
            _need_tries(uow, context, released)
            _need_proof(uow, parts, context, proof, judged)
            grant = _grant_first(uow, parts, context, attempt, proof, events)
        uow.commit()
        return grant


def _grant_again(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    entry: UnblockEntry,
    proof: CardProof | KeyNonce | None,
    judged: bytes,
) -> Grant | KeyGrant:
    """Open what was released before, once more; a proof that was judged already is not again."""
    if has_admin_key(context.card):
        return made_before(entry, proof, uow.now)
    if entry.proof != digest_of("release", proof):
        _need_proof(uow, parts, context, proof, judged)
    try:
        secret = open_presented(uow, parts.sealer, context.card)
    except SealBroken:
        secret = None
    if secret is None:
        raise VisitRefused(Reason.SECRET_MISSING, keep=context.visit)
    return Grant(JournalId(entry.id), secret)


def _grant_first(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    attempt: str,
    proof: CardProof | KeyNonce | None,
    events: Sequence[AuditEvent],
) -> Grant | KeyGrant:
    """Open the secret, spend the proofs, and write the intent and the charge."""
    card, current = context.card, context.card.sealed_secret
    if current is None:
        raise VisitRefused(Reason.SECRET_MISSING)
    pending = uow.kept_secrets.pending(card.id)
    try:
        which, secret = open_next(parts.sealer, card, current, pending)
        if has_admin_key(card):
            need_key(secret)
    except SealBroken:
        record(uow, AuditKind.SECRET_BROKEN, context.visit, revision=current.revision)
        raise VisitRefused(Reason.SECRET_MISSING, keep=context.visit) from None
    entry_id = new_id()
    _spend(uow, context, entry_id, events)
    code = context.proven_code
    if code is not None and is_assisted(code):
        # Whatever the station reports of it: the PIN may be set from now on.
        uow.cards.note_assisted_pin(card.id, uow.now)
    detail: dict[str, Scalar] = {}
    if pending is not None:
        uow.kept_secrets.present(pending, presented=which is SecretSlot.PENDING)
        detail["presented"] = which.value
    entry = _write_down(uow, context, entry_id, attempt, digest_of("release", proof), detail)
    if has_admin_key(card):
        return use_key(uow, context.visit, entry, secret, proof)
    uow.cards.secret_seen(card.id, uow.now)
    return Grant(JournalId(entry.id), secret)


def _need_gate(context: VisitContext) -> None:
    if context.visit.purpose not in UNLOCKS:
        raise StepRefused("the visit is not for an unlock")
    context.need(Gate.NEW_PIN)


def _need_rows(
    uow: UnitOfWork, context: VisitContext
) -> tuple[UnblockEntry | None, int, Sequence[AuditEvent]]:
    """Return the card's open entry, how many the visit has opened, and what the audit says.

    The database could hold older rows again, each with its older MAC: what the audit has is used up
    releases nothing. Raises ``RowPutBack`` for such a row.
    """
    visit, card, code = context.visit, context.card, context.proven_code
    sent_at = (code.sent_at if code else None) or visit.opened_at
    began = min(visit.opened_at, sent_at, *(proof.at for proof in context.proofs))
    entries, events = uow.audit.before_release(
        visit,
        began - CLOCKS_DIFFER,
        of_holder=put_back.OF_HOLDER,
        of_station=put_back.OF_STATION,
        ever=put_back.ACCEPTED,
    )
    put_back.need_station(context.station, visit.station, events)
    registered = context.addresses.registered
    put_back.need_holder(context.holder, card, context.registration, registered, events)
    put_back.need_proofs(visit, context.proofs, code, entries, events, uow.now)
    is_open = (one for one in entries if one.card_id == card.id and one.closed_at is None)
    return next(is_open, None), sum(one.visit_id == visit.id for one in entries), events


def _need_tries(uow: UnitOfWork, context: VisitContext, released: int) -> None:
    """A station that always reports that nothing was sent must not get secrets without limit.

    ``released``: how often it got one in this visit.
    """
    barred: Reason | None = context.unblock_barred
    if barred is None and released >= _MOST_RELEASES:
        barred = Reason.CARD_REFUSED
    if barred is None and has_admin_key(context.card):
        barred = key_barred(context.card, uow.now)
    if barred is not None:
        raise VisitRefused(barred)


def _need_proof(
    uow: UnitOfWork,
    parts: Dependencies,
    context: VisitContext,
    proof: CardProof | KeyNonce | None,
    judged: bytes,
) -> None:
    """Use up the challenge; close the visit and raise ``VisitRefused`` where the card fails it."""
    key = key_to_prove(context.policy, context.card, context.visit.auth_key)
    unproven = unlock_barred(context.policy, parts.issuers, context.card, key)
    if unproven is None and has_admin_key(context.card):
        unproven = judge_nonce(context.visit, proof, uow.now)
    elif unproven is None and key is not None:
        signed = proof if isinstance(proof, CardProof) else None
        visit, unproven = judge(context.visit, signed, uow.now)
        uow.visits.save(visit)
    if unproven is not None:
        close_unproven(uow, context.visit, unproven, judged)
        raise VisitRefused(Reason.NOT_GENUINE, keep=context.visit)


def _spend(
    uow: UnitOfWork, context: VisitContext, entry_id: str, events: Sequence[AuditEvent]
) -> None:
    """Spend every proof of the way, or, where this visit did, make sure that no grant had effect.

    A visit whose earlier grant was never sent, or whose new PIN the card refused while the secret
    was not spent, may try again: all other outcomes end the visit. It may not once another visit
    was granted the secret: the card may have been given another one since.
    """
    way, passed = context.way, context.passed_factors
    if not way or not passed.issuperset(way):
        raise StepRefused("not every factor was passed")
    proofs = [proof for proof in context.proofs if proof.factor in way]
    for proof in proofs:
        if proof.spent_by is None:
            if not context.factors[proof.factor].spend(uow, proof):
                raise StepRefused(f"what was shown was used already: {proof.factor.value}")
            uow.proofs.put(replace(proof, spent_by=entry_id))
    if all(proof.spent_by is None for proof in proofs):
        return
    earlier = uow.journal.of_visit(context.visit.id)
    if not earlier or any(entry.closed_at is None for entry in earlier):
        raise StepRefused("the secret was released already")
    if uow.journal.is_overtaken(earlier[-1]):
        raise StepRefused("the secret was released in another visit since")
    put_back.need_last_grant(context.visit, earlier[-1], events, uow.now)


def _write_down(
    uow: UnitOfWork,
    context: VisitContext,
    entry_id: str,
    attempt: str,
    proof: bytes,
    detail: dict[str, Scalar],
) -> UnblockEntry:
    visit, card = context.visit, context.card
    entry = UnblockEntry(
        id=entry_id,
        visit_id=visit.id,
        card_id=card.id,
        opened_at=uow.now,
        was_blocked=visit.pin_was_blocked,
        attempt=attempt,
        proof=proof,
    )
    if not uow.journal.open(entry):
        raise StepRefused("an earlier unblock of this card is not settled")
    keyed = has_admin_key(card)
    if keyed:
        uow.cards.count_exchange(card.id, uow.now, since=uow.now - EXCHANGE_SPAN)
    left: int | None
    if keyed and is_key_proven(card):
        # A right admin key costs a card no try, whatever the outcome of the exchange.
        left = tries_by_account(card) - card.secret_exposure
    else:
        left = uow.cards.charge_secret_try(
            card.id, assumed_limit=ASSUMED_SECRET_TRIES, keep=KEPT_SECRET_TRIES
        )
    if left is None:
        raise VisitRefused(Reason.SECRET_BLOCKED)
    code = context.proven_code
    given = {"code": code.id, **given_by(code)} if code else {}
    kind = AuditKind.ADMIN_KEY_USED if keyed else AuditKind.SECRET_RELEASED
    record(uow, kind, visit, journal=entry.id, left=left, **given, **detail)
    return entry
