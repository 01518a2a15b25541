"""How a server is reached: one of several hosts, the time that counts, and what may not be lost."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.store import postgresql
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import unverified_host
from kiosk.authority.store.postgresql import DatabaseClock
from kiosk.contract.ports import SystemClock
from kiosk.system.sockets import free_ports
from tests.authority.store import samples
from tests.support.database import MACS, PORT, PostgresServer, SetClock

pytestmark = pytest.mark.postgresql

UNUSUAL = {"DateStyle": "German", "client_encoding": "LATIN1"}


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh database, which is as it was afterwards."""
    yield postgres_server.fresh()
    for name in ("synchronous_commit", "default_transaction_read_only", *UNUSUAL):
        postgres_server.execute(f"ALTER DATABASE kiosk_test RESET {name}")


def answers(url: str) -> bool:
    store = Store(url, SetClock(), MACS, busy_timeout_s=2)
    try:
        return store.schema_serves()
    finally:
        store.close()


def setting(url: str, name: str) -> str:
    store = Store(url, SystemClock(), MACS)
    try:
        with store._engine.connect() as connection:
            return str(connection.exec_driver_sql(f"SHOW {name}").scalar())
    finally:
        store.close()


def test_the_host_that_can_be_written_to_is_found(
    postgres_server: PostgresServer, url: str
) -> None:
    [nobody] = free_ports(1)
    away = f"127.0.0.1:{nobody}"
    there = f"{postgres_server.folder}:{PORT}"
    assert answers(f"postgresql://kiosk@/kiosk_test?host={away}&host={there}")


