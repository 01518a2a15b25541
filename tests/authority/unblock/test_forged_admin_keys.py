"""Forged cards in a real reader that name themselves like one with an admin key.

A card cannot show that it has its key before it is sent what the key made: so a forged one
is sent that, once, and then nothing more. No PIN, and never the key.
"""

from __future__ import annotations

import pytest

from hardware.driver import load_driver
from kiosk.authority.records import Card
from kiosk.contract.families import tidy_admin_key
from kiosk.contract.messages import Finished, Purpose, Reason, VisitOpened
from kiosk.contract.ports import CardAddress
from tests.authority import forged_keys
from tests.authority.admin_key_card import registered
from tests.authority.forged_keys import CHANGE, RESET, VERIFY, Forged, Listening, Replaying
from tests.authority.headless_station import NEW, Desk
from tests.authority.refused import is_turned_away
from tests.authority.world import World
from tests.support.gids_card import ADMIN_KEY, new_gids_card
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

GIDS = load_driver("gids", "admin-key")
KEY = tidy_admin_key(ADMIN_KEY.hex())
GENUINE, FORGED = 0, 1
"""Slots of the reader."""

KINDS: dict[str, tuple[type[Forged], str]] = {
    "an answer that is made up": (Forged, "no-admin-key"),
    "another key": (forged_keys.WithAnotherKey, "no-admin-key"),
    "our cryptogram given back": (forged_keys.GivingBack, "no-admin-key"),
    "a replayed number and answer": (Replaying, "no-admin-key"),
    "our number given back": (forged_keys.Mirroring, "mirrored"),
}


@pytest.fixture
def genuine() -> Listening:
    return Listening(new_gids_card(blocked=True))


@pytest.fixture
def card(world: World, genuine: Listening) -> Card:
    """The record of the genuine card."""
    return registered(world, KEY, identifier=genuine.card.state.card_id.hex())


def serve(world: World, chip: Listening, insert: Insert, slot: int = GENUINE) -> object:
    """Take a holder through an unlock with one card."""
    desk = Desk(world, GIDS)
    opened = desk.open(insert(chip, slot).reader)
    assert isinstance(opened.reply, VisitOpened), opened.reply
    desk.pass_every_factor()
    return desk.unblock(desk.at)


def test_the_genuine_card_is_given_its_pin_and_never_its_key(
    world: World, card: Card, genuine: Listening, insert: Insert
) -> None:
    assert serve(world, genuine, insert) == Finished(Purpose.UNLOCK)
    assert (len(genuine.cryptograms()), genuine.count(RESET)) == (1, 1)
    assert genuine.card.state.pin.body == NEW.reveal().encode()
    everything = b"".join(genuine.apdus)
    assert ADMIN_KEY not in everything
    assert bytes.fromhex(KEY) not in everything
    assert world.kinds()[-3:] == ["admin-key-used", "card-proven-by-key", "unblock-done"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_card_is_sent_no_pin(
    kind: str, world: World, card: Card, genuine: Listening, insert: Insert
) -> None:
    forged, because = prepared(kind, world, genuine, insert)
    reply = serve(world, forged, insert, FORGED)
    assert is_turned_away(world, reply, because)
    assert forged.count(VERIFY) == forged.count(CHANGE) == forged.count(RESET) == 0
    asked = because != "mirrored"
    assert len(forged.cryptograms()) == asked, "what the key made was sent once, or not at all"
    assert world.card(card).secret_exposure == 0, "the genuine card was charged nothing"
    assert world.card(card).key_exchanges == asked


def prepared(kind: str, world: World, genuine: Listening, insert: Insert) -> tuple[Forged, str]:
    """Make a forged card; one that replays has heard the genuine one."""
    make, because = KINDS[kind]
    forged = make(new_gids_card(blocked=True, card_id=genuine.card.state.card_id))
    if isinstance(forged, Replaying):
        assert serve(world, genuine, insert) == Finished(Purpose.UNLOCK)
        forged.listen(genuine)
        world.clock.forward(hours=1)
    return forged, because


def test_a_card_with_another_identifier_is_not_even_asked(
    world: World, card: Card, genuine: Listening, insert: Insert
) -> None:
    desk = Desk(world, GIDS)
    desk.open(insert(genuine, GENUINE).reader)
    desk.pass_every_factor()
    other = Forged(new_gids_card(blocked=True))
    reason = desk.unblock(CardAddress(insert(other, FORGED).reader, desk.at.card))
    assert reason is Reason.CARD_UNREADABLE
    assert other.count(forged_keys.AUTHENTICATE) == other.count(RESET) == 0
    assert "admin-key-used" not in world.kinds()
