"""Fixtures: one migrated SQLite file and one PostgreSQL for a whole run, and copies for a test.

``sqlite_database``, ``postgres_database`` and ``either_database`` (a test each) are as they are
after migrating; stores that were opened on them are closed with the test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from tests.support.database import (
    TEMPLATE,
    PostgresServer,
    SetClock,
    TestDatabase,
    migrated,
    running_postgres,
    sqlite_url,
)

_MEMORY = "/dev/shm"
_OF_MODULE = "kiosk_module"


class _Compilations(dict[tuple[Any, ...], Any]):
    """What SQLAlchemy has compiled, for all engines that speak the same dialect."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), compiled)


@pytest.fixture(scope="session", autouse=True)
def _compile_once() -> Iterator[None]:
    """Let the engines of all tests share what is compiled: that was a third of such a test."""
    compilations = _Compilations()

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compilations)

    event.listen(Engine, "engine_connect", share)
    yield
    event.remove(Engine, "engine_connect", share)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a folder in memory, where there is such a place: each commit would wait for the disk.

    Processes are killed in tests, never the machine: what reached the disk plays no part.
    """
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=memory, prefix="kiosk-") as name:
        yield Path(name)


@pytest.fixture
def database_folder() -> Iterator[Path]:
    """A folder for the database of a test, and for what lies beside it."""
    with folder_in_memory() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server with a migrated template in it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def sqlite_database(sqlite_template: Path, database_folder: Path) -> Iterator[TestDatabase]:
    """A fresh file, ``kiosk.db`` in the test's ``database_folder``."""
    path = database_folder / "kiosk.db"
    shutil.copy(sqlite_template, path)
    database = TestDatabase(sqlite_url(path), "sqlite", SetClock())
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[TestDatabase]:
    """A fresh database of the server; there is one at a time."""
    database = TestDatabase(postgres_server.fresh(), "postgresql", SetClock())
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def either_database(request: pytest.FixtureRequest) -> TestDatabase:
    """A fresh database, of either kind in turn."""
    kind = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    found: TestDatabase = request.getfixturevalue(kind)
    return found


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def module_database(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestDatabase]:
    """A database of either kind for a module: one fixture fills it, and its tests only read."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("sqlite") / "kiosk.db"
        shutil.copy(sqlite_template, path)
        database = TestDatabase(sqlite_url(path), "sqlite", SetClock())
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.execute(f"CREATE DATABASE {_OF_MODULE} TEMPLATE {TEMPLATE}")
    database = TestDatabase(server.url(_OF_MODULE), "postgresql", SetClock())
    yield database
    database.close()
    server.execute(f"DROP DATABASE {_OF_MODULE} WITH (FORCE)")
