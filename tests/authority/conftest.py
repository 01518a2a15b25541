from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import World, copy_template


@pytest.fixture
def folder(sqlite_template: Path, database_folder: Path) -> Path:
    return copy_template(sqlite_template, database_folder)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    world = World(folder)
    yield world
    world.store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def each_world(request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """A world on each of the databases."""
    elsewhere = request.param == "postgresql"
    url = request.getfixturevalue("postgres_server").fresh() if elsewhere else ""
    world = World(folder, url=url)
    yield world
    world.store.close()
