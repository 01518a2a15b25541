"""What goes to PostgreSQL together, and what becomes of it where a part of it fails."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from kiosk.authority.errors import StoreError
from kiosk.authority.records import ActionNote, AuditQuery, OutboxMessage, new_id
from kiosk.authority.store import postgresql
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.gateway import Compiled
from kiosk.authority.store.postgresql import PipelinedConnection, PipelinedDialect
from tests.authority.store import samples
from tests.support.database import PostgresServer, SetClock, TestDatabase
from tests.support.round_trips import RoundTrips, counted_round_trips

pytestmark = pytest.mark.postgresql


@pytest.fixture
def trips() -> Iterator[RoundTrips]:
    with counted_round_trips() as trips:
        yield trips


@pytest.fixture
def database(trips: RoundTrips, postgres_server: PostgresServer) -> Iterator[TestDatabase]:
    database = TestDatabase(postgres_server.fresh(), "postgresql", SetClock())
    yield database
    database.close()


@pytest.fixture
def store(database: TestDatabase) -> Store:
    store = database.store()
    store.schema_serves()  # a connection is open
    return store


def note(id_: str) -> ActionNote:
    return ActionNote(id_, None, samples.NOW, "because", "", "salt")


def message() -> OutboxMessage:
    return OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, samples.NOW, samples.NOW)


@pytest.mark.parametrize("asks", [lambda store: notes(store), Store.schema])
def test_a_server_that_sends_nothing_is_given_up_and_its_connection_replaced(
    store: Store, monkeypatch: pytest.MonkeyPatch, asks: Callable[[Store], object]
) -> None:
    monkeypatch.setattr(PipelinedConnection, "silent_limit_s", 0.5)
    expected = asks(store)
    with store.read() as uow:
        backend = uow.policy_changes._gateway.scalar(sa.text("SELECT pg_backend_pid()"))
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreError, match="does not answer"):
            asks(store)
        monkeypatch.undo()
        assert asks(store) == expected
    finally:
        os.kill(backend, signal.SIGCONT)


@pytest.mark.parametrize("found_when", ["used", "used by SQLAlchemy", "checked after a rest"])
def test_a_server_that_vanished_is_waited_for_once_and_not_by_each_connection(
    store: Store, monkeypatch: pytest.MonkeyPatch, found_when: str
) -> None:
    waits = []
    wait = PipelinedConnection.wait

    def counted_wait(connection: PipelinedConnection, *given: Any, **named: Any) -> Any:
        try:
            return wait(connection, *given, **named)
        except psycopg.OperationalError:
            waits.append(connection)
            raise

    def use_four() -> list[PipelinedConnection]:
        with ExitStack() as kept:
            uows = [kept.enter_context(store.read()) for _ in range(4)]
            for uow in uows:
                uow.visits.get("one")
            return [uow.visits._gateway._driver for uow in uows]

    connections = use_four()
    monkeypatch.setattr(PipelinedConnection, "wait", counted_wait)
    with ExitStack() as frozen:
        for each in connections:
            each.silent_limit_s = 0.5
            os.kill(each.info.backend_pid, signal.SIGSTOP)
            frozen.callback(os.kill, each.info.backend_pid, signal.SIGCONT)
        if found_when == "used":
            with pytest.raises(StoreError, match="does not answer"), store.read() as uow:
                uow.visits.get("one")
            assert waits == []  # this one is libpq's
        elif found_when == "used by SQLAlchemy":
            with pytest.raises(StoreError, match="does not answer"):
                notes(store)
        else:
            monkeypatch.setattr(postgresql, "RESTED_S", -1.0)
            notes(store)
            assert len(waits) == 1
        assert not {*use_four()} & {*connections}
    assert len(waits) == (found_when != "used")


def test_connections_are_kept_where_the_clock_is_put_back_after_a_loss(
    store: Store, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.read() as uow:
        notes_of(uow)
        end_sessions(database)
        with pytest.raises(StoreError):
            notes_of(uow)
    time_of_day = time.time
    monkeypatch.setattr(time, "time", lambda: time_of_day() - 3600)
    backends = set[int]()
    for _ in range(3):
        with store.read() as uow:
            notes_of(uow)
            backends.add(uow.notes._gateway._driver.info.backend_pid)
    assert len(backends) == 1


def notes_of(uow: UnitOfWork) -> int:
    return len(uow.notes.by_ids(("one", "two")))


def notes(store: Store) -> int:
    with store.read() as uow:
        return notes_of(uow)


def end_sessions(database: TestDatabase) -> None:
    """Let the server end each session of a store, and wait until it has."""
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kiosk'"
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kiosk'"
    with psycopg.connect(database.url, autocommit=True) as owner:
        owner.execute(drop)
        while owner.execute(left).fetchone() != (0,):
            pass


def test_begin_goes_with_the_first_statement_and_commit_with_what_waits(
    store: Store, trips: RoundTrips
) -> None:
    with trips.of("reads") as reads, store.read() as uow:
        uow.staff.every()
    with trips.of("writes") as writes, store.begin() as uow:
        uow.staff.every()
        uow.notes.add(note("one"))
        uow.outbox.add(message())
        uow.commit()
    with trips.of("adds alone") as alone, store.begin() as uow:
        uow.notes.add(note("two"))
        uow.commit()
    with trips.of("nothing") as nothing, store.begin() as uow:
        pass
    # Reading ends with a ROLLBACK.
    counts = [asked.round_trips for asked in (reads, writes, alone, nothing)]
    assert counts == [2, 2, 1, 0], trips.table()
    assert notes(store) == 2


def test_what_waits_is_seen_by_the_next_statement(store: Store) -> None:
    with store.begin() as uow:
        uow.outbox.add(message())
        assert uow.outbox.waiting() == 1
        uow.outbox.add(message())
        assert uow.outbox.waiting() == 2
    with store.read() as uow:
        assert uow.outbox.waiting() == 0


def test_a_statement_that_fails_as_it_is_committed_leaves_nothing(store: Store) -> None:
    with store.begin() as uow:
        uow.notes.add(note("one"))
        uow.notes.add(note("one"))
        with pytest.raises(StoreError) as failed:
            uow.commit()
    assert failed.value.code == "23505"
    assert notes(store) == 0
    with store.begin() as uow:
        uow.notes.add(note("one"))
        uow.commit()
    assert notes(store) == 1


def test_a_statement_that_fails_before_another_one_leaves_nothing(store: Store) -> None:
    with store.begin() as uow:
        uow.notes.add(note("one"))
        uow.notes.add(note("one"))
        with pytest.raises(StoreError) as failed:
            uow.outbox.waiting()
        assert failed.value.code == "23505"
        with pytest.raises(StoreError, match="ended or failed"):
            uow.commit()
    assert notes(store) == 0


def test_what_waits_for_an_audit_that_cannot_be_written_is_not_written(
    store: Store, database: TestDatabase
) -> None:
    with psycopg.connect(database.url) as owner:
        owner.execute("DELETE FROM audit_head")
    with store.begin() as uow:
        uow.notes.add(note("one"))
        uow.audit.append(kind="step", reference="R")
        with pytest.raises(StoreError):
            uow.commit()
    assert notes(store) == 0


def test_audit_head_and_rows_are_written_by_one_statement(store: Store, trips: RoundTrips) -> None:
    def write(rows: int) -> int:
        with trips.of("audit") as asked, store.begin() as uow:
            for _ in range(rows):
                uow.audit.append(kind="step", reference="R")
            uow.commit()
        return asked.round_trips

    write(1)
    assert [write(rows) for rows in (1, 3, 8)] == [2, 2, 2]
    assert write(9) <= 4
    with store.read() as uow:
        assert uow.audit.verify().rows == uow.trail.count(AuditQuery()) == 22


def test_a_head_that_another_process_moved_is_asked_for_anew(
    database: TestDatabase, store: Store
) -> None:
    other = database.store()
    for turn in range(3):
        for each in (store, other):
            with each.begin() as uow:
                uow.audit.append(kind="step", reference=f"R{turn}")
                uow.commit()
    with store.read() as uow:
        verdict = uow.audit.verify()
    assert (verdict.rows, verdict.intact) == (6, True)


def test_a_connection_that_the_server_closed_while_it_rested_is_replaced(
    store: Store, database: TestDatabase
) -> None:
    end_sessions(database)
    assert notes(store) == 0


@pytest.mark.parametrize("begin", [Store.read, Store.begin])
def test_a_server_that_is_lost_before_the_rollback_spoils_no_result(
    store: Store,
    database: TestDatabase,
    begin: Callable[[Store], AbstractContextManager[UnitOfWork]],
) -> None:
    """Before: an error of SQLAlchemy's, also in place of the one that ended the block."""

    def count(failure: Exception | None = None) -> int:
        with begin(store) as uow:
            found = uow.outbox.waiting()
            end_sessions(database)
            if failure is not None:
                raise failure
        return found

    assert count() == 0
    with pytest.raises(KeyError):
        count(KeyError())
    assert store.connections() == (0, 1)
    assert notes(store) == 0


