"""A holder adds a further address at a station: a code to it, then the cooling-off."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.authority.records import MOST_FURTHER, AddressSource, Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import EnterCode, Finished, GiveEmail, Purpose, SendCode
from kiosk.contract.policy import SecondRoute
from tests.authority.station_visit import StationVisit, opened
from tests.authority.world import EMAIL, World
from tests.support.routes import routes_in

PRIVATE = "asha.private@nhs.net"


@pytest.fixture
def world(world: World) -> World:
    world.policy = replace(world.policy, second_route=SecondRoute.OFFER)
    return world


def begun(world: World, card: Card) -> StationVisit:
    """Return a visit whose PIN is claimed, and whose holder has shown the known mailbox."""
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.ADD_ADDRESS)
    assert isinstance(visit.authority.pin_verified(visit.visit, None), SendCode)
    visit.send()
    assert isinstance(visit.enter(world.relay.code), GiveEmail)
    return visit


def add(world: World, card: Card, email: str = PRIVATE) -> Finished:
    visit = begun(world, card)
    task = visit.authority.give_email(visit.visit, email, visit.attempt())
    assert isinstance(task, EnterCode), task
    done = visit.enter(world.relay.code)
    assert isinstance(done, Finished)
    return done


def offered(world: World, card: Card) -> set[Purpose]:
    return {each.purpose for each in opened(world.insert(card)).offers}


def test_address_that_was_confirmed_gets_codes_after_its_cooling_off(
    world: World, card: Card
) -> None:
    done = add(world, card)
    assert (done.purpose, done.counts_in_s) == (Purpose.ADD_ADDRESS, 86_400.0)
    (further,) = world.addresses_of(card).further
    assert (further.value, further.source) == (PRIVATE, AddressSource.FURTHER)
    assert further.confirmed_at is not None
    visit = world.insert(card, blocked=True)
    assert len(routes_in(visit.answer(visit.questions()))) == 1
    world.clock.forward(days=1)
    visit = world.insert(card, blocked=True)
    masked = [each.masked for each in routes_in(visit.answer(visit.questions()))]
    assert masked == ["a•••@trust.nhs.uk", "a•••@nhs.net"]


def test_notice_of_an_added_address_has_a_number_for_the_old_ones_alone(
    world: World, card: Card
) -> None:
    """Else who reads the new one could block the holder."""
    add(world, card)
    told = {one.to: one for one in world.outbox() if one.template == "further-added"}
    assert told.keys() == {EMAIL, PRIVATE}
    assert "stop_number" in told[EMAIL].params
    assert "stop_number" not in told[PRIVATE].params


def test_added_address_leaves_the_registered_one_and_its_rows(world: World, card: Card) -> None:
    before = world.addresses_of(card).registered
    add(world, card)
    assert world.addresses_of(card).registered == before
    world.clock.forward(days=1)
    world.unlock(card)


def test_known_address_is_not_added_again(world: World, card: Card) -> None:
    visit = begun(world, card)
    reply = visit.authority.give_email(visit.visit, EMAIL.upper(), visit.attempt())
    if isinstance(reply, EnterCode):
        visit.enter(world.relay.code)
    assert world.addresses_of(card).further == ()


def test_adding_is_offered_where_the_policy_says_so(world: World, card: Card) -> None:
    assert Purpose.ADD_ADDRESS in offered(world, card)
    world.policy = replace(world.policy, second_route=SecondRoute.OFF)
    assert Purpose.ADD_ADDRESS not in offered(world, card)
    visit = world.insert(card)
    with pytest.raises(StepRefused):
        visit.authority.choose(visit.visit, Purpose.ADD_ADDRESS)


def test_most_further_addresses_are_offered_no_more(world: World, card: Card) -> None:
    for number in range(MOST_FURTHER):
        world.clock.forward(hours=2)
        add(world, card, f"asha.{number}@nhs.net")
    world.clock.forward(hours=2)
    assert Purpose.ADD_ADDRESS not in offered(world, card)
