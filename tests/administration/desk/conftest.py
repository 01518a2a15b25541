from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.roles import Role
from kiosk.store.database import Store
from tests.administration.desk.house import means_of, office_of
from tests.support.database import (
    PostgresServer,
    SetClock,
    TestDatabase,
    migrated,
    running_postgres,
    sqlite_url,
)


@pytest.fixture(scope="session")
def desk_server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(
    request: pytest.FixtureRequest, desk_template: Path, tmp_path: Path
) -> Iterator[TestDatabase]:
    """A fresh database of either kind."""
    if request.param == "sqlite":
        url = sqlite_url(Path(shutil.copy(desk_template, tmp_path / "kiosk.db")))
    else:
        url = request.getfixturevalue("desk_server").fresh()
    database = TestDatabase(url, request.param, SetClock())
    yield database
    database.close()


@pytest.fixture
def store(database: TestDatabase) -> Store:
    return database.store()


@pytest.fixture
def clock(database: TestDatabase) -> SetClock:
    return database.clock


@pytest.fixture
def means(store: Store, clock: SetClock, tmp_path: Path) -> Means:
    return means_of(store, clock, tmp_path)


@pytest.fixture
def manager(means: Means) -> Office:
    return office_of(means, Role.MANAGER)


@pytest.fixture
def agent(means: Means) -> Office:
    return office_of(means, Role.AGENT)


@pytest.fixture
def auditor(means: Means) -> Office:
    return office_of(means, Role.AUDITOR)