def test_a_statement_alone_takes_one_round_trip_and_survives_a_lost_server(
    store: Store, trips: RoundTrips, database: TestDatabase
) -> None:
    def known() -> object:
        with store.read(once=True) as uow:
            return uow.station_keys.find("nobody's")

    with trips.of("known") as taken:
        assert known() is None
    assert taken.round_trips == 1
    with store.read(once=True) as uow:
        end_sessions(database)
        with pytest.raises(StoreError) as lost:
            uow.station_keys.find("nobody's")
    assert lost.value.code == "57P01"
    assert known() is None


def test_a_statement_alone_of_a_server_that_is_away(database: TestDatabase) -> None:
    away = Store("postgresql://kiosk@/kiosk?host=/nowhere", SetClock(), database.store().macs)
    with pytest.raises(StoreError), away.read(once=True):
        pass


SECONDS = 100.0
"""Until a thread counts as hung."""


@pytest.fixture
def connections(postgres_server: PostgresServer) -> Iterator[Callable[[], PipelinedConnection]]:
    url = sa.make_url(postgres_server.fresh())
    dialect: Any = PipelinedDialect()
    arguments, named = dialect.create_connect_args(url)
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(dialect.connect(*arguments, **named)))


@pytest.fixture
def connection(connections: Callable[[], PipelinedConnection]) -> PipelinedConnection:
    return connections()


