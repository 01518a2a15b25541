"""A card that says how many tries its unblock secret has left corrects our own account of them.

The account charges a try for each presentation whose answer was lost, though most of those
cost the card nothing. The number comes through the station. So one that is lower than what we
thought is written down only of a card that has proven itself or its PIN: else a station could
have any card refused for good that it never held. Of the others it counts in the visit that
told it. One that is higher counts up to what the card takes by our records.
Which of two secrets the card has the number does not say: that stays as it was.
"""

from __future__ import annotations

from typing import Final

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.audit_sentences import UNNUMBERED
from kiosk.authority.eligibility import KEPT_SECRET_TRIES, most_tries, tries_by_account
from kiosk.authority.store.records import Card, HeldGrant, PinEvidence, Visit
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.authority.unblock.candidates import spent
from kiosk.authority.unblock.mutual_authentication import has_admin_key
from kiosk.contract.messages import (
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)

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
