"""Old rows of operation: counted, and deleted some at a time, the oldest first."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, tuple_
from sqlalchemy.orm import Mapped

from kiosk.authority.records import KeptKind
from kiosk.authority.store.gateway import Repository, table_of
from kiosk.authority.store.tables import (
    AttemptRow,
    CodeRow,
    KeptSecretRow,
    OutboxRow,
    PendingRow,
    ProposedActRow,
    StopNumberRow,
    TableRow,
    UnblockRow,
    VisitRow,
    col,
)


class PastKind(StrEnum):
    """What is deleted after a time, in the order in which that is possible."""

    CODES = "codes"
    ATTEMPTS = "attempts"
    PENDING = "pending_changes"
    OUTBOX = "notices"
    PROPOSALS = "proposals"
    STOP_NUMBERS = "stop_numbers"
    JOURNAL = "journal"
    VISITS = "visits"


_TABLES: Final[dict[PastKind, tuple[type[TableRow], Mapped[Any]]]] = {
    PastKind.CODES: (CodeRow, col(CodeRow.drafted_at)),
    PastKind.ATTEMPTS: (AttemptRow, col(AttemptRow.charged_at)),
    PastKind.PENDING: (PendingRow, col(PendingRow.created_at)),
    PastKind.OUTBOX: (OutboxRow, col(OutboxRow.created_at)),
    PastKind.PROPOSALS: (ProposedActRow, col(ProposedActRow.decided_at)),
    PastKind.STOP_NUMBERS: (StopNumberRow, col(StopNumberRow.made_at)),
    PastKind.JOURNAL: (UnblockRow, col(UnblockRow.closed_at)),
    PastKind.VISITS: (VisitRow, col(VisitRow.opened_at)),
}
"""The table of each, and the time of its rows."""


class PastRows(Repository):
    """Deletes what ended before a moment."""

    def count(self, kind: PastKind, before: datetime) -> int:
        past = select(func.count()).where(_is_past(kind, before, counting=True))
        return self._gateway.count(past.select_from(_TABLES[kind][0]))

    def delete(self, kind: PastKind, before: datetime, most: int) -> int:
        """Delete some; return how many."""
        row, at = _TABLES[kind]
        columns = list(table_of(row).primary_key)
        some = select(*columns).where(_is_past(kind, before)).order_by(at).limit(most)
        return self._gateway.run(delete(row).where(tuple_(*columns).in_(some)))


def _is_past(kind: PastKind, before: datetime, *, counting: bool = False) -> ColumnElement[bool]:
    """``counting``: past entries of the journal do not keep their visits."""
    _, at = _TABLES[kind]
    if kind is PastKind.OUTBOX:
        return func.coalesce(col(OutboxRow.sent_at), col(OutboxRow.failed_at)) < before
    if kind is PastKind.JOURNAL:
        return _is_past_entry(before)
    if kind is PastKind.VISITS:
        # Visits that were never closed are deleted as well, unless the journal has an entry of
        # them.
        entry = exists().where(col(UnblockRow.visit_id) == col(VisitRow.id))
        if counting:
            entry = entry.where(~_is_past_entry(before))
        return and_(at < before, ~entry)
    return at < before


def _is_past_entry(before: datetime) -> ColumnElement[bool]:
    """The entries of a card with a pending secret show what it may have: they stay."""
    card, pending = col(KeptSecretRow.card_id), col(KeptSecretRow.kind) == KeptKind.PENDING
    # Of named columns: the role that purges reads no secret.
    unsettled = select(card).where(card == col(UnblockRow.card_id), pending).exists()
    closed = col(UnblockRow.closed_at)
    return and_(closed.is_not(None), closed < before, ~unsettled)
