"""Another unblock secret after each use, so that one that was used once is worthless.

It is drawn, sealed and committed before it leaves. Until the card's answer is reported the card may
have either, and ``kiosk.authority.unblock.candidates`` resolves that.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.crypto.sealing import (
    SealKind,
    archive_current,
    archive_pending,
    label_of,
    open_current,
    open_kept,
)
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.records import (
    Card,
    KeptKind,
    KeptSecret,
    LockedGrant,
    UnblockState,
    Visit,
    new_id,
)
from kiosk.authority.store.repositories.cards import next_generation
from kiosk.authority.store.repositories.visits import VISIT_LIFE
from kiosk.authority.unblock.candidates import AnswerMeaning, leaves_enough, record_pending_outcome
from kiosk.authority.visit.context import deciding, find_grant
from kiosk.authority.visit.rules import ASSUMED_SECRET_TRIES, tries_by_account
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    JournalId,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
)
from kiosk.contract.sensitive import Sensitive


def rotate_secret(parts: Dependencies, visit_id: VisitId, journal: JournalId) -> Sensitive | None:
    """Draw the secret that a card takes after it was unblocked; None: it keeps the present one.

    A repeated call returns the same. Raises ``StepRefused`` for an unblock of another visit.
    """
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        kept = uow.kept_secrets.of_card(case.card.id)
        pending = next((one for one in kept if one.kind is KeptKind.PENDING), None)
        if pending is not None:
            same = pending.entry_id == journal
            return open_kept(parts.sealer, case.card, pending) if same else None
        # Taken once, after an unblock that is known to be done, while its visit may still act.
        taken = any(one.entry_id == journal for one in kept)
        done = case.entry.state is UnblockState.DONE
        lives = case.visit.opened_at + VISIT_LIFE > uow.now
        if taken or not done or not lives or not rotates(parts, case.card):
            return None
        drawn = _draw(uow, parts, case)
        uow.commit()
        return drawn


def confirm_rotation(
    parts: Dependencies, visit_id: VisitId, journal: JournalId, outcome: UnblockOutcome
) -> None:
    """Record whether the card took the new secret.

    A late report, after the next unlock has found it out, changes nothing.
    """
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        pending = uow.kept_secrets.pending(case.card.id)
        if pending is None or pending.entry_id != journal or pending.presented:
            return
        visit, card = case.visit, case.card
        match outcome:
            case UnblockDone():
                found = AnswerMeaning.NEW_HOLDS
                record_pending_outcome(uow, parts.sealer, visit, card, pending, found)
                uow.cards.secret_changed(card.id)
                kind = AuditKind.SECRET_CHANGED
            case UnblockNotSent() | UnblockRefused(tries_left=None):
                # Some cards take it and answer with an error; a station may report anything.
                archive_pending(uow, parts.sealer, card, pending, refused=True)
                kind = AuditKind.SECRET_NOT_CHANGED
            case UnblockRefused(tries_left=left):  # a secret that it had just taken
                uow.cards.know_secret_tries(card.id, left)
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case UnblockWrong():
                uow.cards.know_secret_tries(card.id, tries_by_account(card) - 1)
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case UnblockUnknown():
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case _:
                assert_never(outcome)
        record(uow, kind, visit, journal=journal)
        uow.commit()


def rotates(parts: Dependencies, card: Card) -> bool:
    """Return whether the card gets another secret after each use."""
    return (
        parts.policy().rotate_secret
        and card.sealed_secret is not None
        and card.driver in parts.changes_secret
        and leaves_enough(card.secret_limit, assumed_limit=ASSUMED_SECRET_TRIES)
    )


def _draw(uow: UnitOfWork, parts: Dependencies, case: LockedGrant) -> Sensitive:
    card, entry = case.card, case.entry
    current = card.sealed_secret
    if current is None:
        raise StepRefused("the card has no unblock secret that another one could follow")
    before = partial(open_current, parts.sealer, card, current)
    generation = next_generation(card, case.generations_from)
    drawn = parts.source.make(card.identity, before, generation)
    uow.cards.number_secret(card.id, generation)
    revision = current.revision + 1
    waits = label_of(card, KeptKind.PENDING, revision)
    sealed = parts.sealer.seal(drawn, waits)
    uow.kept_secrets.add(
        KeptSecret(new_id(), card.id, KeptKind.PENDING, sealed, uow.now, entry_id=entry.id)
    )
    detail = {"derived_from": sealed.derived_from} if sealed.derived_from else {}
    record(uow, AuditKind.SECRET_DRAWN, case.visit, journal=entry.id, **detail)
    return parts.sealer.open(sealed, waits)


def advance_after_restore(uow: UnitOfWork, parts: Dependencies, visit: Visit, card: Card) -> bool:
    """Make the secret current that a card got after a backup that was restored since.

    False where there is none: no backup was restored, or the card has proven its secret since.
    """
    restores, sealed = uow.restores.newest(2), card.sealed_secret
    if not restores or sealed is None or not rotates(parts, card):
        return False
    since, *earlier = (restore.generations_from for restore in restores)
    generation = next_generation(card, earlier[0] if earlier else 0)
    if generation >= next_generation(card, since):
        return False  # it was given one since
    before = partial(open_current, parts.sealer, card, sealed)
    following = parts.source.make(card.identity, before, generation)
    archive_current(uow, parts.sealer, card)
    new = label_of(card, SealKind.UNBLOCK, sealed.revision + 1)
    uow.cards.replace_secret(card.id, sealed.revision, parts.sealer.seal(following, new))
    uow.cards.number_secret(card.id, generation)
    record(uow, AuditKind.SECRET_ADVANCED, visit)
    return True
