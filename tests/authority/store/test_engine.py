from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from kiosk.authority.administration.checks import check_database
from kiosk.authority.errors import StoreBusy, StoreError
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url, place_of, translated
from kiosk.contract.errors import ConfigError
from tests.authority.store import samples
from tests.support.database import MACS, SetClock, TestDatabase, sqlite_url

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 1500,
    "trusted_schema": 0,
    "secure_delete": 1,
}

WRITE_AND_LIST_MODULES = """
import sys
from importlib import import_module
from kiosk.app.cli.admin import LOADED
for module in LOADED:
    import_module(module)
from kiosk.authority.administration.checks import check_database
from kiosk.authority.store.database import Store
from tests.authority.store import samples
from tests.support.database import MACS, SetClock
store = Store(sys.argv[1], SetClock(), MACS)
samples.stored_person(store)
store.close()
print(*sys.modules, sep="\\n")
"""


@pytest.mark.parametrize(
    "address", ["kiosk:x@y:canary@db/kiosk", "kiosk@db:/kiosk", "/kiosk?host=a:5432&host=b:canary"]
)
def test_an_address_whose_port_is_no_number_is_refused_without_repeating_it(address: str) -> None:
    """Before: a traceback, with what stands after the second @ of a password in it."""
    with pytest.raises(ConfigError, match="is not a URL whose ports are numbers") as refused:
        parse_url(f"postgresql://{address}")
    assert refused.value.__suppress_context__
    assert "canary" not in str(refused.value)


def modules_after_a_write(url: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", WRITE_AND_LIST_MODULES, url], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_the_dialect_of_postgresql_is_loaded_where_it_is_used(
    either_database: TestDatabase,
) -> None:
    loaded = "sqlalchemy.dialects.postgresql" in modules_after_a_write(either_database.url)
    assert loaded == either_database.url.startswith("postgresql")


def test_the_pragmas_are_set_on_every_connection(sqlite_database: TestDatabase) -> None:
    store = sqlite_database.store(busy_timeout_s=1.5)
    with store.read() as first, store.read() as second:
        for uow in (first, second):
            gateway = uow._gateway
            found = {name: gateway.scalar(text(f"PRAGMA {name}")) for name in PRAGMAS}
            assert found == PRAGMAS


def test_the_limits_are_set_on_every_connection(postgres_database: TestDatabase) -> None:
    store = postgres_database.store(busy_timeout_s=1.5)
    expected = {"lock_timeout": "1500ms", "statement_timeout": "30s", "TimeZone": "UTC"}
    with store._engine.connect() as connection:
        for name, value in expected.items():
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == value


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    umask = os.umask(0)
    try:
        store = Store(sqlite_url(path), SetClock(), MACS)
        store.migrate()
        samples.stored_person(store)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(umask)
    names = ["kiosk.db", "kiosk.db-wal", "kiosk.db-shm", ".lock.kiosk.db"]
    assert modes == dict.fromkeys(names, 0o600)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = Store(sqlite_url(tmp_path / "none" / "kiosk.db"), SetClock(), MACS)
    with pytest.raises(StoreError, match="No such file"):
        store.migrate()


# --- locked and gone -------------------------------------------------------------------


@contextmanager
def another_writer(database: TestDatabase) -> Iterator[None]:
    """Hold what a writer needs, from a connection that is none of ours."""
    if database.dialect == "sqlite":
        holder = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.close()
    else:
        with psycopg.connect(database.url) as connection:
            connection.execute("LOCK TABLE audit_event IN SHARE MODE")
            yield


def append(store: Store) -> None:
    with store.begin() as uow:
        uow.audit.append(kind="step", reference="R")
        uow.commit()


def test_a_database_that_stays_locked_is_busy_and_works_again(database: TestDatabase) -> None:
    store = database.store(busy_timeout_s=0.2)
    with another_writer(database):
        for _ in range(2):
            with pytest.raises(StoreBusy) as busy:
                append(store)
            assert busy.value.code in {"SQLITE_BUSY", "55P03"}
        # Whoever only reads is not kept out.
        with store.read() as uow:
            assert uow.audit.heads()[0].seq == 0
    append(store)
    with store.read() as uow:
        assert uow.audit.heads()[0].seq == 1


def test_the_first_switch_to_wal_waits_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.executescript("CREATE TABLE t (n); BEGIN; SELECT * FROM t;")
    store = Store(sqlite_url(path), SetClock(), MACS, busy_timeout_s=0.1)
    with pytest.raises(StoreBusy):
        store.schema_serves()
    store.close()
    patient = Store(sqlite_url(path), SetClock(), MACS, busy_timeout_s=30)
    threading.Timer(0.1, reader.close).start()
    assert not patient.schema_serves()
    patient.close()


def test_a_pool_that_is_used_up_is_busy(database: TestDatabase) -> None:
    store = Store(database.url, database.clock, MACS, busy_timeout_s=0.1, pool_size=1)
    store._engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    with store.read(), pytest.raises(StoreBusy) as busy, store.read():
        pass
    assert busy.value.code == "pool"
    assert store.schema_serves()
    store.close()