def test_a_new_connection_first_tries_the_host_that_answered_last(
    postgres_server: PostgresServer, url: str
) -> None:
    """Before: each new one waited for a machine that had vanished until it was given up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        away = f"127.0.0.1:{silent.getsockname()[1]}"
        there = f"{postgres_server.folder}:{PORT}"
        address = f"postgresql://kiosk@/kiosk_test?host={away}&host={there}"
        store = Store(address, SetClock(), MACS, busy_timeout_s=2, pool_size=2)
        try:
            with store.read():
                tried, _ = silent.accept()
                tried.close()
                with store.read():
                    pass
            with pytest.raises(BlockingIOError):
                silent.accept()
        finally:
            store.close()


def test_a_server_that_only_reads_is_none(postgres_server: PostgresServer, url: str) -> None:
    postgres_server.execute("ALTER DATABASE kiosk_test SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="takes no writes"):
        answers(url)
    assert answers(f"{url}&target_session_attrs=any")


def test_where_the_server_began_to_only_read_another_one_is_looked_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(url, SetClock(), MACS, pool_size=2)
    try:
        with store._engine.connect() as one, store._engine.connect() as other:
            for connection in (one, other):
                connection.exec_driver_sql("SET default_transaction_read_only = on")
                connection.commit()
        with monkeypatch.context() as rested:
            rested.setattr(postgresql, "RESTED_S", -1.0)
            store.check_writable()
        with store.read(), store.read():
            pass
        store.check_writable()
    finally:
        store.close()


def test_a_server_that_began_to_only_read_is_found_without_a_write(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "RESTED_S", 1e9)
    store = Store(url, SetClock(), MACS, pool_size=1)
    try:
        store.check_writable()
        with store._engine.connect() as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = on")
            connection.commit()
        assert store.schema_serves()
        with pytest.raises(StoreError, match="takes no writes") as refused:
            store.check_writable()
        assert refused.value.code == "25006"
    finally:
        store.close()


@pytest.mark.parametrize(("level", "taken"), [("off", False), ("local", True), ("on", True)])
def test_a_server_that_may_lose_what_it_acknowledged_is_refused(
    postgres_server: PostgresServer, url: str, level: str, taken: bool
) -> None:
    postgres_server.execute(f"ALTER DATABASE kiosk_test SET synchronous_commit = {level}")
    if taken:
        assert answers(url)
        return
    with pytest.raises(StoreError, match="synchronous_commit is off") as refused:
        answers(url)
    assert refused.value.code == "synchronous_commit"


def test_a_commit_that_does_not_wait_for_a_standby_is_refused(
    postgres_server: PostgresServer, url: str
) -> None:
    postgres_server.execute("ALTER DATABASE kiosk_test SET synchronous_commit = local")
    postgres_server.execute("ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'")
    try:
        postgres_server.execute("SELECT pg_reload_conf()")
        with psycopg.connect(url, autocommit=True) as owner:
            while owner.execute("SHOW synchronous_standby_names").fetchone() != ("elsewhere",):
                pass
        with pytest.raises(StoreError, match="is local"):
            answers(url)
    finally:
        postgres_server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        postgres_server.execute("SELECT pg_reload_conf()")


def test_waits_are_bounded_and_the_address_has_the_last_word(url: str) -> None:
    assert setting(url, "lock_timeout") == "5s"
    assert setting(url, "statement_timeout") == "30s"
    assert setting(url, "idle_in_transaction_session_timeout") == "1min"
    assert setting(url, "TimeZone") == "UTC"
    assert setting(f"{url}&options=-c statement_timeout=7s", "statement_timeout") == "7s"
    assert setting(f"{url}&application_name=other", "application_name") == "other"


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_form_of_values_does_not_depend_on_the_server(
    postgres_server: PostgresServer, url: str, name: str
) -> None:
    """Before: no time could be read, or no name outside Western Europe be stored."""
    postgres_server.execute(f"ALTER DATABASE kiosk_test SET {name} = '{UNUSUAL[name]}'")
    store = Store(url, SystemClock(), MACS)
    person = samples.holder("1")
    with store.begin() as uow:
        uow.holders.put([replace(person, name="Łukasz", left_at=samples.NOW)])
        uow.commit()
    with store.read() as uow:
        assert uow.holders.get(person.id) == replace(person, name="Łukasz", left_at=samples.NOW)
    store.close()


def test_the_start_up_options_are_as_pgbouncer_takes_them(url: str) -> None:
    """Before: it refused them for the space at their end."""
    store = Store(url, SystemClock(), MACS)
    with store._engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        words = driver.info.options.split(" ")
    store.close()
    assert {*words[::2]} == {"-c"}
    assert all("=" in word for word in words[1::2])
    assert len(words) % 2 == 0


def test_a_server_whose_machine_vanished_is_not_waited_for_until_the_kernel_gives_up(
    url: str,
) -> None:
    """Without these that takes a quarter of an hour."""
    store = Store(url, SystemClock(), MACS)
    with store._engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, psycopg.Connection)
        asked = driver.info.get_parameters()
    store.close()
    named = ("keepalives_idle", "keepalives_interval", "keepalives_count")
    assert {int(asked[name]) for name in named} == {20, 5, 3}
    assert int(asked["tcp_user_timeout"]) <= 20_000


def test_the_server_says_what_time_it_is(url: str) -> None:
    store = Store(url, SystemClock(), MACS)
    with psycopg.connect(url) as owner:
        began = time.monotonic()
        (before,) = owner.execute("SELECT clock_timestamp()").fetchone() or ()
        with store.begin() as uow:
            assert uow.now.utcoffset() == timedelta(0)
            first = uow.now
        with store.read() as uow:
            assert first <= uow.now
        (after,) = owner.execute("SELECT clock_timestamp()").fetchone() or ()
        # The answer counts as half way between question and arrival: wrong by half of that at most.
        way = timedelta(seconds=time.monotonic() - began)
    store.close()
    assert before - way <= first <= after + way


def test_the_machine_s_own_time_does_not_count() -> None:
    clock = DatabaseClock()
    assert clock.is_old
    with pytest.raises(StoreError):
        clock.now()
    said = datetime(2031, 1, 1, tzinfo=UTC)
    clock.set(said, clock.monotonic())
    assert said <= clock.now()
    assert clock.now().year == 2031
    assert not clock.is_old


def test_every_host_that_is_not_verified_is_named() -> None:
    several = "postgresql://kiosk@/db?host=db1.nhs.uk:5432&host=db2.nhs.uk:5432"
    assert unverified_host(several) == "db1.nhs.uk:5432, db2.nhs.uk:5432"
    assert unverified_host(f"{several}&sslmode=verify-full") == ""
    assert unverified_host("postgresql://kiosk@db1.nhs.uk/db") == "db1.nhs.uk"
    assert unverified_host("postgresql://kiosk@/db?host=/run/postgresql") == ""
