"""Which of two secrets a card holds: what is presented, and what is written down of an answer."""

from __future__ import annotations

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.recovery import Finding, Which, to_present, told
from kiosk.errors import SealBroken
from kiosk.secrets.kept import keep_current, label, open_current, open_kept, turn_former
from kiosk.secrets.sealing import Sealer, SealKind
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card
from kiosk.store.secret_records import KeptSecret
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit


def open_next(uow: UnitOfWork, sealer: Sealer, card: Card) -> tuple[Which, Sensitive] | None:
    """Open what is presented to ``card`` next; None where it has no secret.

    Raises ``SealBroken`` or ``KeyMissing``.
    """
    pending, sealed = uow.kept.pending(card.id), card.sealed_secret
    which = to_present(waits=pending is not None, last=_last(pending))
    if pending is not None and which is Which.NEW:
        return which, open_kept(sealer, card, pending)
    return None if sealed is None else (which, open_current(sealer, card, sealed))


def open_presented(uow: UnitOfWork, sealer: Sealer, card: Card) -> Sensitive | None:
    """Open what was given out for ``card`` last; raises ``SealBroken`` or ``KeyMissing``."""
    pending, sealed = uow.kept.pending(card.id), card.sealed_secret
    if pending is not None and pending.presented:
        return open_kept(sealer, card, pending)
    return None if sealed is None else open_current(sealer, card, sealed)


def note_presented(uow: UnitOfWork, card: Card, which: Which) -> bool:
    """Note what is about to be presented; False where there are no two to choose from."""
    pending = uow.kept.pending(card.id)
    if pending is None:
        return False
    uow.kept.present(pending, presented=which is Which.NEW)
    return True


def take_back(uow: UnitOfWork, card: Card) -> None:
    """What was presented never was: it is its turn again."""
    pending = uow.kept.pending(card.id)
    if pending is not None:
        uow.kept.present(pending, presented=not pending.presented)


def conclude(uow: UnitOfWork, sealer: Sealer, visit: Visit, card: Card, *, right: bool) -> Finding:
    """Write down what a certain answer to the one that was presented last says."""
    pending = uow.kept.pending(card.id)
    found = told(_last(pending), right=right, waits=pending is not None)
    refused = uow.kept.refused(card.id) if pending is None else None
    if right:
        uow.kept.forget_refusals(card.id)
    elif found is Finding.NEITHER and refused is not None:
        # The card took what it, or its station, said that it had not.
        found = Finding.NEW_HOLDS
        record(uow, AuditKind.SECRET_FOUND, visit, found=found.value)
        _make_current(uow, sealer, visit, card, refused)
        return found
    if pending is not None:
        record(uow, AuditKind.SECRET_FOUND, visit, found=found.value)
        settle_pending(uow, sealer, visit, card, pending, found)
    elif found is Finding.NEITHER:
        set_aside(uow, visit, card)
    return found


def settle_pending(
    uow: UnitOfWork,
    sealer: Sealer,
    visit: Visit,
    card: Card,
    pending: KeptSecret,
    found: Finding,
) -> None:
    """Make the pending secret current, or former; the other one is kept."""
    if found is Finding.NEW_HOLDS:
        _make_current(uow, sealer, visit, card, pending)
    else:
        turn_former(uow, sealer, card, pending)


def set_aside(uow: UnitOfWork, visit: Visit, card: Card) -> None:
    """Let nothing be presented to a card that refused all that it could have."""
    uow.cards.set_aside(card.id, uow.now)
    record(uow, AuditKind.CARD_SET_ASIDE, visit)


def _make_current(
    uow: UnitOfWork, sealer: Sealer, visit: Visit, card: Card, pending: KeptSecret
) -> None:
    before = card.sealed_secret.revision if card.sealed_secret else 0
    waits = label(card, pending.kind, pending.sealed.revision)
    try:
        sealed = sealer.carry(pending.sealed, waits, label(card, SealKind.UNBLOCK, before + 1))
    except SealBroken:
        record(uow, AuditKind.SECRET_BROKEN, visit, revision=pending.sealed.revision)
        set_aside(uow, visit, card)
        return
    keep_current(uow, sealer, card, pending.entry_id)
    uow.kept.take(pending)
    uow.cards.replace_secret(card.id, before, sealed)


def _last(pending: KeptSecret | None) -> Which:
    return Which.NEW if pending is not None and pending.presented else Which.CURRENT
