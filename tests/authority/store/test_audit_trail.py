"""The audit as it is read: every filter, every page, and no filter that walks the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from tests.authority.store.samples import NOW
from tests.support.database import SetClock, TestDatabase

MINUTE = timedelta(minutes=1)

FILTERS = {
    "holder": AuditQuery(holder_id="h1"),
    "station": AuditQuery(station="s1"),
    "one of staff": AuditQuery(actors=("a1",)),
    "several of staff": AuditQuery(actors=("a0", "a1")),
    "kind": AuditQuery(kind="odd"),
    "reference": AuditQuery(reference="R5"),
    "since": AuditQuery(since=NOW + 8 * MINUTE),
    "until": AuditQuery(until=NOW + 2 * MINUTE),
    "span": AuditQuery(since=NOW + 3 * MINUTE, until=NOW + 6 * MINUTE),
    "kind in a span": AuditQuery(kind="odd", since=NOW + 3 * MINUTE, until=NOW + 6 * MINUTE),
    "nothing in a span": AuditQuery(since=NOW - 9 * MINUTE, until=NOW - 3 * MINUTE),
    "without a kind": AuditQuery(holder_id="h1", without=frozenset({"odd", "other"})),
    "everything": AuditQuery(),
}

EXPECTED = {
    "holder": [2, 5, 8],
    "station": [2, 4, 6, 8, 10],
    "one of staff": [2, 6, 10],
    "several of staff": [2, 4, 6, 8, 10],
    "kind": [2, 4, 6, 8, 10],
    "reference": [6],
    "since": [9, 10],
    "until": [1, 2],
    "span": [4, 5, 6],
    "kind in a span": [4, 6],
    "nothing in a span": [],
    "without a kind": [5],
    "everything": list(range(1, 11)),
}


@pytest.fixture
def ten(store: Store, clock: SetClock) -> Store:
    """Ten events, a minute apart; number ``n`` in the fixture is row ``n + 1``."""
    for n in range(10):
        odd = n % 2 == 1
        with store.begin() as uow:
            uow.audit.append(
                kind="odd" if odd else "even",
                reference=f"R{n}",
                holder_id=f"h{n % 3}",
                station="s1" if odd else "s0",
                actor=f"a{n % 4 // 2 ^ 1}" if odd else None,
                detail={"number": n},
            )
            uow.commit()
        clock.forward(minutes=1)
    return store


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_shows_its_rows_and_no_other(ten: Store, name: str) -> None:
    query, expected = FILTERS[name], EXPECTED[name]
    with ten.read() as uow:
        assert [row.seq for row in uow.trail.newest(query)] == expected[::-1]
        assert [row.seq for row in uow.trail.oldest(query)] == expected
        assert uow.trail.count(query) == len(expected)


def test_pages_follow_each_other_without_a_gap(ten: Store) -> None:
    query = FILTERS["station"]
    with ten.read() as uow:
        assert [row.seq for row in uow.trail.newest(query, limit=2)] == [10, 8]
        assert [row.seq for row in uow.trail.newest(query, 8, 2)] == [6, 4]
        assert [row.seq for row in uow.trail.oldest(query, 4, 2)] == [6, 8]
        assert uow.trail.newest(query, 2) == ()


def test_a_station_whose_clock_is_slow_is_still_found_by_its_own_time(
    ten: Store, clock: SetClock
) -> None:
    clock.forward(minutes=-8)
    with ten.begin() as uow:
        uow.audit.append(kind="late", reference="R10")
        uow.commit()
    with ten.read() as uow:
        span = AuditQuery(since=NOW + MINUTE, until=NOW + 3 * MINUTE)
        assert [row.seq for row in uow.trail.newest(span)] == [11, 3, 2]
        assert [row.seq for row in uow.trail.newest(span, 11)] == [3, 2]
        assert [row.seq for row in uow.trail.oldest(span, 2)] == [3, 11]


def test_the_latest_of_each_actor(ten: Store) -> None:
    with ten.read() as uow:
        last = uow.trail.last_by_actor("odd")
    assert last == {"a0": NOW + 7 * MINUTE, "a1": NOW + 9 * MINUTE}


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "everything"])
def test_no_filter_walks_the_whole_audit(database: TestDatabase, ten: Store, name: str) -> None:
    with statements() as seen, ten.read() as uow:
        uow.trail.newest(FILTERS[name], before=9)
    asked = [(text, given) for text, given in seen if "FROM audit_event" in text]
    assert asked
    for text, given in asked:
        plan = explained(database, text, given)
        assert "SCAN audit_event" not in plan
        assert "Seq Scan" not in plan


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Collect what is sent to a database, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, text: str, given: Any, *others: object) -> None:
        seen.append((text, given))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def explained(database: TestDatabase, text: str, given: Any) -> str:
    """Return how a statement would be done; a table of ten rows would never need an index."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        if database.dialect == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)
            return "\n".join(row[3] for row in rows)
        connection.exec_driver_sql("SET enable_seqscan = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}", given))
