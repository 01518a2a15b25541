"""Alarms and chores: of any number of processes that look at once, one tells and one works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, case, delete, or_, select, update
from sqlmodel import col

from kiosk.store.audit_chain import FIRST
from kiosk.store.audit_records import AuditHead
from kiosk.store.gateway import Gateway
from kiosk.store.records import Scalar
from kiosk.store.tables.base import values
from kiosk.store.tables.watch import AlarmRow, ChoreRow
from kiosk.store.watch_records import Alarm, Chore

LEFT = 5
"""How many times in a row a chore is left undone before it counts as begun anew."""


class Alarms:
    """What is wrong at the moment."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def begin(self, name: str, kind: str, detail: Mapping[str, Scalar]) -> bool:
        """Raise an alarm; True for exactly one caller until it has ended."""
        alarm = Alarm(name, kind, self._now, self._now, dict(detail))
        insert = self._gateway.upsert(AlarmRow).values(values(alarm))
        if self._gateway.run(insert.on_conflict_do_nothing()) == 1:
            return True
        again = update(AlarmRow).where(col(AlarmRow.name) == name)
        self._gateway.run(again.values(seen_at=self._now, detail=dict(detail)))
        return False

    def end(self, name: str) -> Alarm | None:
        """End an alarm and return it; None where it is over already."""
        ended = delete(AlarmRow).where(col(AlarmRow.name) == name).returning(AlarmRow)
        row = self._gateway.one(ended, AlarmRow)
        return row.record(Alarm) if row else None

    def standing(self) -> tuple[Alarm, ...]:
        """Return all that are not over, the oldest first."""
        ordered = select(AlarmRow).order_by(col(AlarmRow.since), col(AlarmRow.name))
        rows = self._gateway.many(ordered, AlarmRow)
        return tuple(row.record(Alarm) for row in rows)


class Chores:
    """What is done now and then, by whoever comes first."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def get(self, name: str) -> Chore | None:
        """Return a chore as it was done last; None before the first time."""
        row = self._gateway.one(select(ChoreRow).where(col(ChoreRow.name) == name), ChoreRow)
        if row is None:
            return None
        return Chore(row.name, row.since, row.done_at, AuditHead(row.seq, row.hash))

    def claim(self, name: str, every: timedelta) -> bool:
        """Take a chore that is due; True for exactly one caller in each span of ``every``.

        Its ``since`` begins anew where it was left undone for five times as long. A time in
        the far future, from a clock that was wrong once, does not keep it from being done.
        """
        now, done_at = self._now, col(ChoreRow.done_at)
        new = {"name": name, "since": now, "done_at": now, "seq": FIRST.seq, "hash": FIRST.hash}
        since = case((done_at <= now - LEFT * every, now), else_=col(ChoreRow.since))
        insert = self._gateway.upsert(ChoreRow).values(new)
        statement = insert.on_conflict_do_update(
            index_elements=["name"],
            set_={"done_at": now, "since": since},
            where=or_(done_at <= now - every, done_at > now + every),
        )
        return self._gateway.run(statement) == 1

    def is_due(self, name: str, every: timedelta) -> bool:
        """Tell whether ``claim`` would take it now."""
        fresh = and_(
            col(ChoreRow.name) == name,
            col(ChoreRow.done_at) > self._now - every,
            col(ChoreRow.done_at) <= self._now + every,
        )
        return self._gateway.scalar(select(col(ChoreRow.name)).where(fresh)) is None

    def reach(self, name: str, row: AuditHead) -> None:
        """Note how far a chore has come that is done in pieces."""
        statement = update(ChoreRow).where(col(ChoreRow.name) == name)
        self._gateway.run(statement.values(seq=row.seq, hash=row.hash))
