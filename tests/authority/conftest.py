from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.world import World, copy_template
from tests.support.database import migrated, sqlite_url


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
