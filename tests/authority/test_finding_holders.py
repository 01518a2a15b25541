"""Staff find people by the address that they registered, as soon as it counts."""

from __future__ import annotations

from kiosk.contract.messages import Finished, Purpose
from tests.authority.registering import OTHER, start, to_code
from tests.authority.world import World


def found(world: World, typed: str) -> tuple[str, ...]:
    with world.store.read() as uow:
        return uow.search.find(typed, 5)


def test_a_registered_address_finds_its_holder_once_it_is_proven(world: World) -> None:
    holder = world.add_holder()
    station_visit = to_code(world, world.add_card(holder), OTHER)
    assert found(world, OTHER) == ()
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert found(world, OTHER) == (holder.id,)


def test_changed_address_is_found_in_place_of_the_former(world: World) -> None:
    card = world.registered_card()
    for address, before in (("first@nhs.net", "second@nhs.net"), ("second@nhs.net", "first@")):
        station_visit = start(world, card, Purpose.CHANGE_EMAIL)
        station_visit.authority.give_email(station_visit.visit, address, station_visit.attempt())
        assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
        station_visit.pull()
        world.clock.forward(hours=1)
        assert (found(world, address), found(world, before)) == ((card.holder_id,), ())
