"""The audit as staff read it: filtered, newest or oldest first, from any row on.

Whatever narrows it is looked up in an index that ends with the row's number, so a page
costs the same at the beginning of the audit and at its end. Rows are numbered in the order
in which they were written. Their times are those of the stations' clocks, which may
disagree a little: so a span of time becomes the span of numbers that holds all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import col

from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.gateway import Gateway
from kiosk.store.repositories.audit import event_of
from kiosk.store.tables.services import AuditEventRow

Conditions = Sequence[ColumnElement[bool]]


class AuditTrail:
    """Reads what ``Audit`` writes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def newest(
        self, query: AuditQuery, before: int | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        """Return the newest events before row ``before``, newest first."""
        seq = col(AuditEventRow.seq)
        beyond = () if before is None else (seq < before,)
        return self._events(query, beyond, seq.desc(), limit)

    def oldest(self, query: AuditQuery, after: int = 0, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the oldest events after row ``after``, oldest first."""
        seq = col(AuditEventRow.seq)
        return self._events(query, (seq > after,), seq.asc(), limit)

    def count(self, query: AuditQuery) -> int:
        """Return how many there are."""
        statement = select(func.count()).select_from(AuditEventRow)
        count: int = self._gateway.scalar(statement.where(*self._conditions(query)))
        return count

    def last_by_actor(self, kind: str) -> dict[str, datetime]:
        """Return when each actor last caused an event of a kind."""
        actor = col(AuditEventRow.actor)
        latest = select(actor, func.max(col(AuditEventRow.at))).where(
            col(AuditEventRow.kind) == kind
        )
        rows = self._gateway.tuples(latest.where(actor.is_not(None)).group_by(actor))
        return {str(actor): at for actor, at in rows}

    def _events(
        self, query: AuditQuery, beyond: Conditions, order: Any, limit: int
    ) -> tuple[AuditEvent, ...]:
        wanted = select(AuditEventRow).where(*self._conditions(query), *beyond)
        rows = self._gateway.many(wanted.order_by(order).limit(limit), AuditEventRow)
        return tuple(event_of(row) for row in rows)

    def _conditions(self, query: AuditQuery) -> Conditions:
        if query.since is None and query.until is None:
            return named(query)
        first, last = self._gateway.tuples(numbers_within(query))[0]
        numbers = col(AuditEventRow.seq).between(first or 1, last or 0)
        return (*named(query), *_within(query), numbers)


def named(query: AuditQuery) -> Conditions:
    """Return what a query says about anything but time."""
    row = AuditEventRow
    same = (
        (col(row.holder_id), query.holder_id),
        (col(row.station), query.station),
        (col(row.kind), query.kind),
        (col(row.reference), query.reference),
    )
    conditions = [column == wanted for column, wanted in same if wanted is not None]
    if query.actors is not None:
        conditions.append(col(row.actor).in_(query.actors))
    if query.holder_ids is not None:
        conditions.append(col(row.holder_id).in_(query.holder_ids))
    if query.kinds is not None:
        conditions.append(col(row.kind).in_(sorted(query.kinds)))
    if query.without:
        conditions.append(col(row.kind).not_in(sorted(query.without)))
    return conditions


def numbers_within(query: AuditQuery) -> Select[int, int]:
    """Return what finds the least and the greatest number of the rows in a span of time.

    The sum keeps either database from walking the numbers themselves, from the far end.
    """
    number = col(AuditEventRow.seq) + 0
    return select(func.min(number), func.max(number)).where(*_within(query))


def _within(query: AuditQuery) -> Conditions:
    at = col(AuditEventRow.at)
    since = [] if query.since is None else [at >= query.since]
    return [*since, *([] if query.until is None else [at < query.until])]
