"""An address that staff put in place, and what confirms it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.administration.office import Office
from kiosk.authority.records import Card
from kiosk.contract.messages import Finished, Purpose, SetPin, UnblockDone
from tests.authority.assisting import answered, give
from tests.authority.registering import start
from tests.authority.station_visit import wrong_code
from tests.authority.store.samples import put_registered, registered_address
from tests.authority.world import World


def unconfirmed(world: World, card: Card) -> None:
    address = registered_address(card.holder_id, at=world.now - timedelta(days=1))
    with world.store.begin() as uow:
        put_registered(uow, world.registration(card), replace(address, confirmed_at=None))
        uow.commit()


def test_the_first_code_that_was_read_there_confirms_it(world: World, card: Card) -> None:
    unconfirmed(world, card)
    world.clock.forward(minutes=1)
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.enter(wrong_code(world.relay.code))
    assert world.addresses_of(card).unconfirmed is not None
    station_visit.enter(world.relay.code)
    registered = world.addresses_of(card).registered
    assert registered is not None
    assert registered.confirmed_at == world.now
    assert world.kinds().count("email-confirmed") == 1
    station_visit.pull()
    back = world.insert(card, blocked=True)
    back.enter(world.relay.code)
    assert world.kinds().count("email-confirmed") == 1


def test_a_code_by_word_of_mouth_confirms_no_address(
    world: World, card: Card, agent: Office
) -> None:
    unconfirmed(world, card)
    issued = give(agent, card)
    station_visit = answered(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert world.addresses_of(card).unconfirmed is not None
    assert "email-confirmed" not in world.kinds()


def test_a_change_of_address_is_confirmed_by_its_own_code(world: World, card: Card) -> None:
    unconfirmed(world, card)
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    station_visit.authority.give_email(
        station_visit.visit, "asha.okafor@nhs.net", station_visit.attempt()
    )
    assert isinstance(station_visit.enter(world.relay.code), Finished)
    assert world.registered_email(card) == "asha.okafor@nhs.net"
    assert world.addresses_of(card).unconfirmed is None
