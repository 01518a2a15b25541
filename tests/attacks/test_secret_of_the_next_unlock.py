"""Before: a stolen station that sent a holder to the next one was given the next secret, too.

It had every factor of a card that is known by its name, took the secret, said that nothing was
sent, and asked again once the card had been unlocked elsewhere and was given another secret.
"""

from __future__ import annotations

import pytest

from kiosk.authority.store.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Grant, UnblockDone, UnblockNotSent
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World

STOLEN, HONEST = "B", "A"


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card(driver="openpgp", identifier="000612345678")


def take_and_say_not_sent(world: World, card: Card) -> StationVisit:
    """Have the holder pass every factor at the stolen station, and send them to another one."""
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    grant = visit.grant()
    assert grant.secret.reveal() == PUK
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockNotSent())
    return visit


def unlock_honestly(world: World, card: Card) -> str:
    """Unlock at another station; return the secret that the card has then."""
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True, station=HONEST)
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    new = visit.authority.rotate_secret(visit.visit, grant.journal)
    assert new is not None
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockDone())
    visit.pull()
    return new.reveal()


def test_it_is_not_given_the_secret_that_the_card_got_elsewhere(world: World, card: Card) -> None:
    stolen = take_and_say_not_sent(world, card)
    new = unlock_honestly(world, card)
    assert new != PUK
    with pytest.raises(StepRefused):
        stolen.release()


def test_it_may_try_again_as_long_as_the_card_was_nowhere_else(world: World, card: Card) -> None:
    stolen = take_and_say_not_sent(world, card)
    assert isinstance(stolen.release(), Grant)
