"""The unblock secret of a card: which of two it has, its tries, and another one after each use."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Final, assert_never

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.audit.sentences import UNNUMBERED
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.errors import SealBroken
from kiosk.authority.records import (
    Card,
    KeptKind,
    KeptSecret,
    LockedGrant,
    SealedSecret,
    UnblockState,
    Visit,
    new_id,
)
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.repositories.cards import next_generation
from kiosk.authority.store.repositories.visits import is_within_visit
from kiosk.authority.unblock.stored_secrets import (
    archive_current,
    archive_pending,
    label_of,
    open_current,
    open_kept,
)
from kiosk.authority.visit.context import deciding, find_grant
from kiosk.authority.visit.rules import (
    KEPT_SECRET_TRIES,
    has_admin_key,
    has_signed,
    most_tries,
    secret_limit_of,
    station_barred,
    tries_by_account,
)
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

# Which unblock secret a card has, when a change of it may or may not have taken place: pure.
#
# A card that was pulled while its secret was changed has the old one or the new one, and cannot be
# asked which. The next unlock shows it: RESET RETRY COUNTER does the same with either, and a right
# one resets the card's counter. A wrong one costs one try and identifies the other secret, as there
# are only two. A lost response identifies neither, so the other one is presented next: whatever the
# card did, at most one more try is spent until the right one is found. The card's count of tries
# does not matter here: a certain "wrong" identifies the other secret with or without it.

FEWEST_TRIES: Final = 3
"""A card with a smaller limit has no try for a wrong guess beside the last."""


class SecretSlot(StrEnum):
    CURRENT = "current"
    PENDING = "new"


class ResponseMeaning(StrEnum):
    """What the card's response shows about the two."""

    CURRENT_HOLDS = "current"
    PENDING_HOLDS = "new"
    NEITHER = "neither"


def to_present(*, waits: bool, last: SecretSlot) -> SecretSlot:
    """Choose the secret to present; ``last`` was presented last while both are possible.

    The pending one comes first (nothing was presented since it was drawn: ``last`` is the current).
    """
    if not waits or last is SecretSlot.PENDING:
        return SecretSlot.CURRENT
    return SecretSlot.PENDING


def response_meaning(presented: SecretSlot, *, right: bool, waits: bool) -> ResponseMeaning:
    """Conclude from a certain response; ``waits``: there was a pending secret."""
    if right:
        return (
            ResponseMeaning.PENDING_HOLDS
            if presented is SecretSlot.PENDING
            else ResponseMeaning.CURRENT_HOLDS
        )
    if presented is SecretSlot.PENDING:
        return ResponseMeaning.CURRENT_HOLDS
    return ResponseMeaning.PENDING_HOLDS if waits else ResponseMeaning.NEITHER


def spent(presentations: int, *, waits: bool) -> int:
    """Return what a certain "wrong" without a number may have cost, earlier ones in doubt included.

    Two secrets alternate, so every other one was the right one, which costs nothing.
    """
    return (presentations + 1) // 2 if waits else presentations


def leaves_enough(card: Card) -> bool:
    """Return whether the card's limit has a try for a wrong guess between two secrets."""
    return secret_limit_of(card) >= FEWEST_TRIES


def open_next(
    sealer: Sealer, card: Card, current: SealedSecret, pending: KeptSecret | None
) -> tuple[SecretSlot, Sensitive]:
    """Open the secret to present to ``card`` next; raises ``SealBroken`` or ``KeyMissing``."""
    which = to_present(waits=pending is not None, last=_last(pending))
    if pending is not None and which is SecretSlot.PENDING:
        return which, open_kept(sealer, card, pending)
    return which, open_current(sealer, card, current)


def open_presented(uow: UnitOfWork, sealer: Sealer, card: Card) -> Sensitive | None:
    """Open the secret last released for ``card``; raises ``SealBroken`` or ``KeyMissing``."""
    pending, sealed = uow.kept_secrets.pending(card.id), card.sealed_secret
    if pending is not None and pending.presented:
        return open_kept(sealer, card, pending)
    return None if sealed is None else open_current(sealer, card, sealed)


