"""How far the audit was sent to another system, and which process sends.

Rows of one chain are committed in the order of their numbers, because each waits for its head. The
last row that was sent of each chain therefore determines what is still to be sent, however the
transactions of several writers overlap.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping
from datetime import timedelta
from operator import attrgetter

from sqlalchemy import or_, select, update

from kiosk.authority.audit.rows import before_first, chain_of
from kiosk.authority.store.gateway import Repository
from kiosk.authority.store.records import AuditEvent
from kiosk.authority.store.repositories.audit import event_of
from kiosk.authority.store.tables import AuditEventRow, AuditFeedRow, AuditHeadRow, col

Reached = Mapping[int, int]
"""The last row of each chain that was sent."""


class AuditFeeds(Repository):
    """The feeds by name; only the process that holds one moves it on."""

    def reached(self, name: str) -> Reached | None:
        """Return how far a feed has come; None where it has not begun."""
        same = select(col(AuditFeedRow.reached)).where(col(AuditFeedRow.name) == name)
        text: str | None = self._gateway.scalar(same)
        return None if text is None else _read(text)

    def claim(self, name: str, holder: str, lease: timedelta) -> Reached | None:
        """Hold a feed for ``lease``, and return its progress; None where another process holds it.

        The lease of a process that died runs out.
        """
        now, until = self._now, col(AuditFeedRow.held_until)
        begun = {"name": name, "reached": "{}", "holder": "", "held_until": now}
        self._gateway.add_new(AuditFeedRow, begun)
        free = or_(
            col(AuditFeedRow.holder) == holder,
            until <= now,
            until > now + 2 * lease,  # by a clock that was wrong
        )
        held = (
            update(AuditFeedRow)
            .where(col(AuditFeedRow.name) == name, free)
            .values(holder=holder, held_until=now + lease)
            .returning(AuditFeedRow)
        )
        row = self._gateway.one(held, AuditFeedRow)
        return _read(row.reached) if row else None

    def move(self, name: str, holder: str, reached: Reached) -> bool:
        """Note what was sent; return False where another process holds the feed now."""
        held = update(AuditFeedRow).where(
            col(AuditFeedRow.name) == name, col(AuditFeedRow.holder) == holder
        )
        text = json.dumps({str(chain): row for chain, row in reached.items()})
        return self._gateway.run(held.values(reached=text)) == 1

    def release(self, name: str, holder: str) -> None:
        held = update(AuditFeedRow).where(
            col(AuditFeedRow.name) == name, col(AuditFeedRow.holder) == holder
        )
        self._gateway.run(held.values(holder="", held_until=self._now))

    def rows_after(self, reached: Reached, limit: int) -> tuple[AuditEvent, ...]:
        """Return the next rows: each chain in its order, and the chains by time."""
        seq = col(AuditEventRow.seq)
        heads = self._gateway.tuples(select(col(AuditHeadRow.chain), col(AuditHeadRow.seq)))
        waiting = []
        for chain, head in heads:
            last = reached.get(chain, before_first(chain))
            if head > last:
                rows = select(AuditEventRow).where(seq > last, seq <= head).order_by(seq)
                waiting.append(self._gateway.many(rows.limit(limit), AuditEventRow))
        merged = heapq.merge(*waiting, key=attrgetter("at"))
        return tuple(event_of(row) for row, _ in zip(merged, range(limit), strict=False))


def advanced(reached: Reached, sent: tuple[AuditEvent, ...]) -> Reached:
    """Return the progress of a feed after these were sent."""
    return {**reached, **{chain_of(event.seq): event.seq for event in sent}}


def _read(text: str) -> Reached:
    return {int(chain): int(row) for chain, row in json.loads(text).items()}
