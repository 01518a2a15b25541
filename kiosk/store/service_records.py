"""The records of what runs beside a visit: notices to be mailed, and stations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.store.records import Scalar


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One notice to be mailed; ``params`` fill its template and hold no secret.

    ``next_at`` is when it may next be claimed: for one that is claimed, when its lease
    ends. ``failed_at`` is set when it was given up. ``holder_id`` names whom it speaks of,
    so that it goes when that person is erased.
    """

    id: str
    to: str
    template: str
    params: dict[str, Scalar]
    created_at: datetime
    next_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    last_error: str = ""
    holder_id: str | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """One kiosk of the estate, as it last reported itself.

    ``retired_at`` is the RA's word, which no report of the station changes.
    """

    name: str
    last_seen_at: datetime
    version: str = ""
    reader_state: str = ""
    site: str = ""
    retired_at: datetime | None = None
