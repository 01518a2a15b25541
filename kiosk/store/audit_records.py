"""The records of the audit: events, anchors, and what a verification found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.store.records import Scalar


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One link of the chain: ``hash`` covers what it says and ``previous``.

    A detail that was redacted reads ``{"redacted": True}``.
    """

    seq: int
    at: datetime
    kind: str
    reference: str
    visit_id: str | None
    card_id: str | None
    holder_id: str | None
    station: str | None
    actor: str | None
    detail: dict[str, Scalar]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which events are asked for; None does not narrow.

    ``actors`` and ``holder_ids`` are the ids of any of them, at most 500.
    ``since`` counts, ``until`` does not. Events of the kinds ``without`` are left out.
    """

    holder_id: str | None = None
    holder_ids: tuple[str, ...] | None = None
    station: str | None = None
    actors: tuple[str, ...] | None = None
    kind: str | None = None
    kinds: frozenset[str] | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last event's number and hash; number 0 and the zero hash before the first."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """A head that was signed with a key outside the database."""

    seq: int
    hash: str
    signed_at: datetime
    signature: bytes
    key_id: str


class FaultKind(StrEnum):
    """How the first row that does not fit fails to fit."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    UNLINKED = "unlinked"
    CUT = "cut"
    ADDED = "added"
    HEAD = "head"
    ANCHOR = "anchor"
    SIGNATURE = "signature"
    FORGED = "forged"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first row that does not fit, and in one plain sentence why."""

    kind: FaultKind
    seq: int
    because: str


@dataclass(frozen=True, slots=True)
class AuditPiece:
    """A part of a verification: ``last`` is the last row that fitted, ``over`` says no more come.

    With a ``fault`` it is over, too.
    """

    last: AuditHead
    over: bool
    fault: AuditFault | None = None


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a verification found; ``anchored_to`` is the last row that a good anchor covers.

    ``keyed`` says whether the rows' MACs were checked. Rows after ``anchored_to`` could have
    been cut together with the head by somebody who writes the database; where ``keyed`` is
    false, recomputed too.
    """

    rows: int
    anchors: int
    anchored_to: int
    fault: AuditFault | None = None
    keyed: bool = False

    @property
    def intact(self) -> bool:
        """True when every row, the head and every anchor fit."""
        return self.fault is None
