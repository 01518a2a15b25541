"""Which of two secrets a card holds: what is presented, and what is written down of an answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.audit_sentences import UNNUMBERED
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.crypto.secret_history import (
    archive_current,
    archive_pending,
    label,
    open_current,
    open_kept,
)
from kiosk.authority.eligibility import KEPT_SECRET_TRIES, most_tries, tries_by_account
from kiosk.authority.store.records import Card, HeldGrant, KeptSecret, PinEvidence, Visit
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.authority.unblock.mutual_authentication import has_admin_key
from kiosk.contract.errors import SealBroken
from kiosk.contract.messages import (
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.contract.sensitive import Sensitive

# Which unblock secret a card has, when a change of it may or may not have taken place: pure.
#
# A card that was torn out while its secret was changed has the old one or the new one, and nobody
# can ask which. So the next unlock tells: RESET RETRY COUNTER does the same with either, and a
# right one fills the card's counter up again. A wrong answer costs one try and names the other
# secret, for there are only two. One whose answer was lost names neither, so the other one is
# presented next: whatever the card did then, one try more at most is spent until the right one is
# found. Whether a card tells the number of its tries is not asked here: a certain "wrong" names
# the other secret with a number and without.

FEWEST_TRIES: Final = 3
"""A card that takes fewer wrong secrets leaves none for a wrong guess beside the last."""


class SecretSlot(StrEnum):
    """One of the two secrets that a card may have."""

    CURRENT = "current"
    NEW = "new"


class AnswerMeaning(StrEnum):
    """What an answer says about the two."""

    CURRENT_HOLDS = "current"
    NEW_HOLDS = "new"
    NEITHER = "neither"


def to_present(*, waits: bool, last: SecretSlot) -> SecretSlot:
    """Choose what the card is given; ``last`` is what it was given last while both may hold.

    The new one first (nothing was presented since it was drawn: ``last`` is the current).
    """
    if not waits or last is SecretSlot.NEW:
        return SecretSlot.CURRENT
    return SecretSlot.NEW


def answer_meaning(presented: SecretSlot, *, right: bool, waits: bool) -> AnswerMeaning:
    """Conclude from a certain answer; ``waits`` tells whether there was a new one at all."""
    if right:
        return (
            AnswerMeaning.NEW_HOLDS if presented is SecretSlot.NEW else AnswerMeaning.CURRENT_HOLDS
        )
    if presented is SecretSlot.NEW:
        return AnswerMeaning.CURRENT_HOLDS
    return AnswerMeaning.NEW_HOLDS if waits else AnswerMeaning.NEITHER


def spent(presentations: int, *, waits: bool) -> int:
    """Say what a certain "wrong" without a number may have cost, those in doubt before it included.

    Two secrets take turns, so every other one of them was the right one, which costs nothing.
    """
    return (presentations + 1) // 2 if waits else presentations


def leaves_enough(limit: int | None, *, assumed_limit: int) -> bool:
    """Tell whether a card takes so many wrong secrets that it may be given another one."""
    return (assumed_limit if limit is None else limit) >= FEWEST_TRIES


def open_next(
    sealer: Sealer, card: Card, pending: KeptSecret | None
) -> tuple[SecretSlot, Sensitive] | None:
    """Open what is presented to ``card`` next; None where it has no secret.

    Raises ``SealBroken`` or ``KeyMissing``.
    """
    sealed = card.sealed_secret
    which = to_present(waits=pending is not None, last=_last(pending))
    if pending is not None and which is SecretSlot.NEW:
        return which, open_kept(sealer, card, pending)
    return None if sealed is None else (which, open_current(sealer, card, sealed))


def open_presented(uow: UnitOfWork, sealer: Sealer, card: Card) -> Sensitive | None:
    """Open what was given out for ``card`` last; raises ``SealBroken`` or ``KeyMissing``."""
    pending, sealed = uow.kept_secrets.pending(card.id), card.sealed_secret
    if pending is not None and pending.presented:
        return open_kept(sealer, card, pending)
    return None if sealed is None else open_current(sealer, card, sealed)


def note_presented(uow: UnitOfWork, pending: KeptSecret | None, which: SecretSlot) -> bool:
    """Note what is about to be presented; False where there are no two to choose from."""
    if pending is None:
        return False
    uow.kept_secrets.present(pending, presented=which is SecretSlot.NEW)
    return True


def present_again(uow: UnitOfWork, card: Card) -> None:
    """What was presented never was: it is its turn again."""
    pending = uow.kept_secrets.pending(card.id)
    if pending is not None:
        uow.kept_secrets.present(pending, presented=not pending.presented)


def record_answer(
    uow: UnitOfWork, sealer: Sealer, visit: Visit, card: Card, *, right: bool
) -> AnswerMeaning:
    """Write down what a certain answer to the one that was presented last says.

    ``NEITHER``: the card refused all that it could have by what is written down.
    """
    pending = uow.kept_secrets.pending(card.id)
    found = answer_meaning(_last(pending), right=right, waits=pending is not None)
    refused = uow.kept_secrets.refused(card.id) if pending is None and not right else None
    if right:
        uow.kept_secrets.forget_refusals(card.id)
    elif found is AnswerMeaning.NEITHER and refused is not None:
        # The card took what it, or its station, said that it had not.
        found = AnswerMeaning.NEW_HOLDS
        record(uow, AuditKind.SECRET_FOUND, visit, found=found.value)
        _make_current(uow, sealer, visit, card, refused)
        return found
    if pending is not None:
        record(uow, AuditKind.SECRET_FOUND, visit, found=found.value)
        record_pending_outcome(uow, sealer, visit, card, pending, found)
    return found


def record_pending_outcome(
    uow: UnitOfWork,
    sealer: Sealer,
    visit: Visit,
    card: Card,
    pending: KeptSecret,
    found: AnswerMeaning,
) -> None:
    """Make the pending secret current, or former; the other one is kept."""
    if found is AnswerMeaning.NEW_HOLDS:
        _make_current(uow, sealer, visit, card, pending)
    else:
        archive_pending(uow, sealer, card, pending)


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
    archive_current(uow, sealer, card, pending.entry_id)
    uow.kept_secrets.take(pending)
    uow.cards.replace_secret(card.id, before, sealed)


def _last(pending: KeptSecret | None) -> SecretSlot:
    return SecretSlot.NEW if pending is not None and pending.presented else SecretSlot.CURRENT


# A card that says how many tries its unblock secret has left corrects our own account of them.
#
# The account charges a try for each presentation whose answer was lost, though most of those
# cost the card nothing. The number comes through the station. So one that is lower than what we
# thought is written down only of a card that has proven itself or its PIN: else a station could
# have any card refused for good that it never held. Of the others it counts in the visit that
# told it. One that is higher counts up to what the card takes by our records.
# Which of two secrets the card has the number does not say: that stays as it was.

# A wrong unblock secret of a card that tells no number: ours is put in its place.

Counted = UnblockDone | UnblockRefused | UnblockNotSent | UnblockUnknown
"""An outcome in which every wrong secret has a number."""


def infer_retries(uow: UnitOfWork, case: HeldGrant, outcome: UnblockOutcome) -> Counted:
    """Return ``outcome``; where the card said "wrong" and no more, with a number by our account.

    Told twice it is the same number: what is written down already is not charged again.
    """
    if not isinstance(outcome, UnblockWrong):
        return outcome
    card, left = case.card, tries_by_account(case.card)
    if case.entry.closed_at is None:
        waits = uow.kept_secrets.pending(card.id) is not None
        left -= spent(card.secret_exposure, waits=waits)
    return UnblockRefused(max(left, KEPT_SECRET_TRIES), UNNUMBERED)


_MOST: Final = 255
"""Cards count in a byte."""


def plausible(told: int | None) -> int | None:
    """Return what a station says that its card told; None where no card can have told it."""
    return told if told is not None and 0 <= told <= _MOST else None


def correct_by_card(uow: UnitOfWork, visit: Visit) -> bool:
    """Write down what the visit's card told, where it is news; return whether it was.

    An unblock of it that was open is settled before.
    """
    said = visit.secret_tries
    card = uow.cards.get(visit.card_id or "") if said is not None else None
    if said is None or card is None:
        return False
    told = min(said, most_tries(card))
    if not _corrects(card, told):
        return False
    before = tries_by_account(card) - card.secret_exposure
    proven = visit.genuine_at is not None or visit.pin_evidence is PinEvidence.PROVEN
    if told < before and not proven:
        return False
    uow.cards.know_secret_tries(card.id, told)
    record(uow, AuditKind.SECRET_TRIES_TOLD, visit, tries_left=told, by_account=before)
    return True


def _corrects(card: Card, told: int) -> bool:
    """Tell whether it says anything new.

    A try for an admin key only the answer to a cryptogram gives back, never a number.
    Where nothing was lost, all tries are there, and that there are more than we assume
    helps nobody.
    """
    if card.sealed_secret is None or has_admin_key(card):
        return False
    if card.secret_exposure:
        return True
    known = card.secret_tries_left
    return told < tries_by_account(card) if known is None else told != known
