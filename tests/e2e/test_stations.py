"""Two stations of one estate: each tells that it lives, and one is retired."""

from __future__ import annotations

import time
from importlib.metadata import version

import pytest

from kiosk.app.composition.opening import open_store
from kiosk.contract.messages import ReaderState, Reason
from kiosk.contract.ports import SystemClock
from kiosk.station.states import Outage
from screens.words import choices, waiting
from screens.words.reasons import refusal
from tests.e2e.records import events, station
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ENTRANCE, WARD = "Main entrance", "Ward 7"


def test_a_station_that_is_retired_serves_nobody_until_it_is_taken_into_use_again(
    world: World,
) -> None:
    entrance = world.station(environ={"KIOSK_STATION__SITE": "Wexbridge General"})
    ward = world.station(slot=1, name=WARD)
    ben = Visitor(world, world.ben, ward, slot=1)
    ben.comes()
    ward.see(choices.greeting(ben.who.name))
    ben.goes()

    retire(world)
    ben.comes()  # before the station has heard of it
    refused = refusal(Reason.STATION_RETIRED)
    ward.see(refused.title, refused.happened)
    world.remove(ben.who)
    replug(world, entrance)
    ward.see(*waiting.OUTAGES[Outage.RETIRED])
    ben_elsewhere = Visitor(world, world.ben, entrance).comes()
    entrance.see(choices.greeting(ben.who.name))
    ben_elsewhere.goes()
    [event] = [one for one in events(world, "refused") if one.station == WARD]
    assert event.detail == {"reason": "station-retired"}

    retire(world, undo=True)
    replug(world, entrance)
    ward.see(waiting.ATTRACT_TITLE)
    ben.comes()
    ward.see(choices.greeting(ben.who.name))

    told = station(world, ENTRANCE)
    assert (told.site, told.version) == ("Wexbridge General", version("unlock-kiosk"))
    assert station(world, WARD).retired_at is None


def retire(world: World, *, undo: bool = False) -> None:
    """Retire the ward's station, or take it into use again."""
    store = open_store(world.settings, SystemClock(), {})
    with store.begin() as uow:
        done = uow.stations.reinstate(WARD) if undo else uow.stations.retire(WARD, uow.now)
        uow.commit()
    store.close()
    assert done


def replug(world: World, entrance: Station) -> None:
    """Unplug the readers and plug them in again: stations tell so at once, and are answered."""
    for change, state in (
        (world.pcscd.unplug, ReaderState.NO_READER),
        (world.pcscd.replug, ReaderState.READY),
    ):
        change()
        for name in (WARD, ENTRANCE):
            until_told(world, name, state)
    entrance.see(waiting.ATTRACT_TITLE)


def until_told(world: World, name: str, reader: ReaderState) -> None:
    """Wait until a station has said so; the database alone is told."""
    give_up = time.monotonic() + 30
    while station(world, name).reader_state != reader:
        assert time.monotonic() < give_up, f"{name} does not say: {reader}"
        time.sleep(0.1)
