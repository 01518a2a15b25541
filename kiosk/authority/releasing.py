"""Releasing an unblock secret: once, after every factor, and written down first.

In one transaction the code is used up, the intent goes into the journal, and the try
that the secret may cost is charged. The secret is opened inside it too, before anything
is written, so that a seal that does not open costs the holder nothing; it leaves only
when all of that is durable.
"""

from __future__ import annotations

from kiosk.authority.assisted import given_by
from kiosk.authority.audit import AuditKind, record
from kiosk.authority.offers import ASSUMED_SECRET_TRIES, KEPT_SECRET_TRIES, secret_barred
from kiosk.authority.parts import Parts
from kiosk.authority.scene import Scene, TurnedAway, enter
from kiosk.authority.steps import Gate
from kiosk.dialogue import CardId, Grant, JournalId, Purpose, Reason, Refusal, VisitId
from kiosk.errors import SealBroken, StepRefused
from kiosk.secrets.sealing import SealKind, SealLabel
from kiosk.sensitive import Sensitive
from kiosk.store.records import UnblockEntry, new_id
from kiosk.store.unit_of_work import UnitOfWork


def release(parts: Parts, visit_id: VisitId) -> Grant | Refusal:
    """Return the secret of the visit's card; ``StepRefused`` where a factor is missing."""
    with parts.store.begin() as uow:
        scene = enter(uow, parts, visit_id)
        _need_every_factor(scene)
        secret = _opened(uow, parts, scene)
        if secret is None:
            uow.commit()
            return Refusal(Reason.SECRET_MISSING, scene.visit.reference)
        _use_up_code(uow, scene)
        entry = _write_down(uow, scene)
        uow.commit()
        return Grant(JournalId(entry.id), secret)


def _need_every_factor(scene: Scene) -> None:
    if scene.visit.purpose is not Purpose.UNLOCK:
        raise StepRefused("the visit is not for an unlock")
    scene.need(Gate.NEW_PIN)
    barred = secret_barred(scene.card)
    if barred is not None:
        raise TurnedAway(barred)


def _opened(uow: UnitOfWork, parts: Parts, scene: Scene) -> Sensitive | None:
    """Open the secret for this very card; a broken seal is told to the audit."""
    card = scene.card
    sealed = card.sealed_secret
    if sealed is None:
        raise TurnedAway(Reason.SECRET_MISSING)
    label = SealLabel(CardId(card.driver, card.identifier), SealKind.UNBLOCK, sealed.revision)
    try:
        return parts.sealer.open(sealed, label)
    except SealBroken:
        record(uow, AuditKind.SECRET_BROKEN, scene.visit, revision=sealed.revision)
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


def _write_down(uow: UnitOfWork, scene: Scene) -> UnblockEntry:
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
    told = given_by(code) if code else {}
    record(uow, AuditKind.SECRET_RELEASED, visit, journal=entry.id, left=left, **told)
    return entry
