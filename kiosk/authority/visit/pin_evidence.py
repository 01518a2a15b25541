"""Whether a card verified its PIN: proven by a signature, or only claimed by a status word.

A device between card and reader can answer 9000 to VERIFY. The card therefore signs a fresh
challenge with a key that it uses only after VERIFY. The signature counts where three things hold:

- The key is known to belong to this card: a file named it, an issuer in the settings certified it
  for this card or this holder, or it was recorded in a visit that passed every factor.
- The key is known to need the PIN: an import declared its PIN policy, or the maker of the card
  attests it. What a card answers before VERIFY shows nothing, as the device could answer that too.
- The PIN is not one that was set with a code from staff not long ago.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.put_back import need_owner
from kiosk.authority.audit.sentences import Unproven
from kiosk.authority.crypto.card_keys import (
    AttestationRoots,
    Issuers,
    certifies,
    key_from,
    verify_pin_proof,
)
from kiosk.authority.crypto.revocation import Revocation
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.records import PendingChange, PinEvidence, Visit, new_id
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.unblock.card_secret import correct_by_card
from kiosk.authority.unblock.outcome import record_outcome_by_card
from kiosk.authority.visit import maintenance, tasks
from kiosk.authority.visit.card_evidence import is_waiting, to_sign
from kiosk.authority.visit.context import VisitContext, VisitRefused, deciding, enter, reload
from kiosk.authority.visit.factors.email_code import codes_used_up
from kiosk.authority.visit.rules import OWNER_IS_ASKED, Gate, has_signed, needs_pin
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Finished,
    PinChallenge,
    PinProof,
    Purpose,
    Reason,
    Task,
    VisitId,
)

_PIN_CHALLENGE_LIFE: Final = timedelta(minutes=3)
"""A reader with a PIN pad waits up to a minute and a half for the PIN."""

_NONCE_BYTES: Final = 32
_SCOPE: Final = b"unlock-kiosk pin proof 1\0"
"""Prefix of what a card signs here, so that the signature has no meaning elsewhere."""


def pin_challenge(parts: Dependencies, visit_id: VisitId) -> PinChallenge:
    """Draw what the card signs after VERIFY, unless there is a challenge that is still valid."""
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        if not _stands_alone(context.visit):
            context.need(Gate.PIN)
        nonce, since = context.visit.pin_challenge, context.visit.pin_challenged_at
        # Nothing that the station sends of itself: a card may take a second to attest a key.
        undeclared = not needs_pin(context.card, context.pin_key or b"")
        attest = parts.attestation is not None and undeclared
        if nonce is not None and is_waiting(since, uow.now, _PIN_CHALLENGE_LIFE):
            return PinChallenge(_message(context.visit, nonce), attest)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        uow.visits.save(replace(context.visit, pin_challenge=nonce, pin_challenged_at=uow.now))
        uow.commit()
        return PinChallenge(_message(context.visit, nonce), attest)


def pin_verified(parts: Dependencies, visit_id: VisitId, proof: PinProof | None) -> Task:
    """Record that the card verified its PIN, and the evidence.

    Without a valid proof the PIN is claimed. Then the holder has to enter a code from a recorded
    address before any recovery data changes; ``VisitRefused`` where there is no such address.
    """
    with deciding(parts) as uow:
        context = enter(uow, parts, visit_id)
        if _stands_alone(context.visit):
            # The answer to the first call was lost.
            registering = replace(context.visit, purpose=Purpose.REGISTER, finished_at=None)
            before = replace(context, visit=registering, after_first_unlock=True)
            return _unlock_alone(uow, before) or Finished(Purpose.FIRST_UNLOCK)
        context.need(Gate.PIN)
        if context.visit.pin_proven_at is None:
            context = _take(uow, parts, context, proof)
        if (barred := maintenance.barred(context)) is not None:
            # The evidence stays on record.
            raise VisitRefused(barred.reason, None, keep=context.visit, **barred.detail)
        alone = _unlock_alone(uow, context)
        if alone is not None:
            over = replace(context.visit, purpose=Purpose.FIRST_UNLOCK, finished_at=uow.now)
            uow.visits.save(over)
        task = alone or tasks.next_task(uow, context)
        uow.commit()
        return task


def _stands_alone(visit: Visit) -> bool:
    """Return whether a first unlock ended with its PIN, without a registration."""
    over = visit.purpose is Purpose.FIRST_UNLOCK and visit.finished_at is not None
    return over and visit.pin_proven_at is not None


def _unlock_alone(uow: UnitOfWork, context: VisitContext) -> Finished | None:
    """Return the end of a first unlock whose holder cannot register now; None where they can."""
    if not context.after_first_unlock:
        return None
    counts_in_s = 0.0
    if context.known_address:
        waits = codes_used_up(uow, context, Purpose.REGISTER)
        if waits is None:
            return None
        counts_in_s = waits.total_seconds()
    return Finished(Purpose.FIRST_UNLOCK, counts_in_s)


def _take(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, proof: PinProof | None
) -> VisitContext:
    if _is_revoked(parts.issuers, context, proof):
        record(uow, AuditKind.CARD_UNPROVEN, context.visit, because=Unproven.REVOKED.value)
        uow.visits.save(replace(context.visit, pin_challenge=None, pin_challenged_at=None))
        raise VisitRefused(Reason.CARD_REVOKED, keep=context.visit, by="certificate")
    evidence, key, why = _judge(uow, parts, context, proof)
    record(uow, AuditKind.PIN_VERIFIED, context.visit, evidence=evidence.value, because=why)
    visit = replace(
        context.visit,
        pin_proven_at=uow.now,
        pin_evidence=evidence,
        pin_key=key,
        pin_challenge=None,
        pin_challenged_at=None,
    )
    if has_signed(visit, context.card):
        # The card is the real one: its report counts as that of a card that proved itself first.
        record_outcome_by_card(uow, parts.sealer, visit, context.card, context.holder)
        correct_by_card(uow, visit)
    purpose = context.progress.purpose
    asks_owner = evidence is not PinEvidence.PROVEN and purpose in OWNER_IS_ASKED
    if asks_owner and not context.known_address and not context.after_first_unlock:
        # The evidence stays on record and the challenge is used up; the PIN counts for nothing.
        uow.visits.save(replace(context.visit, pin_challenge=None, pin_challenged_at=None))
        raise VisitRefused(Reason.NO_RECORDED_EMAIL, keep=context.visit)
    if not asks_owner or not context.known_address:
        return reload(uow, context, visit)
    # Never in place of what the visit came back to: another visit may still be gathering it.
    pending = fresh_pending(context, purpose, visit)
    uow.pending.put(pending)
    return reload(uow, context, replace(visit, pending_id=pending.id))


def fresh_pending(context: VisitContext, purpose: Purpose, visit: Visit) -> PendingChange:
    """Begin to gather what a registration or a change needs, on the evidence of ``visit``."""
    if visit.pin_evidence is None:
        raise StepRefused("the PIN was not verified in this visit")
    return PendingChange(
        id=new_id(),
        holder_id=context.holder.id,
        card_id=context.card.id,
        purpose=purpose,
        created_at=context.now,
        auth_key=visit.auth_key if visit.genuine_at is not None else None,
        pin_key=visit.pin_key,
        pin_evidence=visit.pin_evidence,
        owner_route=visit.owner_route,
    )


def _judge(
    uow: UnitOfWork, parts: Dependencies, context: VisitContext, proof: PinProof | None
) -> tuple[PinEvidence, bytes | None, str]:
    """Return the evidence, the key that signed, and the reason for the audit."""
    visit, card = context.visit, context.card
    nonce, drawn_at = visit.pin_challenge, visit.pin_challenged_at
    if proof is None:
        return PinEvidence.CLAIMED, None, "no signature"
    if nonce is None or drawn_at is None or abs(context.now - drawn_at) >= _PIN_CHALLENGE_LIFE:
        return PinEvidence.CLAIMED, None, "no challenge that is still good"
    key = key_from(proof.public_key)
    if key is None:
        return PinEvidence.CLAIMED, None, "no key that can be checked"
    if not verify_pin_proof(key, _message(visit, nonce), proof.signature):
        return PinEvidence.CLAIMED, None, "wrong signature"
    if key in (card.auth_key, visit.auth_key):
        # The card uses that key without a PIN.
        return PinEvidence.CLAIMED, None, "the key needs no PIN"
    if context.pin_key not in (None, key):
        return PinEvidence.CLAIMED, key, "another key than the recorded one"
    if context.pin_key is None and not _is_issued(uow, parts.issuers, context, proof, key):
        return PinEvidence.CLAIMED, key, "unknown key"
    if not needs_pin(card, key) and not _is_attested(parts.attestation, context, proof, key):
        return PinEvidence.CLAIMED, key, "nothing shows that the key needs the PIN"
    if context.is_pin_by_staff:
        return PinEvidence.CLAIMED, key, "the PIN was set with a code from staff"
    return PinEvidence.PROVEN, key, "recorded key" if context.pin_key is not None else "issued key"


def _is_revoked(issuers: Issuers | None, context: VisitContext, proof: PinProof | None) -> bool:
    """Return whether the certificate of the key that signed was revoked; a recorded key's as well.

    A card is revoked by any of its certificates: that for log-in is often the first.
    """
    if issuers is None or proof is None or proof.certificate is None:
        return False
    key = key_from(proof.public_key)
    if key is None or not certifies(proof.certificate, key):
        return False
    return issuers.revocation(proof.certificate, context.now) is Revocation.REVOKED


def _is_issued(
    uow: UnitOfWork,
    issuers: Issuers | None,
    context: VisitContext,
    proof: PinProof,
    key: bytes,
) -> bool:
    """Return whether an issuer certified the key for log-in of this card or this holder.

    A mailbox that several holders have, such as a ward's, names none of them.
    """
    certificate, card, holder = proof.certificate, context.card, context.holder
    if issuers is None or certificate is None or not certifies(certificate, key):
        return False
    if issuers.revocation(certificate, context.now) is not Revocation.GOOD:
        return False
    vouched = partial(
        issuers.vouch_for_pin_key, certificate, card.identity, holder.number, now=context.now
    )
    if vouched(email=None):
        return True
    recorded = context.addresses.recorded
    if recorded is None or not vouched(email=recorded.value):
        return False
    need_owner(uow, holder, card, context.registration, context.addresses.registered)
    return not uow.addresses.is_mailbox_shared(recorded)


def _is_attested(
    roots: AttestationRoots | None, context: VisitContext, proof: PinProof, key: bytes
) -> bool:
    shown = proof.attestation
    if roots is None or shown is None:
        return False
    return roots.attest_pin(shown.attested, shown.attesting, key, context.now)


def _message(visit: Visit, nonce: bytes) -> bytes:
    return to_sign(_SCOPE, visit, nonce)
