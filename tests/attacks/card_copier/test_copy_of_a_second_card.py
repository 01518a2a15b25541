"""Before: a copy of a second card, whose key was not recorded, took the whole registration over,
with the card whose key was known."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import AnswerQuestions, ProvePin, Purpose, Reason, Refusal, SendCode
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.registering import given
from tests.authority.world import EMAIL, World
from tests.support.routes import to

THIEFS = "mallory@trust.nhs.uk"


@pytest.fixture
def second(world: World) -> Card:
    """A replacement card; the first one's keys are recorded."""
    first = world.registered_card()
    world.known_reader_card(first)
    with world.store.read() as uow:
        holder = uow.holders.get(first.holder_id)
    assert holder is not None
    return world.add_card(holder)


def test_a_copy_without_a_key_is_not_served(world: World, second: Card) -> None:
    refused = world.insert(second, reader_card=KeylessCard()).opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NOT_GENUINE


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL])
def test_a_copy_with_keys_of_its_own_changes_nothing(
    world: World, second: Card, purpose: Purpose
) -> None:
    before = world.registration(second)
    station_visit = world.insert(second, reader_card=ReaderCard())
    assert isinstance(station_visit.authority.choose(station_visit.visit, purpose), ProvePin)
    task = station_visit.verify_pin()
    assert isinstance(task, SendCode)
    assert (task.routes, task.proves_owner) == (to("a•••@trust.nhs.uk"), True)
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    with pytest.raises(StepRefused):
        station_visit.email(THIEFS)
    station_visit.send()
    assert [mail.to for mail in world.relay.sent] == [EMAIL], "the holder hears of it"
    assert world.registration(second) == before
    assert (world.card(second).auth_key, world.card(second).pin_key) == (None, None)


def test_once_the_card_was_unlocked_its_copy_is_not_served(world: World, second: Card) -> None:
    """The key that it proved in a visit with every factor is recorded."""
    real = ReaderCard()
    world.unlock(second, real)
    for copy in (ReaderCard(), real.copy(), KeylessCard()):
        refused = world.insert(second, reader_card=copy).opened
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.NOT_GENUINE
    world.clock.forward(minutes=5)
    again = world.insert(second, blocked=True, reader_card=real)
    assert isinstance(again.authority.choose(again.visit, Purpose.UNLOCK), AnswerQuestions)