def prepared(connection: PipelinedConnection) -> list[str]:
    """Return the statements that the server keeps for the connection."""
    rows = connection.execute("SELECT statement FROM pg_prepared_statements ORDER BY 1").fetchall()
    return [row[0] for row in rows if "pg_prepared" not in row[0]]


def test_more_is_sent_and_answered_at_once_than_fits_between(
    connections: Callable[[], PipelinedConnection],
) -> None:
    """The server takes no more before its answers are read; the last one may come meanwhile."""
    answered: list[object] = []

    def ask() -> None:
        connection = connections()
        for _ in range(40):
            for _ in range(20):
                connection.let_wait("SELECT $1::text", ("x" * 200_000,))
            answered.extend(connection.run_compiled("SELECT $1::text", ("last",)).fetchall())

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)
    assert answered == [("last",)] * 160


def test_an_answer_that_comes_in_pieces_holds_up_no_other_thread(
    connections: Callable[[], PipelinedConnection],
) -> None:
    """Before: libpq waited for the rest of it with the interpreter's lock."""
    asking, holding, watching = connections(), connections(), connections()
    asking.execute("SET statement_timeout = '60s'")
    holding.execute("SELECT pg_advisory_lock(1)")

    def release() -> None:
        while watching.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is None:
            pass
        holding.execute("SELECT pg_advisory_unlock(1)")

    release_meanwhile = threading.Thread(target=release, daemon=True)
    release_meanwhile.start()
    notice_and_wait = "DO $$BEGIN RAISE NOTICE 'now'; PERFORM pg_advisory_lock(1); END$$"
    asking.run_compiled(notice_and_wait, None)
    release_meanwhile.join(SECONDS)


def test_what_is_run_often_is_prepared_for_the_types_of_its_values(
    connection: PipelinedConnection,
) -> None:
    once, often = "SELECT $1::text", "SELECT $1"
    connection.run_compiled(once, ("a",))
    for value in (*range(6), 2**40):
        assert connection.run_compiled(often, (value,)).fetchall() == [(value,)]
    assert prepared(connection) == [often]


