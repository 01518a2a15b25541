from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from kiosk.authority.errors import StoreError
from kiosk.authority.records import new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.schema import MIGRATIONS
from kiosk.authority.store.tables import REVISION, TableRow
from tests.authority.store import samples
from tests.support.database import MACS, PostgresServer, SetClock, TestDatabase, sqlite_url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which nobody has made anything."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"empty_{tmp_path.name[-20:].lower()}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_models_and_migrations_agree(database: TestDatabase) -> None:
    with engine(database.url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TableRow.metadata) == []


def test_the_newest_migration_is_the_one_of_the_tables() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [REVISION]


def test_migrating_twice_is_harmless(empty_url: str) -> None:
    store = Store(empty_url, SetClock(), MACS)
    assert store.migrate() == store.migrate() == REVISION
    assert store.schema_serves()
    store.close()


def test_many_may_migrate_at_once(empty_url: str) -> None:
    def migrate(_: int) -> str:
        store = Store(empty_url, SetClock(), MACS, busy_timeout_s=30)
        try:
            return store.migrate()
        finally:
            store.close()

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(migrate, range(3))) == {REVISION}


def test_a_database_without_schema_is_not_current(empty_url: str, tmp_path: Path) -> None:
    if empty_url.startswith("sqlite"):
        (tmp_path / "empty.db").touch()
    store = Store(empty_url, SetClock(), MACS)
    assert not store.schema_serves()
    store.close()


def set_schema(database: TestDatabase, revision: str, least_program: str) -> None:
    """Let the database be as a migration leaves it that this program does not know."""
    with engine(database.url).begin() as connection:
        for table, column, value in (
            ("alembic_version", "version_num", revision),
            ("served_program", "least_program", least_program),
        ):
            connection.execute(sa.text(f"UPDATE {table} SET {column} = '{value}'"))


@pytest.mark.parametrize(
    ("revision", "least_program", "serves"),
    [
        (REVISION, REVISION, True),
        ("0008", REVISION, True),  # it only added something
        ("0009", "0000", True),
        ("0008", "0008", False),  # it took something away that this program needs
        ("0009", "0008", False),
        ("0000", "0000", False),  # it lacks what this program needs
    ],
)
def test_a_newer_schema_serves_the_programs_that_it_says(
    database: TestDatabase, store: Store, revision: str, least_program: str, serves: bool
) -> None:
    """A rolling upgrade: replicas of the program before go on while it is replaced."""
    set_schema(database, revision, least_program)
    assert store.schema_serves() is serves


def test_the_program_before_works_on_after_a_migration(
    database: TestDatabase, store: Store
) -> None:
    """It added a column, a table and an index, as an expanding migration does."""
    with engine(database.url).begin() as connection:
        for statement in (
            "ALTER TABLE visit ADD COLUMN of_the_next_program VARCHAR",
            "CREATE TABLE of_the_next_program (id VARCHAR PRIMARY KEY)",
            "CREATE INDEX ix_of_the_next_program ON visit (of_the_next_program)",
        ):
            connection.execute(sa.text(statement))
    set_schema(database, "0008", REVISION)
    assert store.schema_serves()
    person = samples.registered_person(store)
    visit = replace(samples.visit(person.card.id, person.holder.id), id=new_id(), reference="R")
    with store.begin() as uow:
        assert uow.visits.add(visit)
        uow.audit.append(kind="visit-opened", reference=visit.reference)
        uow.commit()
    with store.read() as uow:
        assert uow.visits.get(visit.id) == visit
        assert uow.audit.verify().rows == 1


def test_a_database_of_a_newer_program_is_left_alone(database: TestDatabase, store: Store) -> None:
    set_schema(database, "9999", "9999")
    assert not store.schema_serves()
    with pytest.raises(StoreError) as refused:
        store.migrate()
    assert refused.value.code == "schema"


def test_a_migration_that_fails_leaves_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    real = Operations.execute

    def fail_late(self: Operations, statement: Any) -> None:
        if "audit_gap_" in str(statement):
            raise sa.exc.OperationalError("CREATE TRIGGER", None, OSError("disk full"))
        real(self, statement)

    store = Store(empty_url, SetClock(), MACS)
    with monkeypatch.context() as patched:
        patched.setattr(Operations, "execute", fail_late)
        with pytest.raises(StoreError):
            store.migrate()
    assert sa.inspect(engine(empty_url)).get_table_names() == []
    assert store.migrate() == REVISION
    store.close()


def engine(url: str) -> sa.Engine:
    """Return an engine of the test's own, which keeps no connection."""
    return sa.create_engine(parse_url(url), poolclass=sa.NullPool)
