from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import World, copy_template
from tests.support.database import PostgresServer, migrated, running_postgres, sqlite_url


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file."""
    path = tmp_path_factory.mktemp("authority") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return copy_template(template, tmp_path)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    world = World(folder)
    yield world
    world.store.close()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def each_world(request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """A world on each of the databases."""
    elsewhere = request.param == "postgresql"
    url = request.getfixturevalue("server").fresh() if elsewhere else ""
    world = World(folder, url=url)
    yield world
    world.store.close()
