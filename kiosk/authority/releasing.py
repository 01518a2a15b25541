"""Releasing an unblock secret: once, after every factor, and written down first.

In one transaction the code is used up, the intent goes into the journal, and the try
that the secret may cost is charged. The secret is opened inside it too, before anything
is written, so that a seal that does not open costs the holder nothing; it leaves only
when all of that is durable. The card proves itself a second time for it, in the hold in
which the secret is sent: another one may have been put in after the questions.
"""

from __future__ import annotations

from kiosk.authority.assisted import given_by
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.holding import note_presented, open_next
from kiosk.authority.offers import ASSUMED_SECRET_TRIES, KEPT_SECRET_TRIES, secret_barred
from kiosk.authority.parts import Parts
from kiosk.authority.proving import (
    Unproven,
    draw,
    judge,
    key_to_prove,
    tell_unproven,
    unlock_barred,
)
from kiosk.authority.recovery import Which
from kiosk.authority.scene import Scene, TurnedAway, enter
from kiosk.authority.steps import Gate
from kiosk.dialogue import (
    CardChallenge,
    CardProof,
    Grant,
    JournalId,
    KeyGrant,
    KeyNonce,
    Purpose,
    Reason,
    Refusal,
    VisitEnd,
    VisitId,
)
from kiosk.errors import SealBroken, StepRefused
from kiosk.sensitive import Sensitive
from kiosk.store.records import Scalar, UnblockEntry, new_id
from kiosk.store.unit_of_work import UnitOfWork


def challenge(parts: Parts, visit_id: VisitId) -> CardChallenge | None:
    """Draw what the card has to answer for its secret; None where it need not prove itself."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        _need_every_factor(scene)
        key = key_to_prove(scene.policy, scene.card, scene.visit.auth_key)
        if key is None:
            return None
        visit, drawn = draw(scene.visit, key, uow.now)
        uow.visits.save(visit)
        uow.commit()
        return drawn


def release(
    parts: Parts, visit_id: VisitId, proof: CardProof | KeyNonce | None = None
) -> Grant | KeyGrant | Refusal:
    """Return the secret of the visit's card; ``StepRefused`` where a factor is missing.

    A card that answers its challenge wrongly ends the visit; the code stays as it is.
    """
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        _need_every_factor(scene)
        unproven = _unproven(uow, parts, scene, proof)
        if unproven is not None:
            refusal = _not_genuine(uow, scene, unproven)
            uow.commit()
            return refusal
        opened = _opened(uow, parts, scene)
        if opened is None:
            uow.commit()
            return Refusal(Reason.SECRET_MISSING, scene.visit.reference)
        which, secret = opened
        _use_up_code(uow, scene)
        entry = _write_down(uow, scene, which)
        uow.commit()
        return Grant(JournalId(entry.id), secret)


def _need_every_factor(scene: Scene) -> None:
    if scene.visit.purpose is not Purpose.UNLOCK:
        raise StepRefused("the visit is not for an unlock")
    scene.need(Gate.NEW_PIN)
    barred = secret_barred(scene.card)
    if barred is not None:
        raise TurnedAway(barred)


def _unproven(
    uow: UnitOfWork, parts: Parts, scene: Scene, proof: CardProof | KeyNonce | None
) -> Unproven | None:
    """Use up the challenge that was drawn for this; say why the secret is kept back."""
    key = key_to_prove(scene.policy, scene.card, scene.visit.auth_key)
    barred = unlock_barred(scene.policy, parts.issuers, scene.card, key)
    if barred is not None or key is None:
        return barred
    signed = proof if isinstance(proof, CardProof) else None
    visit, unproven = judge(scene.visit, signed, uow.now)
    uow.visits.save(visit)
    return unproven


def _not_genuine(uow: UnitOfWork, scene: Scene, because: Unproven) -> Refusal:
    visit, reason = scene.visit, Reason.NOT_GENUINE
    tell_unproven(uow, visit, because)
    record(uow, AuditKind.REFUSED, visit, reason=reason.value)
    uow.visits.close(visit.id, uow.now, VisitEnd.REFUSED)
    return Refusal(reason, visit.reference)


def _opened(uow: UnitOfWork, parts: Parts, scene: Scene) -> tuple[Which, Sensitive] | None:
    """Open the secret for this very card; a broken seal is told to the audit."""
    card = scene.card
    if card.sealed_secret is None:
        raise TurnedAway(Reason.SECRET_MISSING)
    try:
        return open_next(uow, parts.sealer, card)
    except SealBroken:
        revision = card.sealed_secret.revision
        record(uow, AuditKind.SECRET_BROKEN, scene.visit, revision=revision)
        return None


def _use_up_code(uow: UnitOfWork, scene: Scene) -> None:
    """Use the code up, or, when it was used in this visit, see that nothing came of it.

    A visit whose earlier grant was never sent, or whose new PIN the card refused while
    the secret was not spent, may try again: all other outcomes end the visit.
    """
    code = scene.proven_code
    if code is not None and code.consumed_at is None:
        if not uow.codes.consume(code.id):
            raise StepRefused("the code was used already")
        return
    earlier = uow.journal.of_visit(scene.visit.id)
    if not earlier or any(entry.closed_at is None for entry in earlier):
        raise StepRefused("the secret was released already")


def _write_down(uow: UnitOfWork, scene: Scene, which: Which) -> UnblockEntry:
    visit, card = scene.visit, scene.card
    entry = UnblockEntry(
        id=new_id(),
        visit_id=visit.id,
        card_id=card.id,
        opened_at=uow.now,
        was_blocked=visit.pin_was_blocked,
    )
    if not uow.journal.open(entry):
        raise StepRefused("an earlier unblock of this card is not settled")
    left = uow.cards.expose_secret(
        card.id, assumed_limit=ASSUMED_SECRET_TRIES, keep=KEPT_SECRET_TRIES
    )
    if left is None:
        raise TurnedAway(Reason.SECRET_BLOCKED)
    code = scene.proven_code
    told: dict[str, Scalar] = dict(given_by(code) if code else {})
    if note_presented(uow, card, which):
        told["presented"] = which.value
    record(uow, AuditKind.SECRET_RELEASED, visit, journal=entry.id, left=left, **told)
    return entry
