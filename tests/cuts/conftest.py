from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from tests.authority.world import World
from tests.cuts.chips import CardServer
from tests.cuts.cutter import Cutter
from tests.cuts.databases import Base, SqliteBase
from tests.cuts.estate import Estate
from tests.cuts.families import SOCKET, ChipFamily, families
from tests.cuts.reader import real_cards
from tests.cuts.runs import Stations
from tests.support.database import SetClock, migrated, sqlite_url

OpenEstate = Callable[..., Estate]


@pytest.fixture(scope="module")
def stations() -> Iterator[Stations]:
    started = Stations()
    yield started
    started.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "kiosk.db"
    migrated(sqlite_url(path))
    return path


@pytest.fixture
def folder(template: Path, database_folder: Path) -> Path:
    """A folder with keys and a database."""
    shutil.copy(template, database_folder / "kiosk.db")
    KeyRing.create(database_folder / "keys.json")
    KeyRing.rotate(database_folder / "keys.json", KeyPurpose.DERIVE)
    return database_folder


@pytest.fixture
def open_estate(folder: Path) -> Iterator[OpenEstate]:
    """Open an estate with a card that speaks APDUs, on a database of its own."""
    with ExitStack() as stack:

        def open_(name: str, *, blocked: bool, base: Base | None = None) -> Estate:
            family = families()[name]
            assert isinstance(family, ChipFamily)
            base = base or SqliteBase(folder)
            world = World(folder, url=base.url)
            stack.callback(world.store.close)
            reader_card = family.reader_card(folder, SetClock().forward(days=365), blocked=blocked)
            stack.callback(CardServer(folder / SOCKET, reader_card).close)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            cards = real_cards(reader_card, family.speaks(), Cutter(), patch)
            return Estate(world, base, family, reader_card, cards, blocked=blocked)

        yield open_
