"""The records of the caretaker: what is wrong at the moment, and what it does now and then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.store.audit_records import AuditHead
from kiosk.store.records import Scalar


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong and not over; ``name`` is one trouble's, of one ``kind``.

    ``since`` is when it was noticed, ``seen_at`` the last look that found it. ``detail``
    holds ids, names of stations and counts, never a person's data.
    """

    name: str
    kind: str
    since: datetime
    seen_at: datetime
    detail: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Chore:
    """Work that any one of many processes does when it is due.

    ``since`` is when it began to be done without a longer pause, ``done_at`` when it was
    done last. ``reached`` is the row of the audit that one done in pieces has come to.
    """

    name: str
    since: datetime
    done_at: datetime
    reached: AuditHead
