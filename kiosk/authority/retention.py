"""Deleting old data: stored data can leak."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.records import Scalar
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.repositories.codes import STOP_NUMBER_KEPT
from kiosk.authority.store.repositories.past import PastKind
from kiosk.config.settings import DEFAULTS, RetentionSettings

BATCH = 500
"""Rows that one transaction deletes: stations write between two of them."""

MOST_BATCHES = 200
"""Of one kind, in one run of the caretaker; the rest waits for the next run."""

DAYS_A_MONTH: Final = 30.4375


def months(many: int) -> timedelta:
    return timedelta(days=many * DAYS_A_MONTH)


def kept_for(kind: PastKind, retention: RetentionSettings) -> timedelta:
    """Return how long rows of a kind are kept after they ended."""
    match kind:
        case PastKind.CODES | PastKind.ATTEMPTS | PastKind.PENDING:
            return timedelta(days=retention.codes_days)
        case PastKind.OUTBOX | PastKind.PROPOSALS:
            return timedelta(days=retention.outbox_days)
        case PastKind.STOP_NUMBERS:
            return STOP_NUMBER_KEPT
        case PastKind.JOURNAL | PastKind.VISITS:
            return months(retention.visits_months)


# A clock that is wrong must not delete what would be due at the time that it shows.

DAILY: Final = "daily"
"""The job of deleting what is past. ``reached`` is until when it deletes nothing, if that is so."""

BREAK: Final = timedelta(days=5)
"""So long after the last daily run, or before it, the clock may be wrong."""

HELD: Final = timedelta(days=7)
"""How long nothing is deleted then: long enough for somebody to notice the clock."""

_BELIEVED: Final = timedelta(days=30)
"""How long after that time a service that seldom runs may delete, whatever the break."""


def held_until(uow: UnitOfWork) -> datetime | None:
    """Return until when nothing past is deleted, as the clock may be wrong; None: it is right.

    A jump of the clock and a pause of the service look the same. Neither is one before the first
    daily run.
    """
    job, now = uow.jobs.get(DAILY), uow.now
    if job is None:
        return None
    if job.reached:
        until = _time(job.reached)
        if until is not None and now < until <= now + HELD:
            return until
        is_right = until is not None and until <= now < until + _BELIEVED
    else:
        is_right = abs(now - job.done_at) < BREAK
    return None if is_right else now + HELD


def _time(text: str) -> datetime | None:
    """Return a stored time; None where somebody else wrote something else."""
    with suppress(ValueError):
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else None
    return None


def count_records(store: Store, retention: RetentionSettings) -> Counter[PastKind]:
    """Return how many rows of each kind a purge would delete now."""
    with store.read() as uow:
        ends = {kind: uow.now - kept_for(kind, retention) for kind in PastKind}
        return Counter({kind: uow.past.count(kind, before) for kind, before in ends.items()})


def purge_records(
    store: Store,
    retention: RetentionSettings = DEFAULTS.retention,
    most_batches: int | None = MOST_BATCHES,
) -> Counter[PastKind]:
    """Delete what is past in batches, and audit how many rows of each kind.

    An open entry of the unblock journal stays, with its visit, and so do those of a card whose
    pending secret is not resolved. Raises ``StoreError``; what was deleted before it, or before an
    interruption, is audited.
    """
    with store.read() as uow:
        now = uow.now
    deleted: Counter[PastKind] = Counter()

    def counts() -> dict[str, Scalar]:
        return {kind.value: many for kind, many in deleted.items() if many}

    with store.record_at_end(ServiceKind.RECORDS_PURGED.value, detail=counts):
        for kind in PastKind:
            before = now - kept_for(kind, retention)
            for done in itertools.count(1):
                with store.begin() as uow:
                    some = uow.past.delete(kind, before, BATCH)
                    uow.commit()
                deleted[kind] += some
                if some < BATCH or done == most_batches:
                    break
    return deleted