def present_again(uow: UnitOfWork, card: Card) -> None:
    """The presented one was never sent: it is next again."""
    pending = uow.kept_secrets.pending(card.id)
    if pending is not None:
        uow.kept_secrets.present(pending, presented=not pending.presented)


def record_response(
    uow: UnitOfWork, sealer: Sealer, visit: Visit, card: Card, *, right: bool
) -> ResponseMeaning:
    """Record a certain response to the secret that was presented last.

    ``NEITHER``: the card refused all secrets that it could have by the records.
    """
    other = uow.kept_secrets.pending(card.id)
    found = response_meaning(_last(other), right=right, waits=other is not None)
    if right:
        uow.kept_secrets.forget_refusals(card.id)
    elif other is None:
        other = uow.kept_secrets.refused(card.id)
        if other is not None:
            # The card took what it, or its station, reported as refused.
            found = ResponseMeaning.PENDING_HOLDS
    if other is not None:
        record(uow, AuditKind.SECRET_FOUND, visit, found=found.value)
        if found is ResponseMeaning.PENDING_HOLDS:
            _make_current(uow, sealer, visit, card, other)
        else:
            archive_pending(uow, sealer, card, other)
    return found


def set_aside(uow: UnitOfWork, visit: Visit, card: Card) -> None:
    """Let nothing be presented to a card that refused all secrets that it could have."""
    uow.cards.set_aside(card.id, uow.now)
    record(uow, AuditKind.CARD_SET_ASIDE, visit)


def _make_current(
    uow: UnitOfWork, sealer: Sealer, visit: Visit, card: Card, pending: KeptSecret
) -> None:
    before = card.sealed_secret.revision if card.sealed_secret else 0
    waits = label_of(card, pending.kind, pending.sealed.revision)
    try:
        sealed = sealer.carry(pending.sealed, waits, label_of(card, SealKind.UNBLOCK, before + 1))
    except SealBroken:
        record(uow, AuditKind.SECRET_BROKEN, visit, revision=pending.sealed.revision)
        set_aside(uow, visit, card)
        return
    archive_current(uow, sealer, card, pending.entry_id)
    uow.kept_secrets.delete(pending)
    uow.cards.replace_secret(card.id, before, sealed)


def _last(pending: KeptSecret | None) -> SecretSlot:
    return SecretSlot.PENDING if pending is not None and pending.presented else SecretSlot.CURRENT


# A card's own count of its unblock secret's tries corrects our count.
#
# Our count charges a try for each presentation whose answer was lost, though most of those cost the
# card nothing. The number comes through the station. A lower number than ours is therefore recorded
# only for a card that has proven itself or its PIN: otherwise a station could have any card refused
# permanently, without ever holding it. For other cards it counts in the visit that reported it. A
# higher number counts up to the recorded limit. The number does not show which of two secrets the
# card has: that stays unknown. Where the card reports no number with a wrong secret, ours counts.

Counted = UnblockDone | UnblockRefused | UnblockNotSent | UnblockUnknown
"""An outcome in which every wrong secret has a number."""


def infer_retries(uow: UnitOfWork, case: LockedGrant, outcome: UnblockOutcome) -> Counted:
    """Return ``outcome``; add a number by our count where the card only said "wrong".

    A repeated report gets the same number: what is recorded is not charged again.
    """
    if not isinstance(outcome, UnblockWrong):
        return outcome
    card, left = case.card, tries_by_account(case.card)
    if case.entry.closed_at is None:
        waits = uow.kept_secrets.pending(card.id) is not None
        left -= spent(card.secret_exposure, waits=waits)
    return UnblockRefused(max(left, KEPT_SECRET_TRIES), UNNUMBERED)


