from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database import SetClock, TestDatabase, migrated, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[TestDatabase]:
    url = sqlite_url(tmp_path / "kiosk.db")
    migrated(url)
    database = TestDatabase(url, "sqlite", SetClock())
    yield database
    database.close()
