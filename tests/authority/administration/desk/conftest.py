from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from tests.authority.administration.desk.history import History
from tests.authority.administration.desk.offices import means_of, office_of
from tests.authority.administration.desk.people import somebody
from tests.authority.store.samples import Person
from tests.authority.world import World
from tests.support.database import SetClock, TestDatabase


@pytest.fixture
def database(either_database: TestDatabase) -> TestDatabase:
    """A fresh database of either kind."""
    return either_database


@pytest.fixture
def means(store: Store, clock: SetClock, tmp_path: Path) -> StaffDependencies:
    return means_of(store, clock, tmp_path)


@pytest.fixture
def manager(means: StaffDependencies) -> Office:
    return office_of(means, Role.MANAGER)


@pytest.fixture
def agent(means: StaffDependencies) -> Office:
    return office_of(means, Role.AGENT)


@pytest.fixture
def auditor(means: StaffDependencies) -> Office:
    return office_of(means, Role.AUDITOR)


@pytest.fixture
def asha(means: StaffDependencies) -> Person:
    """Somebody who is registered."""
    return somebody(means)


@pytest.fixture
def history(store: Store, clock: SetClock) -> History:
    return History(store, clock)


@pytest.fixture
def world(database: TestDatabase, tmp_path: Path) -> Iterator[World]:
    """A service on the database of the desk."""
    world = World(tmp_path, url=database.url)
    yield world
    world.store.close()
