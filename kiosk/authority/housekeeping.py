"""Forgetting what has served its time: data that is kept is data that can leak."""

from __future__ import annotations

from datetime import timedelta

from kiosk.store.database import Store

SPENT_AFTER = timedelta(days=2)
"""Codes, attempts and half-made registrations: dead within the hour, kept for the phone call."""

TOLD_AFTER = timedelta(days=30)
"""Notices that were sent, or given up; acts that staff proposed and that were decided on."""


def tidy(store: Store) -> None:
    """Forget what is past; the audit keeps what happened. Raises ``StoreError``."""
    with store.begin() as uow:
        uow.codes.purge(uow.now - SPENT_AFTER)
        uow.pending.purge(uow.now - SPENT_AFTER)
        uow.outbox.purge(uow.now - TOLD_AFTER)
        uow.proposals.purge(uow.now - TOLD_AFTER)
        uow.commit()
