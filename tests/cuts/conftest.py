from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.authority.world import World
from tests.cuts.bases import Base, SqliteBase
from tests.cuts.chips import CardServer
from tests.cuts.cutter import Cutter
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
def open_estate(template: Path, tmp_path: Path) -> Iterator[OpenEstate]:
    """Open an estate with a card that speaks APDUs, on a database of its own."""
    with ExitStack() as stack:

        def open_(name: str, *, blocked: bool, base: Base | None = None) -> Estate:
            family = families()[name]
            assert isinstance(family, ChipFamily)
            (tmp_path / "kiosk.db").write_bytes(template.read_bytes())
            base = base or SqliteBase(tmp_path)
            world = World(tmp_path, url=base.url)
            stack.callback(world.store.close)
            plastic = family.plastic(tmp_path, SetClock().forward(days=365), blocked=blocked)
            stack.callback(CardServer(tmp_path / SOCKET, plastic).close)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            cards = real_cards(plastic, family.speaks(), Cutter(), patch)
            return Estate(world, base, family, plastic, cards, blocked=blocked)

        yield open_
