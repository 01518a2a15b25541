"""Each count reads the rows of its span by an index: it stays quick over years of rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.authority.records import AuditQuery, Sought, new_id
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.repositories.statistics import Statistics
from kiosk.authority.store.tables import TableRow
from tests.authority.store import samples
from tests.authority.store.forger import EVENT
from tests.support.database import TestDatabase

ROWS = 4000
KINDS = ("unblock-done", "refused", *(f"step-{number}" for number in range(62)))
SOUGHT = (Sought("unblock-done"), Sought("refused", "reason", "leaver"))
SPAN = (samples.NOW - timedelta(days=30), samples.NOW)
NEWEST = AuditQuery(sought=SOUGHT, since=SPAN[0], until=SPAN[1])
VISIT = TableRow.metadata.tables["visit"]

Count = Callable[[UnitOfWork], object]


def of_events(count: Callable[[Statistics], object]) -> tuple[Count, str]:
    return (lambda uow: count(uow.statistics)), "ix_audit_event_kind_at"


COUNTS: dict[str, tuple[Count, str]] = {
    "events by quarter": of_events(lambda s: s.by_quarter(SOUGHT, SPAN)),
    "events by station": of_events(lambda s: s.by("station", SOUGHT, SPAN)),
    "events by person": of_events(lambda s: s.by("holder_id", SOUGHT, SPAN)),
    "events by detail": of_events(lambda s: s.by_detail("reason", SOUGHT, SPAN)),
    "times": of_events(lambda s: s.seconds_since_card_in(SOUGHT, SPAN)),
    "newest": (lambda uow: uow.trail.newest(NEWEST, limit=9), "audit_event"),
    "visits": (lambda uow: uow.statistics.visits_by_quarter(SPAN), "ix_visit_opened_at"),
    "codes": (lambda uow: uow.statistics.waiting_for_code(), "uq_email_code_live"),
    "waiting mail": (lambda uow: uow.outbox.waiting(), "ix_outbox_message_waiting"),
    "denied mail": (lambda uow: uow.outbox.denied_addresses(), "ix_outbox_message_waiting"),
    "oldest mail": (lambda uow: uow.outbox.waits_since(), "ix_outbox_message_waiting"),
    "last visits": (lambda uow: uow.stations.last_visits(), "ix_visit_station_opened_at"),
}


@pytest.fixture(scope="module")
def filled(module_database: TestDatabase) -> sa.Engine:
    """Some months of events and visits, and a database that knows how many there are."""
    engine = sa.create_engine(parse_url(module_database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.insert(EVENT), [event(number) for number in range(1, ROWS)])
        connection.execute(sa.insert(VISIT), [visit(number) for number in range(1, ROWS)])
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return engine


def event(number: int) -> dict[str, Any]:
    fields = {"seq": number, "at": moment(number), "kind": KINDS[number % len(KINDS)]}
    where = {"station": f"S{number % 20}", "holder_id": f"H{number % 500}", "visit_id": f"{number}"}
    links = dict.fromkeys(("detail_sha256", "previous", "hash", "mac", "mac_key"), "")
    rest = {"reference": "", "detail": '{"reason":"leaver"}', **links}
    return fields | where | rest


def visit(number: int) -> dict[str, Any]:
    # Of few stations the last visit is found as quickly among the last visits of all.
    id_, station = new_id(), f"S{number % 400}"
    fields = {"id": id_, "reference": id_, "opened_at": moment(number), "station": station}
    return fields | {"pin_was_blocked": False, "mac": ""}


def moment(number: int) -> Any:
    return samples.NOW - timedelta(minutes=30 * number)


@pytest.mark.parametrize("what", list(COUNTS))
def test_count_finds_by_its_index(
    module_database: TestDatabase, filled: sa.Engine, what: str
) -> None:
    count, index = COUNTS[what]
    with module_database.store().read() as uow:
        asked = statements(lambda: count(uow))
    plan = explained(filled, asked)
    assert index in plan
    assert not whole_tables(plan)


def test_a_whole_table_would_be_seen(filled: sa.Engine) -> None:
    plan = explained(filled, [("SELECT * FROM visit WHERE purpose > 'A'", ())])
    assert whole_tables(plan)


def whole_tables(plan: str) -> list[str]:
    """Return where the plan reads all rows of a table that grows for ever."""
    tables = ("audit_event", "visit")
    whole = [f"Seq Scan on {table}" for table in tables] + [f"SCAN {table}" for table in tables]
    return [line for line in plan.splitlines() if any(words in line for words in whole)]


def statements(run: Callable[[], object]) -> list[tuple[str, Any]]:
    """Return what ``run`` asks of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        run()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    return [pair for pair in asked if pair[0].startswith("SELECT")]


def explained(engine: sa.Engine, asked: list[tuple[str, Any]]) -> str:
    """Return how the database would carry that out on larger tables."""
    word = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            # So small a table is quickest read as a whole, but where no index helps it still is.
            connection.exec_driver_sql("SET enable_seqscan = off")
        rows = [
            row
            for statement, parameters in asked
            for row in connection.exec_driver_sql(word + statement, parameters)
        ]
    return "\n".join(" ".join(map(str, row)) for row in rows)
