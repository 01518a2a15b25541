from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.store.database import Store
from tests.support.database import (
    PostgresServer,
    SetClock,
    TestDatabase,
    migrated,
    running_postgres,
    sqlite_url,
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[TestDatabase]:
    path = tmp_path / "kiosk.db"
    shutil.copy(sqlite_template, path)
    database = TestDatabase(sqlite_url(path), "sqlite", SetClock())
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[TestDatabase]:
    database = TestDatabase(postgres_server.fresh(), "postgresql", SetClock())
    yield database
    database.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def database(request: pytest.FixtureRequest) -> TestDatabase:
    """A fresh database of either kind."""
    kind = {"sqlite": "sqlite_database", "postgresql": "postgres_database"}[request.param]
    found: TestDatabase = request.getfixturevalue(kind)
    return found


@pytest.fixture
def store(database: TestDatabase) -> Store:
    return database.store()