def test_deadlock_ends_one_transaction_as_busy(
    postgres_database: TestDatabase,
) -> None:
    store = postgres_database.store()
    cards = [samples.stored_person(store, number).card.id for number in ("1", "2")]
    gate = threading.Barrier(2)

    def lock(order: list[str]) -> str:
        with store.begin() as uow:
            uow.cards.lock(order[0])
            gate.wait()
            try:
                uow.cards.lock(order[1])
            except StoreBusy as busy:
                return busy.code
            uow.commit()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lock, [cards, cards[::-1]])) == ["40P01", "done"]


def test_a_full_disk_refuses_and_undoes(sqlite_database: TestDatabase) -> None:
    store = Store(sqlite_database.url, sqlite_database.clock, MACS, pool_size=1)
    append(store)
    raw = store._engine.raw_connection()
    (pages,) = raw.execute("PRAGMA page_count").fetchone()
    raw.execute(f"PRAGMA max_page_count = {pages}")
    raw.close()
    with pytest.raises(StoreError) as full:
        samples.stored_person(store, "1" * 100_000)
    assert full.value.code == "SQLITE_FULL"
    with store.read() as uow:
        assert uow.audit.verify().rows == 1
        assert uow.holders.by_numbers(["1" * 100_000]) == {}
    store.close()


def test_a_server_that_dropped_us_is_found_again(postgres_database: TestDatabase) -> None:
    store = postgres_database.store()
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='kiosk'"
    assert store.schema_serves()
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kiosk'"
    with psycopg.connect(postgres_database.url, autocommit=True) as other:
        other.execute(drop)
        while other.execute(left).fetchone() != (0,):
            pass  # the server ends a connection in its own time
        append(store)
        with store.begin() as uow:
            uow.audit.heads()
            other.execute(drop)
            with pytest.raises(StoreError) as lost:
                uow.audit.heads()
    assert lost.value.code == "57P01"
    append(store)


def test_a_server_that_is_not_there() -> None:
    store = Store("postgresql://kiosk@/kiosk?host=/nowhere", SetClock(), MACS)
    with pytest.raises(StoreError) as away:
        store.schema_serves()
    assert away.value.code == "08006"


def test_a_file_that_is_another_one_is_used_no_more(sqlite_database: TestDatabase) -> None:
    store = sqlite_database.store()
    samples.stored_person(store)
    assert store.file is not None
    other, away = store.file.with_name("other.db"), store.file.with_name("away.db")
    with closing(sqlite3.connect(store.file)) as file, closing(sqlite3.connect(other)) as copy:
        file.backup(copy)
    store.file.rename(away)
    with pytest.raises(StoreError, match="is gone"):
        store.schema_serves()
    away.rename(store.file)
    assert store.schema_serves()
    other.rename(store.file)
    for _ in range(2):
        with pytest.raises(StoreError, match="another"), store.begin():
            pass
    store.close()
    assert store.schema_serves()


HOST = "postgresql://staff1@{}/kiosk?sslmode=verify-full"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (HOST.format("db"), "postgresql://authority1:pw@db:5432/kiosk", True),
        (HOST.format("db"), HOST.format("db2"), False),
        (HOST.format("db"), HOST.format("db:5433"), False),
        (HOST.format("db"), "postgresql://staff1@db/kiosk2", False),
        ("postgresql:///kiosk?host=a:1&host=b:2", "postgresql:///kiosk?host=b:2&host=a:1", True),
        ("postgresql:///kiosk?host=a:1&host=b:2", "postgresql:///kiosk?host=a:1", False),
        ("sqlite:////a/kiosk.db", "sqlite:////b/kiosk.db", False),
        ("sqlite:////a/kiosk.db", HOST.format("db"), False),
    ],
)
def test_addresses_of_one_database_are_distinguished_from_those_of_two(
    one: str, other: str, is_same: bool
) -> None:
    assert (place_of(one) == place_of(other)) is is_same
    assert "pw" not in place_of(other)


def _full() -> sqlite3.Error:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.Error) as refused:
            connection.execute("CREATE TABLE t (x)")
    return refused.value


def _failing() -> sqlite3.Error:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = 4874, "SQLITE_IOERR_SHMSIZE"
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_full(), "the disk of the database is full, or fails (SQLITE_FULL)"),
        (_failing(), "the disk of the database is full, or fails (SQLITE_IOERR_SHMSIZE)"),
        (psycopg.errors.DiskFull(), "the disk of the database server is full"),
        (psycopg.errors.ReadOnlySqlTransaction(), "the database server takes no writes: it is"),
    ],
)
def test_what_is_wrong_with_the_disk_is_said(error: Exception, said: str) -> None:
    """Before: the database refused, with a code."""
    assert str(translated(error)).startswith(said)


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.db"
    file.write_text("a people file, for instance\n" * 100)
    store = Store(sqlite_url(file), SetClock(), MACS)
    found = check_database(store, tmp_path, sqlite_url(file), has_keys=False)
    assert found.found == "the database file is damaged, or is no database (SQLITE_NOTADB)"
    assert "restore your backup" in found.advice
    store.close()
