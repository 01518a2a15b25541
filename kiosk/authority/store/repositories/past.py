"""Old rows of operation: counted, and deleted some at a time, the oldest first."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, tuple_
from sqlalchemy.orm import Mapped

from kiosk.authority.store.gateway import Repository, primary_key, table_of
from kiosk.authority.store.records import KeptKind
from kiosk.authority.store.tables import (
    AddressChangeRow,
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
    ADDRESS_CHANGES = "address_changes"
    STOP_NUMBERS = "stop_numbers"
    JOURNAL = "journal"
    VISITS = "visits"


class PastRows(Repository):
    """Deletes what ended before a moment."""

    def count(self, kind: PastKind, before: datetime) -> int:
        row, _, past = _past(kind, before, counting=True)
        return self._gateway.count(select(func.count()).select_from(row).where(past))

    def delete(self, kind: PastKind, before: datetime, most: int) -> int:
        """Delete some; return how many."""
        row, oldest, past = _past(kind, before)
        columns = [table_of(row).c[name] for name in primary_key(row)]
        some = select(*columns).where(past).order_by(oldest).limit(most)
        key = columns[0] if len(columns) == 1 else tuple_(*columns)
        return self._gateway.run(delete(row).where(key.in_(some)))


def _past(
    kind: PastKind, before: datetime, *, counting: bool = False
) -> tuple[type[TableRow], Mapped[Any], ColumnElement[bool]]:
    """Return the table, the time to order by, and the condition of its past rows.

    ``counting``: past entries of the journal do not keep their visits.
    """
    match kind:
        case PastKind.CODES:
            return _older(CodeRow, col(CodeRow.drafted_at), before)
        case PastKind.ATTEMPTS:
            return _older(AttemptRow, col(AttemptRow.charged_at), before)
        case PastKind.PENDING:
            return _older(PendingRow, col(PendingRow.created_at), before)
        case PastKind.OUTBOX:
            ended = func.coalesce(col(OutboxRow.sent_at), col(OutboxRow.failed_at))
            return OutboxRow, col(OutboxRow.created_at), ended < before
        case PastKind.PROPOSALS:
            return _older(ProposedActRow, col(ProposedActRow.decided_at), before)
        case PastKind.ADDRESS_CHANGES:
            return _older(AddressChangeRow, col(AddressChangeRow.ended_at), before)
        case PastKind.STOP_NUMBERS:
            return _older(StopNumberRow, col(StopNumberRow.made_at), before)
        case PastKind.JOURNAL:
            closed = col(UnblockRow.closed_at)
            return UnblockRow, closed, _is_past_entry(before)
        case PastKind.VISITS:
            # Visits that were never closed are deleted as well, unless the journal has an entry of
            # them.
            opened = col(VisitRow.opened_at)
            entry = exists().where(col(UnblockRow.visit_id) == col(VisitRow.id))
            if counting:
                entry = entry.where(~_is_past_entry(before))
            return VisitRow, opened, and_(opened < before, ~entry)
        case _:
            assert_never(kind)


def _older(
    row: type[TableRow], at: Mapped[Any], before: datetime
) -> tuple[type[TableRow], Mapped[Any], ColumnElement[bool]]:
    return row, at, at < before


def _is_past_entry(before: datetime) -> ColumnElement[bool]:
    """The entries of a card with a pending secret show what it may have: they stay."""
    card, pending = col(KeptSecretRow.card_id), col(KeptSecretRow.kind) == KeptKind.PENDING
    # Of named columns: the role that purges reads no secret.
    unsettled = select(card).where(card == col(UnblockRow.card_id), pending).exists()
    closed = col(UnblockRow.closed_at)
    return and_(closed.is_not(None), closed < before, ~unsettled)
