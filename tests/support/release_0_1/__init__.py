"""A database of version 0.1, as that program made it: on SQLite, and on a PostgreSQL server."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kiosk.authority.records import Card
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

HERE = Path(__file__).parent
ABOUT: Mapping[str, Any] = json.loads((HERE / "people.json").read_text())
PEOPLE: Mapping[str, Mapping[str, str]] = ABOUT["people"]


def load_file(path: Path) -> None:
    """Make the database file of 0.1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "sqlite.sql").read_text())


def load_server(url: str) -> None:
    """Fill an empty database of a server as one of 0.1 is."""
    with psycopg.connect(url) as connection:
        connection.execute((HERE / "postgresql.sql").read_bytes())


def world_of_0_1(folder: Path, url: str = "") -> World:
    """Return the authority on a database of 0.1, at ``url`` or in ``folder``, not migrated yet."""
    (folder / "keys.json").touch(0o600)
    shutil.copyfile(HERE / "keys.json", folder / "keys.json")
    if url:
        load_server(url)
    else:
        load_file(folder / "kiosk.db")
    world = World(folder, url=url)
    world.clock.time = datetime.fromisoformat(ABOUT["now"])
    return world


@dataclass(frozen=True)
class Person:
    """Somebody in that database: their card, and the visit that they were in."""

    world: World
    about: Mapping[str, str]

    @property
    def card(self) -> Card:
        with self.world.store.read() as uow:
            found = uow.cards.get(self.about["card"])
        assert found is not None
        return found

    def insert(self, station: str = "A", *, blocked: bool = True) -> StationVisit:
        return self.world.insert(
            self.card, blocked=blocked, station=station, reader_card=_reader_card()
        )


def person(world: World, name: str) -> Person:
    return Person(world, PEOPLE[name])


def _reader_card() -> ReaderCard:
    keys = []
    for name in ("key", "pin_key"):
        key = load_pem_private_key(ABOUT[name].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        keys.append(key)
    return ReaderCard(keys[0], bytes.fromhex(ABOUT["certificate"]), pin_key=keys[1])
