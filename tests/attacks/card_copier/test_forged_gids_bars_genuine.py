"""Before: one or two visits with a forged GIDS card barred the genuine one, and the RA replaced it.

Two that answered wrongly spent its tries; one that called the key wrong had it set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.driver import load_driver
from kiosk.authority.records import Card
from kiosk.contract.families import tidy_admin_key
from kiosk.contract.messages import Finished, Purpose, Reason, Refusal, UnblockDone, VisitOpened
from tests.authority.admin_key_card import Chip, granted, registered, settled
from tests.authority.forged_keys import Forged, Listening, Refusing
from tests.authority.headless_station import Desk
from tests.authority.station_visit import ready
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


@pytest.mark.hardware
@pytest.mark.parametrize("proven", [True, False], ids=["shown before", "never shown"])
@pytest.mark.parametrize("status", ["63c2", "63c0", "6300", "63ff", "6982", "6983"])
def test_forged_card_that_calls_the_key_wrong_sets_no_genuine_one_aside(
    world: World, insert: Insert, status: str, *, proven: bool
) -> None:
    genuine = Listening(new_gids_card(blocked=True))
    identifier = genuine.card.state.card_id
    card = registered(world, KEY, identifier=identifier.hex())
    own = insert(genuine, GENUINE).reader
    if proven:
        assert _unlock(world, own) == Finished(Purpose.UNLOCK)
        genuine.card.state.pin.left = 0
        world.clock.forward(hours=1)
    forged = Refusing(new_gids_card(blocked=True, card_id=identifier))
    forged.status = bytes.fromhex(status)
    reader = insert(forged, FORGED).reader
    visits = 3 if proven else 1
    for _ in range(visits):
        reply = _unlock(world, reader)
        world.clock.forward(hours=1)
    kept = world.card(card)
    assert (kept.set_aside_at, kept.secret_tries_left) == (None, None)
    assert kept.secret_exposure == (0 if proven else 1), "a genuine card would have counted it"
    assert kept.key_exchanges == visits
    assert isinstance(reply, Refusal), reply
    assert reply.reason is Reason.NOT_GENUINE
    assert _unlock(world, own) == Finished(Purpose.UNLOCK)
    assert world.card(card).secret_exposure == 0


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
