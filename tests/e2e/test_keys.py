"""A key that is rotated under a running station: it takes the new one up by itself."""

from __future__ import annotations

import time

import pytest

from kiosk.app.composition.opening import open_store
from kiosk.contract.messages import Purpose
from kiosk.contract.ports import SystemClock
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "620487"
PATIENCE_S = 120.0


def test_a_card_sealed_anew_is_unlocked_without_a_restart(world: World) -> None:
    ada = world.ada
    world.register(ada)
    world.block(ada)
    visitor = Visitor(world, ada, world.station(program=HASTY))
    _wait_until_open(world)
    assert "sealed again" in world.kiosk("keys", "rotate", check=True).stdout
    _wait_until_taken_up(world)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)


def _wait_until_open(world: World) -> None:
    """Wait until the station has told that it lives: from then on it holds the old keys."""
    store, end = open_store(world.settings, SystemClock(), {}), time.monotonic() + PATIENCE_S
    try:
        while True:
            with store.read() as uow:
                if uow.stations.get("Main entrance") is not None:
                    return
            assert time.monotonic() < end, "the station never told that it lives"
            time.sleep(0.05)
    finally:
        store.close()


def _wait_until_taken_up(world: World) -> None:
    end = time.monotonic() + PATIENCE_S
    while "opened anew" not in world.log.read_text():
        assert time.monotonic() < end, "the station never noticed that its keys have changed"
        time.sleep(0.05)
