"""Counts of audit events, of visits, and of people by their present state.

Every count walks one index over the rows of its span and nothing else. Times are in quarters of an
hour: days and hours of every zone begin with one, so that a caller can add them up to days and
hours of any zone, also across a change of the clocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, cast, extract, func, select, text

from kiosk.authority.audit.rows import ROWS_A_CHAIN, before_first, chain_of
from kiosk.authority.records import AuditGap, Sought
from kiosk.authority.store.gateway import Repository
from kiosk.authority.store.repositories.audit import is_any_of, parsed_detail
from kiosk.authority.store.tables import (
    LIVE_CODE,
    ROW_NUMBER,
    AuditAnchorRow,
    AuditEventRow,
    AuditHeadRow,
    CodeRow,
    OutboxRow,
    StationRow,
    VisitRow,
    col,
)

QUARTER_S = 900


Period = tuple[datetime, datetime]
"""From the first moment on, and before the second."""


class Statistics(Repository):
    """Counts of what happened in a period."""

    # --- the audit ---

    def by_quarter(self, sought: Sequence[Sought], period: Period) -> Counter[datetime]:
        """Count by the quarter of an hour (its beginning, UTC)."""
        return self._quarters(col(AuditEventRow.at), _events(sought, period))

    def by(
        self, name: Literal["station", "holder_id"], sought: Sequence[Sought], period: Period
    ) -> Counter[str]:
        """Count by station or holder; events without one are left out."""
        column = col(getattr(AuditEventRow, name))
        found = _events(sought, period), column.is_not(None)
        grouped = select(column, func.count()).where(*found).group_by(column)
        return Counter({str(key): count for key, count in self._gateway.tuples(grouped)})

    def by_detail(self, name: str, sought: Sequence[Sought], period: Period) -> Counter[str]:
        """Count by the value of ``name`` in details with few other values; "" if redacted."""
        detail = col(AuditEventRow.detail)
        counts: Counter[str] = Counter()
        grouped = select(detail, func.count()).where(_events(sought, period)).group_by(detail)
        for written, count in self._gateway.tuples(grouped):
            counts[str(parsed_detail(written).get(name, ""))] += count
        return counts

    def seconds_since_card_in(self, sought: Sequence[Sought], period: Period) -> tuple[float, ...]:
        """Return for each event how long before it its visit was opened."""
        same = col(VisitRow.id) == col(AuditEventRow.visit_id)
        times = select(col(VisitRow.opened_at), col(AuditEventRow.at))
        joined = times.join_from(AuditEventRow, VisitRow, same).where(_events(sought, period))
        rows = self._gateway.tuples(joined)
        return tuple((at - opened_at).total_seconds() for opened_at, at in rows)

    # --- visits, and how people stand ---

    def visits_by_quarter(self, period: Period) -> Counter[datetime]:
        """Count visits by the quarter of an hour in which the card went in."""
        opened = col(VisitRow.opened_at)
        return self._quarters(opened, opened >= period[0], opened < period[1])

    def waiting_for_code(self) -> int:
        """Return how many people have a mailed code that can still be entered."""
        waits = col(CodeRow.expires_at) > self._now, col(CodeRow.tries) < col(CodeRow.max_tries)
        mailed = text(LIVE_CODE), col(CodeRow.issued_by).is_(None)
        people = self._gateway.tuples(select(col(CodeRow.holder_id)).where(*mailed, *waits))
        return len({holder_id for (holder_id,) in people})

    def _quarters(self, at: Any, *counted: ColumnElement[bool]) -> Counter[datetime]:
        seconds = extract("epoch", at)
        quarter = (seconds - seconds % QUARTER_S).label("quarter")
        grouped = select(quarter, func.count()).where(*counted).group_by("quarter")
        rows = self._gateway.tuples(grouped)
        return Counter({datetime.fromtimestamp(int(begin), UTC): count for begin, count in rows})


def _events(sought: Sequence[Sought], period: Period) -> ColumnElement[bool]:
    at = col(AuditEventRow.at)
    return and_(is_any_of(sought), at >= period[0], at < period[1])


# The state of the estate in numbers: each by an index, as they are queried all day.


OPEN_AT_MOST = timedelta(minutes=30)
"""An older visit does not count as open, though nobody may have closed it."""


class Monitored(Repository):
    def dead_letters(self) -> int:
        dead = select(func.count()).where(col(OutboxRow.failed_at).is_not(None))
        return self._gateway.count(dead)

    def open_visits(self, opened: str) -> int:
        """Return how many visits are open; ``opened`` is the kind of event that opens one."""
        same = col(VisitRow.id) == col(AuditEventRow.visit_id)
        visits = select(func.count()).join_from(AuditEventRow, VisitRow, same)
        recent = col(AuditEventRow.at) > self._now - OPEN_AT_MOST
        is_open = col(AuditEventRow.kind) == opened, recent, col(VisitRow.closed_at).is_(None)
        return self._gateway.count(visits.where(*is_open))

    def stations(self, silent_before: datetime) -> tuple[int, int]:
        """Return how many are in service, and how many of them started and fell silent."""
        silent = col(StationRow.last_seen_at) <= silent_before, col(StationRow.version) != ""
        counts = select(func.count(), func.count().filter(*silent))
        ((serving, fell_silent),) = self._gateway.tuples(
            counts.where(col(StationRow.retired_at).is_(None))
        )
        return serving, fell_silent

    def last_anchored(self) -> dict[int, int]:
        """Return the last row of each chain that an anchor covers, where there is one."""
        chain, seq = col(AuditHeadRow.chain), col(AuditAnchorRow.seq)
        begin = (cast(chain, ROW_NUMBER) - 1) * ROWS_A_CHAIN
        newest = select(func.max(seq)).where(seq > begin, seq <= col(AuditHeadRow.seq))
        rows = self._gateway.tuples(select(chain, newest.scalar_subquery()))
        return {chain: row for chain, row in rows if row is not None}

    def beyond(
        self, reached: Mapping[int, int], gaps: Sequence[AuditGap]
    ) -> tuple[int, datetime | None]:
        """Return how many rows of the audit come after those ``reached``, and the oldest's time.

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
