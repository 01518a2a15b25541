from __future__ import annotations

import pytest

from tests.support.database import TestDatabase


@pytest.fixture
def database(sqlite_database: TestDatabase) -> TestDatabase:
    return sqlite_database
