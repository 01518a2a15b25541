"""Before: who wrote a further address into the database had the unlock code mailed to it, and who
deleted one kept the notices of the unlock from its reader.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.verification import check_rows
from kiosk.authority.records import AddressSource, Card, new_id
from kiosk.authority.roles import Role
from kiosk.contract.messages import EnterCode, Reason, Refusal
from tests.attacks.database_writer import (
    keep,
    put_back,
    refused_as_altered,
    refused_as_put_back,
    write,
)
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.world import World
from tests.support.routes import routes_in

PRIVATE = "asha.private@nhs.net"


def add(world: World, card: Card, email: str = PRIVATE) -> None:
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).add_address(as_seen(office, card), email, GROUNDS)


def withdraw(world: World, card: Card, email: str = PRIVATE) -> None:
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).withdraw_address(as_seen(office, card), email, GROUNDS)


def refused(world: World, card: Card) -> bool:
    opened = world.insert(card, blocked=True).opened
    return isinstance(opened, Refusal) and opened.reason is Reason.RECORD_ALTERED


def test_further_address_with_another_value_is_refused(world: World, card: Card) -> None:
    add(world, card)
    write(world, "UPDATE address SET value = ? WHERE source = 'further'", "mallory@nhs.net")
    assert refused_as_altered(world, world.insert(card, blocked=True).opened, "address")
    assert world.relay.sent == []


def test_further_address_that_nobody_named_gets_no_code(world: World, card: Card) -> None:
    """The row is genuine: it belongs to the same holder, and was never named."""
    known = world.addresses_of(card).registered
    assert known is not None
    loose = replace(known, id=new_id(), source=AddressSource.FURTHER, value="mallory@nhs.net")
    with world.store.begin() as uow:
        uow.addresses.add(loose)
        uow.commit()
    visit = world.insert(card, blocked=True)
    task = visit.answer(visit.questions())
    assert len(routes_in(task)) == 1
    assert isinstance(visit.send(), EnterCode)
    assert [each.to for each in world.relay.sent] == [known.value]


def test_registration_that_is_made_to_name_it_is_refused(world: World, card: Card) -> None:
    named = f'["{new_id()}"]'
    write(world, "UPDATE registration SET further = ?", named)
    assert refused_as_altered(world, world.insert(card, blocked=True).opened, "registration")


def test_deleted_further_address_is_noticed(world: World, card: Card) -> None:
    add(world, card)
    write(world, "DELETE FROM address WHERE source = 'further'")
    assert "says less than the audit: address " in check_rows(world.store).found
    assert refused(world, card)


def test_withdrawn_further_address_that_is_put_back_gets_no_secret(
    world: World, card: Card
) -> None:
    add(world, card)
    kept = keep(world, "address", "registration")
    world.clock.forward(minutes=1)
    withdraw(world, card)
    put_back(world, kept)
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    assert refused_as_put_back(world, visit.release(), "registration")


def test_registration_from_before_it_was_added_gets_no_secret(world: World, card: Card) -> None:
    """Its reader would not be mailed of the unlock."""
    kept = keep(world, "registration")
    world.clock.forward(minutes=1)
    add(world, card)
    put_back(world, kept)
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    assert refused_as_put_back(world, visit.release(), "registration")


def test_added_and_withdrawn_addresses_keep_nobody_from_an_unlock(world: World, card: Card) -> None:
    world.known_reader_card(card)
    add(world, card)
    world.clock.forward(minutes=1)
    add(world, card, "asha.b@nhs.net")
    world.clock.forward(minutes=1)
    withdraw(world, card)
    world.clock.forward(minutes=2)
    assert "says less" not in check_rows(world.store).found
    world.unlock(card)
