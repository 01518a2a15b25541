"""Forgetting what has served its time: data that is kept is data that can leak."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from kiosk.authority.audit import ServiceKind
from kiosk.authority.registration import apply_due_changes
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import Scalar
from kiosk.authority.store.repositories.codes import LIFE as STOP_NUMBERS
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import StoreError

BATCH = 500
"""Rows that one transaction deletes: stations write between two of them."""

MOST_BATCHES = 200
"""Of one purge; what is left goes with the next."""

DAYS_A_MONTH: Final = 30.4375

SPENT_AFTER = timedelta(days=2)
"""Codes, attempts and half-made registrations: dead within the hour, kept for the phone call."""

TOLD_AFTER = timedelta(days=30)
"""Notices that were sent, or given up; acts that staff proposed and that were decided on."""


def tidy(store: Store) -> None:
    """Forget what is past; the audit keeps what happened. Raises ``StoreError``."""
    with store.begin() as uow:
        apply_due_changes(uow)
        uow.codes.purge(uow.now - SPENT_AFTER)
        uow.pending.purge(uow.now - SPENT_AFTER)
        uow.outbox.purge(uow.now - TOLD_AFTER)
        uow.proposals.purge(uow.now - TOLD_AFTER)
        uow.stop_numbers.purge(uow.now - STOP_NUMBERS)
        uow.commit()


def purge(store: Store, months: int) -> None:
    """Delete visits and closed journal entries that are older; raises ``StoreError``.

    An open entry of the journal stays, with its visit, and so do those of a card whose
    pending secret is not settled. The audit keeps what happened, and a row with the counts.
    """
    with store.read() as uow:
        before = uow.now - timedelta(days=months * DAYS_A_MONTH)
    journal = visits = 0
    try:
        for _ in range(MOST_BATCHES):
            with store.begin() as uow:
                entries, sittings = _purge_some(uow, before)
                uow.commit()
            journal, visits = journal + entries, visits + sittings
            if entries < BATCH and sittings < BATCH:
                break
    except StoreError:
        with suppress(StoreError):  # what ended the purge is what the caller has to hear of
            _record_purge(store, before, journal, visits)
        raise
    _record_purge(store, before, journal, visits)


def _purge_some(uow: UnitOfWork, before: datetime) -> tuple[int, int]:
    return uow.journal.purge(before, BATCH), uow.visits.purge(before, BATCH)


def _record_purge(store: Store, before: datetime, journal: int, visits: int) -> None:
    if not journal and not visits:
        return
    detail: dict[str, Scalar] = {
        "before": before.date().isoformat(),
        "journal": journal,
        "visits": visits,
    }
    with store.begin() as uow:
        uow.audit.append(kind=ServiceKind.RECORDS_PURGED.value, reference="", detail=detail)
        uow.commit()
