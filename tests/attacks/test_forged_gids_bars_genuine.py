"""Before: two visits with a forged GIDS card barred the genuine one, and the RA replaced it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.driver import load_driver
from kiosk.authority.store.records import Card
from kiosk.contract.families import tidy_admin_key
from kiosk.contract.messages import Finished, Purpose, Reason, Refusal, UnblockDone, VisitOpened
from tests.authority.admin_key_card import Chip, granted, ready, registered, settled
from tests.authority.forged_keys import Forged, Listening
from tests.authority.headless_station import Desk
from tests.authority.world import World, copy_template
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.pcsc import Insert

GIDS = load_driver("gids", "admin-key")
KEY = tidy_admin_key(ADMIN_KEY.hex())
GENUINE, FORGED = 0, 1
"""Slots of the reader."""


@pytest.fixture
def world(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    world = World(copy_template(sqlite_template, tmp_path))
    yield world
    world.store.close()


def _unlock(world: World, reader: str) -> object:
    desk = Desk(world, GIDS)
    opened = desk.open(reader)
    assert isinstance(opened.reply, VisitOpened), opened.reply
    desk.pass_every_factor()
    return desk.unblock(desk.at)


@pytest.mark.hardware
def test_the_genuine_card_is_unlocked_after_three_forged_ones(world: World, insert: Insert) -> None:
    genuine = Listening(new_gids_card(blocked=True))
    identifier = genuine.card.state.card_id
    card = registered(world, KEY, identifier=identifier.hex())
    forged = Forged(new_gids_card(blocked=True, card_id=identifier))
    reader = insert(forged, FORGED).reader
    for times in range(1, 4):
        reply = _unlock(world, reader)
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.NOT_GENUINE
        assert len(forged.cryptograms()) == times
        world.clock.forward(hours=1)
    assert world.card(card).secret_exposure == 0
    assert world.card(card).key_exchanges == 3
    assert _unlock(world, insert(genuine, GENUINE).reader) == Finished(Purpose.UNLOCK)
    assert world.card(card).key_exchanges == 0


def test_forged_cards_that_say_nothing_cost_a_card_that_has_shown_its_key_nothing(
    world: World, card_that_was_unlocked: Card
) -> None:
    card = card_that_was_unlocked
    for _ in range(3):
        station_visit = ready(world, card)
        granted(station_visit, Chip())
        station_visit.pull()
        world.clock.forward(hours=1)
    assert world.card(card).secret_exposure == 0
    station_visit, chip = ready(world, card), Chip()
    grant = granted(station_visit, chip)
    assert station_visit.authority.admit(station_visit.visit, grant.journal, chip.answer()) is None


@pytest.fixture
def card_that_was_unlocked(world: World) -> Card:
    card = registered(world)
    station_visit, chip = ready(world, card), Chip()
    grant = granted(station_visit, chip)
    assert station_visit.authority.admit(station_visit.visit, grant.journal, chip.answer()) is None
    settled(station_visit, grant.journal, UnblockDone())
    station_visit.pull()
    world.clock.forward(hours=1)
    return card
