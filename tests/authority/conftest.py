from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import World, copy_template
from tests.support.database import PostgresServer


@pytest.fixture
def folder(sqlite_template: Path, database_folder: Path) -> Path:
    return copy_template(sqlite_template, database_folder)


@pytest.fixture
def sqlite_world(folder: Path) -> Iterator[World]:
    world = World(folder)
    yield world
    world.store.close()


@pytest.fixture
def postgresql_world(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, url=postgres_server.fresh())
    yield world
    world.store.close()


@pytest.fixture
def world(sqlite_world: World) -> World:
    return sqlite_world


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def each_world(request: pytest.FixtureRequest) -> World:
    """A world on each of the databases."""
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found
