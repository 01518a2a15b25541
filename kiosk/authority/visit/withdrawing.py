"""Withdrawing everything that is open for a holder, whoever asks for it and whatever it is."""

from __future__ import annotations

from kiosk.authority.records import Address
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.visit.factors import FACTORS
from kiosk.authority.visit.registration import stop_change, stop_further


def withdraw_everything(uow: UnitOfWork, holder_id: str) -> Address | None:
    """Let nothing that was shown, given, sent or gathered for a holder count any more.

    Locks their cards. Returns the address that waited, if one did.
    """
    uow.cards.lock_of_holder(holder_id)
    for rules in FACTORS.values():
        rules.withdraw(uow, holder_id)
    uow.pending.delete_of_holder(holder_id)
    stop_further(uow, holder_id)
    return stop_change(uow, holder_id)
