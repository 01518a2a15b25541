"""Before: staff who were deceived added a thief's address, and the next code went there at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.messages import EnterCode, RouteId
from tests.attacks.database_writer import keep, put_back, refused_as_put_back
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.world import EMAIL, World
from tests.support.routes import routes_in

THIEF = "thief@nhs.net"
BEFORE_IT_COUNTS = timedelta(hours=23, minutes=59)


@pytest.fixture
def office(world: World, card: Card) -> Office:
    """The office of staff who have just added the thief's address."""
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).add_address(as_seen(office, card), THIEF, GROUNDS)
    return office


def test_added_address_gets_no_code_before_its_time(
    world: World, card: Card, office: Office
) -> None:
    added = world.addresses_of(card).further[0].id
    visit = world.insert(card, blocked=True)
    assert len(routes_in(visit.answer(visit.questions()))) == 1
    visit.send(route=RouteId(added))
    assert world.relay.sent == []
    world.clock.forward(minutes=BEFORE_IT_COUNTS.total_seconds() // 60)
    visit = world.insert(card, blocked=True)
    assert len(routes_in(visit.answer(visit.questions()))) == 1
    visit.send()
    assert [each.to for each in world.relay.sent] == [EMAIL]


def test_holder_who_reports_it_in_time_ends_it(world: World, card: Card, office: Office) -> None:
    assert EMAIL in {each.to for each in world.outbox() if each.template == "address-added"}
    PeopleDesk(office).report_misuse(as_seen(office, card), GROUNDS)
    assert world.addresses_of(card).further == ()
    PeopleDesk(office).lift_block(as_seen(office, card), GROUNDS)
    world.clock.forward(days=2)
    visit = world.insert(card, blocked=True)
    assert len(routes_in(visit.answer(visit.questions()))) == 1


def test_address_added_before_a_block_ends_where_it_is_lifted_in_time(
    world: World, card: Card, office: Office
) -> None:
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    PeopleDesk(office).lift_block(as_seen(office, card), GROUNDS)
    assert world.addresses_of(card).further == ()


def test_added_address_that_nobody_stopped_gets_codes(
    world: World, card: Card, office: Office
) -> None:
    world.clock.forward(days=1)
    visit = world.insert(card, blocked=True)
    _, second = routes_in(visit.answer(visit.questions()))
    assert isinstance(visit.send(route=second.id), EnterCode)
    assert [each.to for each in world.relay.sent] == [THIEF]


def test_address_that_was_stopped_and_put_back_gets_no_secret(
    world: World, card: Card, office: Office
) -> None:
    kept = keep(world, "address", "registration")
    world.clock.forward(minutes=1)
    PeopleDesk(office).report_misuse(as_seen(office, card), GROUNDS)
    PeopleDesk(office).lift_block(as_seen(office, card), GROUNDS)
    world.clock.forward(minutes=1)
    put_back(world, kept)
    world.clock.forward(days=1)
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    assert refused_as_put_back(world, visit.release(), "registration")
