"""Acts that staff proposed, and what became of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.staff_records import Outcome, ProposedAct
from kiosk.store.tables.base import values
from kiosk.store.tables.staff import ProposedActRow

_WAITING = text("outcome = 'waiting'")
"""The words of the partial index, so that both databases find by it."""


class ProposedActs:
    """Each waits until it is decided on or expires; then its parameters are emptied."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def add(self, proposed: ProposedAct) -> None:
        """Add one."""
        self._gateway.add(ProposedActRow, values(proposed))

    def get(self, proposed_id: str) -> ProposedAct | None:
        """Return one by id, whatever became of it."""
        wanted = select(ProposedActRow).where(col(ProposedActRow.id) == proposed_id)
        row = self._gateway.one(wanted, ProposedActRow)
        return row.record(ProposedAct) if row else None

    def waiting(self) -> tuple[ProposedAct, ...]:
        """Return those that can still be agreed to, oldest first."""
        unexpired = select(ProposedActRow).where(
            _WAITING, col(ProposedActRow.expires_at) > self._now
        )
        rows = self._gateway.many(
            unexpired.order_by(col(ProposedActRow.proposed_at)), ProposedActRow
        )
        return tuple(row.record(ProposedAct) for row in rows)

    def overdue(self) -> tuple[ProposedAct, ...]:
        """Return those that nobody decided on in time."""
        late = select(ProposedActRow).where(_WAITING, col(ProposedActRow.expires_at) <= self._now)
        rows = self._gateway.many(late.order_by(col(ProposedActRow.proposed_at)), ProposedActRow)
        return tuple(row.record(ProposedAct) for row in rows)

    def decide(self, proposed_id: str, outcome: Outcome, by: str) -> bool:
        """Conclude one that waits; True for exactly one caller."""
        waits = col(ProposedActRow.id) == proposed_id, _WAITING
        decided = {
            "outcome": outcome,
            "decided_at": self._now,
            "decided_by": by,
            "parameters": b"",
        }
        return self._gateway.run(update(ProposedActRow).where(*waits).values(decided)) == 1

    def purge(self, before: datetime) -> int:
        """Delete those that were decided before then."""
        return self._gateway.run(
            delete(ProposedActRow).where(col(ProposedActRow.decided_at) < before)
        )
