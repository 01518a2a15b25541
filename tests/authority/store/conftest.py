from __future__ import annotations

import pytest

from tests.support.database import TestDatabase


@pytest.fixture
def database(either_database: TestDatabase) -> TestDatabase:
    """A fresh database of either kind."""
    return either_database
