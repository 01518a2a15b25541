from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.secrets.keys import KeyRing
from kiosk.secrets.sealing import Sealer
from kiosk.store.database import Store
from tests.administration.importing import Importer
from tests.support.database import SetClock, TestDatabase, migrated, sqlite_url


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("administration") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[TestDatabase]:
    path = tmp_path / "kiosk.db"
    shutil.copy(template, path)
    database = TestDatabase(sqlite_url(path), "sqlite", SetClock())
    yield database
    database.close()


@pytest.fixture
def store(database: TestDatabase) -> Store:
    return database.store()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh()


@pytest.fixture
def sealer(ring: KeyRing) -> Sealer:
    return Sealer(ring)


@pytest.fixture
def importer(store: Store, sealer: Sealer) -> Importer:
    return Importer(store, sealer)
