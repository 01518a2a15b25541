"""Before: a station reported changes of a PIN that never were, with no card in it: a holder whose
card is known by its name got sixty mails a minute, and any number under the id of one visit.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.records import Card, new_id
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardId,
    CardReport,
    Finished,
    PinState,
    Purpose,
    VisitEnd,
    VisitId,
)
from tests.authority.world import World

MOST = 3
"""An hour."""


@pytest.fixture
def card(world: World) -> Card:
    """A card of a family without a card-authentication key."""
    return world.registered_card(driver="openpgp", identifier="000612345678")


def say_changed(world: World, card: Card, visit: VisitId, *, reported: bool = True) -> object:
    """Say that the PIN was verified and changed; or leave open what became of it."""
    named = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
    world.authority.begin(visit, named)
    world.authority.choose(visit, Purpose.CHANGE_PIN)
    world.authority.pin_verified(visit, None)
    world.authority.pin_changing(visit)
    done = world.authority.pin_changed(visit) if reported else None
    world.authority.end(visit, VisitEnd.CARD_REMOVED)
    return done


def mailed(world: World) -> list[str]:
    return [one.template for one in world.outbox()]


def test_changes_that_are_only_said_are_mailed_a_few_times_an_hour(
    world: World, card: Card
) -> None:
    for at in range(10):
        say_changed(world, card, VisitId(new_id()), reported=bool(at % 2))
    assert len(mailed(world)) == MOST
    assert world.kinds().count("pin-changed") == 5, "each is in the audit"


def test_the_next_hour_has_mails_again(world: World, card: Card) -> None:
    for _ in range(5):
        say_changed(world, card, VisitId(new_id()))
    assert len(mailed(world)) == MOST
    world.clock.forward(seconds=timedelta(hours=1, seconds=1).total_seconds())
    say_changed(world, card, VisitId(new_id()))
    assert len(mailed(world)) == MOST + 1


def test_a_change_that_is_proven_is_always_mailed(world: World) -> None:
    card = world.registered_card()
    for _ in range(5):
        visit = world.insert(card)
        visit.authority.choose(visit.visit, Purpose.CHANGE_PIN)
        visit.verify_pin()
        assert isinstance(visit.change_pin(), Finished)
        visit.pull()
    assert mailed(world) == ["pin-changed"] * 5


def test_no_visit_begins_again_once_it_has_done_what_it_was_for(world: World, card: Card) -> None:
    visit = VisitId(new_id())
    named = CardReport(CardId(card.driver, card.identifier), PinState(blocked=False))
    world.authority.begin(visit, named)
    world.authority.choose(visit, Purpose.CHANGE_PIN)
    world.authority.pin_verified(visit, None)
    world.authority.pin_changing(visit)
    assert isinstance(world.authority.pin_changed(visit), Finished)
    with pytest.raises(StepRefused):
        world.authority.begin(visit, named)
