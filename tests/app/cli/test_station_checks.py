"""What ``kiosk doctor`` says of a station, asked of an authority that serves a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.cli.station_checks import station_checks
from kiosk.config.settings import AuthoritySettings, Settings
from kiosk.contract.findings import Condition, Finding, examine
from kiosk.contract.messages import Heartbeat
from kiosk.station.client import UnixAddress
from tests.authority.world import copy_template
from tests.contract.wirings import WiredWorld, wired


@pytest.fixture
def world(sqlite_template: Path, database_folder: Path) -> Iterator[WiredWorld]:
    with wired(copy_template(sqlite_template, database_folder), "socket") as made:
        yield made


def said_of_station(path: str) -> list[Finding]:
    settings = Settings(authority=AuthoritySettings(socket=path))
    return [one for one in examine(station_checks(settings, {})) if one.part == "station"]


def test_a_retired_station_says_so_and_what_to_do(world: WiredWorld) -> None:
    world.at("Ward 7").heartbeat(Heartbeat("0.1"))
    address = world.addresses["Ward 7"]
    assert isinstance(address, UnixAddress)
    (finding,) = said_of_station(address.path)
    assert (finding.condition, finding.found) == (Condition.OK, "it may serve everybody")
    world.retire_station("Ward 7")
    with world.store.read() as uow:
        before = uow.stations.get("Ward 7")
    world.clock.forward(minutes=5)
    (finding,) = said_of_station(address.path)
    assert finding.condition is Condition.FAIL
    assert "retired" in finding.found
    assert "kiosk stations reinstate" in finding.advice
    with world.store.read() as uow:
        assert uow.stations.get("Ward 7") == before


def test_nothing_is_said_of_it_where_the_authority_is_away(world: WiredWorld) -> None:
    assert said_of_station(str(world.folder / "nobody.sock")) == []
