"""A wrong unblock secret of a card that tells no number: ours is put in its place."""

from __future__ import annotations

from typing import Final

from kiosk.authority.cases import Case
from kiosk.authority.offers import KEPT_SECRET_TRIES, tries_by_account
from kiosk.authority.recovery import spent
from kiosk.dialogue import (
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.store.unit_of_work import UnitOfWork

UNNUMBERED: Final = "wrong secret and no number"
"""Why the card refused, where the number beside it is not the card's."""

Counted = UnblockDone | UnblockRefused | UnblockNotSent | UnblockUnknown
"""An outcome in which every wrong secret has a number."""


def counted(uow: UnitOfWork, case: Case, outcome: UnblockOutcome) -> Counted:
    """Return ``outcome``; where the card said "wrong" and no more, with a number by our account.

    Told twice it is the same number: what is written down already is not charged again.
    """
    if not isinstance(outcome, UnblockWrong):
        return outcome
    card, left = case.card, tries_by_account(case.card)
    if case.entry.closed_at is None:
        waits = uow.kept.pending(card.id) is not None
        left -= spent(card.secret_exposure, waits=waits)
    return UnblockRefused(max(left, KEPT_SECRET_TRIES), UNNUMBERED)
