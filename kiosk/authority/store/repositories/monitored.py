"""How the estate stands, in numbers: each by an index, for they are asked for all day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from kiosk.authority.audit_rows import ROWS_A_CHAIN, before_first, chain_of
from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.records import AuditGap
from kiosk.authority.store.tables import (
    AuditAnchorRow,
    AuditEventRow,
    AuditHeadRow,
    OutboxRow,
    StationRow,
    VisitRow,
    col,
)

SITTING = timedelta(minutes=30)
"""A visit that began before is not open any more, though nobody may have closed it."""


class Monitored:
    """Counts of what stands now."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def dead_letters(self) -> int:
        """Return how many notices were given up and are still kept."""
        dead = select(func.count()).where(col(OutboxRow.failed_at).is_not(None))
        count: int = self._gateway.scalar(dead)
        return count

    def open_visits(self, opened: str) -> int:
        """Return how many visits are under way; ``opened`` is the kind of event that begins one."""
        events = (
            select(func.count())
            .select_from(AuditEventRow)
            .join(VisitRow, col(VisitRow.id) == col(AuditEventRow.visit_id))
        )
        count: int = self._gateway.scalar(
            events.where(
                col(AuditEventRow.kind) == opened,
                col(AuditEventRow.at) > self._now - SITTING,
                col(VisitRow.closed_at).is_(None),
            )
        )
        return count

    def stations(self, silent_before: datetime) -> tuple[int, int]:
        """Return how many are in service, and how many of them were not heard of since."""
        seen = col(StationRow.last_seen_at) <= silent_before
        counts = select(func.count(), func.count().filter(seen))
        ((serving, silent),) = self._gateway.tuples(
            counts.where(col(StationRow.retired_at).is_(None))
        )
        return serving, silent

    def last_anchored(self) -> dict[int, int]:
        """Return the last row of each chain that an anchor covers, where there is one."""
        chain, seq = col(AuditHeadRow.chain), col(AuditAnchorRow.seq)
        begin = (chain - 1) * ROWS_A_CHAIN
        newest = select(func.max(seq)).where(seq > begin, seq <= col(AuditHeadRow.seq))
        rows = self._gateway.tuples(select(chain, newest.scalar_subquery()))
        return {chain: row for chain, row in rows if row is not None}

    def beyond(
        self, reached: Mapping[int, int], gaps: Sequence[AuditGap]
    ) -> tuple[int, datetime | None]:
        """Return how many rows of the audit come after those ``reached``, and since when.

        ``gaps`` are all of the audit, by row number.
        """
        rows, first = 0, []
        heads = self._gateway.tuples(select(col(AuditHeadRow.chain), col(AuditHeadRow.seq)))
        for chain, head in heads:
            last = reached.get(chain, before_first(chain))
            for gap in gaps:
                if chain_of(gap.last) != chain or gap.last <= last:
                    continue
                if gap.first <= last + 1:
                    last = gap.last
                else:
                    rows -= gap.last - gap.first + 1
            rows += head - last
            if head > last:
                first.append(last + 1)
        if not first:
            return rows, None
        oldest = select(func.min(col(AuditEventRow.at))).where(col(AuditEventRow.seq).in_(first))
        return rows, self._gateway.scalar(oldest)