def correct_by_card(uow: UnitOfWork, visit: Visit) -> bool:
    """Record the count of the visit's card where it is news; return whether it was.

    An open unblock of the card is resolved first.
    """
    reported = visit.secret_tries
    card = uow.cards.get(visit.card_id or "") if reported is not None else None
    if reported is None or card is None:
        return False
    if card.sealed_secret is None or has_admin_key(card):
        # Only an answer to a cryptogram gives back a try for an admin key, never a number.
        return False
    tries, known = min(reported, most_tries(card)), card.secret_tries_left
    # Where no answer was lost, all tries are left, and a larger number than we assume is of no use.
    is_news = tries < tries_by_account(card) if known is None else tries != known
    if not is_news and not card.secret_exposure:
        return False
    before = tries_by_account(card) - card.secret_exposure
    proven = visit.genuine_at is not None or has_signed(visit, card)
    if tries < before and not proven:
        return False
    uow.cards.know_secret_tries(card.id, tries)
    record(uow, AuditKind.SECRET_TRIES_REPORTED, visit, tries_left=tries, by_account=before)
    return True


# Another unblock secret after each use, so that one that was used once is worthless.
#
# It is drawn, sealed and committed before it leaves. Until the card's answer is reported the card
# may have either: see above.


def rotate_secret(parts: Dependencies, visit_id: VisitId, journal: JournalId) -> Sensitive | None:
    """Draw the secret that a card takes after it was unblocked; None: it keeps the present one.

    A repeated call returns the same. Raises ``StepRefused`` for an unblock of another visit.
    """
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        # Another visit, staff or a file may have changed the secret, and a retired station is sent
        # none. The audit names visit and unblock: they are no proof of anything once it is over.
        is_former = case.overtaken or case.card.secret_seen_at is None
        lives = is_within_visit(case.visit.opened_at, uow.now)
        if is_former or not lives or station_barred(case.station):
            return None
        kept = uow.kept_secrets.of_card(case.card.id)
        pending = next((one for one in kept if one.kind is KeptKind.PENDING), None)
        if pending is not None:
            same = pending.entry_id == journal
            return open_kept(parts.sealer, case.card, pending) if same else None
        # Taken once, after an unblock that is known to be done.
        taken = any(one.entry_id == journal for one in kept)
        if taken or case.entry.state is not UnblockState.DONE or not rotates(parts, case.card):
            return None
        drawn = _draw(uow, parts, case)
        uow.commit()
        return drawn


def confirm_rotation(
    parts: Dependencies, visit_id: VisitId, journal: JournalId, outcome: UnblockOutcome
) -> None:
    """Record whether the card took the new secret.

    A late report, after the visit or once the next unlock has found it out, changes nothing, and
    none does after one that took tries off the account: an answer may be lost, and its report
    repeated.
    """
    with deciding(parts) as uow:
        case = find_grant(uow, parts, visit_id, journal)
        pending = uow.kept_secrets.pending(case.card.id)
        if pending is None or pending.entry_id != journal or pending.presented or pending.refused:
            return
        if not is_within_visit(case.visit.opened_at, uow.now):
            return
        visit, card = case.visit, case.card
        match outcome:
            case UnblockDone():
                _make_current(uow, parts.sealer, visit, card, pending)
                uow.cards.secret_changed(card.id)
                kind = AuditKind.SECRET_CHANGED
            case UnblockNotSent() | UnblockRefused(tries_left=None):
                # Some cards take it and answer with an error; a station may report anything.
                archive_pending(uow, parts.sealer, card, pending, refused=True)
                kind = AuditKind.SECRET_NOT_CHANGED
            case UnblockRefused(tries_left=left):  # a secret that it had just taken
                uow.cards.know_secret_tries(card.id, left)
                uow.kept_secrets.note_refused(pending)
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case UnblockWrong():
                uow.cards.know_secret_tries(card.id, tries_by_account(card) - 1)
                uow.kept_secrets.note_refused(pending)
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case UnblockUnknown():
                kind = AuditKind.SECRET_CHANGE_UNKNOWN
            case _:
                assert_never(outcome)
        record(uow, kind, visit, journal=journal)
        uow.commit()


def rotates(parts: Dependencies, card: Card) -> bool:
    kind = parts.secret_kinds.get(card.driver)
    return (
        parts.policy().rotate_secret
        and card.sealed_secret is not None
        and kind is not None
        and kind.rotates
        and leaves_enough(card)
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