def test_what_waits_often_is_prepared_once(connection: PipelinedConnection) -> None:
    for _ in range(20):
        connection.let_wait("SELECT 1", ())
    connection.run_compiled("SELECT 1", ())
    assert prepared(connection) == ["SELECT 1"]


def test_no_two_connections_give_a_prepared_statement_the_same_name(
    connections: Callable[[], PipelinedConnection],
) -> None:
    """A pooler in between may let one run what another has prepared."""
    names: list[str] = []
    for _ in range(2):
        connection = connections()
        for _ in range(6):
            connection.run_compiled("SELECT 1", ())
        rows = connection.execute("SELECT name FROM pg_prepared_statements").fetchall()
        names += (name for (name,) in rows)
    assert len({*names}) == len(names) == 2


@pytest.mark.parametrize("change", ["DISCARD ALL", "ALTER TABLE seen ALTER what TYPE text"])
def test_a_connection_whose_prepared_statements_fit_no_more_is_closed(
    connection: PipelinedConnection, change: str
) -> None:
    """Before: each of them failed again until the pool replaced the connection by its age."""
    connection.execute("CREATE TEMPORARY TABLE seen (what integer)")
    for _ in range(6):
        connection.run_compiled("SELECT what FROM seen", ())
    connection.execute(change.encode())
    with pytest.raises(psycopg.Error):
        connection.run_compiled("SELECT what FROM seen", ())
    assert connection.closed


def test_what_is_prepared_stays_so_after_a_rollback(connection: PipelinedConnection) -> None:
    for _ in range(7):
        connection.run_compiled("SELECT 1", ())
    connection.execute("BEGIN")
    for _ in range(7):
        connection.execute("SELECT %(one)s", {"one": 1})
    connection.execute("ROLLBACK")
    assert prepared(connection) == ["SELECT 1"]
    assert connection.run_compiled("SELECT 1", ()).fetchall() == [(1,)]


def test_a_statement_that_fails_once_it_is_prepared_is_still_known_by_its_name(
    connection: PipelinedConnection,
) -> None:
    for divisor in (1, 1, 1, 1, 1, 0, 0, 1):
        with suppress(psycopg.errors.DivisionByZero):
            connection.run_compiled("SELECT 6 / $1", (divisor,))
    assert prepared(connection) == ["SELECT 6 / $1"]


def test_what_sqlalchemy_has_let_wait_is_run_before_a_compiled_statement(
    connection: PipelinedConnection,
) -> None:
    connection.execute("CREATE TEMPORARY TABLE seen (what text)")
    connection.begin()
    connection.let_wait("INSERT INTO seen VALUES (%(what)s)", {"what": "named"})
    connection.let_wait("INSERT INTO seen VALUES ($1)", ("numbered",))
    rows = connection.run_compiled("SELECT what FROM seen WHERE what <> $1", ("",)).fetchall()
    assert rows == [("named",), ("numbered",)]
    connection.let_wait("INSERT INTO seen VALUES (%(what)s)", {"what": "last"})
    connection.end("COMMIT")
    assert connection.execute("SELECT count(*) FROM seen").fetchone() == (3,)


def test_an_interrupt_ends_the_connection_and_its_transaction(
    connection: PipelinedConnection, postgres_server: PostgresServer
) -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    connection.begin()
    connection.run_compiled("SELECT pg_advisory_xact_lock(1)", ())
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            connection.run_compiled("SELECT pg_sleep(3600)", ())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert connection.closed
    with pytest.raises(psycopg.OperationalError):
        connection.run_compiled("SELECT 1", ())


def test_a_statement_of_sqlalchemy_gets_numbered_places() -> None:
    table = sa.table("t", sa.column("a"), sa.column("b"))
    a: sa.BindParameter[str] = sa.bindparam("a")
    b: sa.BindParameter[str] = sa.bindparam("b")
    statement = sa.select(table.c.a % 7).where(table.c.a == a, table.c.b == b, table.c.b > a)
    compiled = Compiled(statement, (), PipelinedDialect())
    assert "t.a % " in compiled.text
    assert "t.a = $2" in compiled.text
    assert "t.b = $3" in compiled.text
    assert "t.b > $2" in compiled.text
    assert compiled.parameters({"b": "B", "a": "A"}) == [7, "A", "B"]
