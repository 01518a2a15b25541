from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.records import Card
from kiosk.authority.store.database import Store
from tests.authority.assisting import office_beside
from tests.authority.world import World, copy_template
from tests.support.database import PostgresServer, SetClock, TestDatabase


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


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is registered."""
    return world.registered_card()


@pytest.fixture
def agent(world: World) -> Office:
    """The office of an RA agent, beside the service that ``world`` runs."""
    return office_beside(world)


@pytest.fixture
def database(sqlite_database: TestDatabase) -> TestDatabase:
    """A fresh SQLite file; a folder whose tests need either kind has its own fixture."""
    return sqlite_database


@pytest.fixture
def store(database: TestDatabase) -> Store:
    return database.store()


@pytest.fixture
def clock(database: TestDatabase) -> SetClock:
    return database.clock


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.fresh()


@pytest.fixture
def signer(ring: KeyRing) -> AnchorSigner:
    return AnchorSigner(ring)
