"""Before: a code that was asked for on an old page went to an address that the page did not show.

A station that could name the address itself would have one sent to any mailbox whose id it has
seen. The station here has seen the ids of everybody who came, those of addresses that wait or were
withdrawn, too, and tries each of them, again and again.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import Card, Cardholder, new_id
from kiosk.authority.roles import Role
from kiosk.contract.errors import AuthorityError, StepRefused
from kiosk.contract.messages import CodeNotSent, EnterCode, Factor, Purpose, RouteId, SendCode
from kiosk.contract.policy import mask_email
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.registering import to_code
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.routes import MADE_UP, route_of, routes_in

BEN, CARA, MALLORY = "ben@trust.nhs.uk", "cara@trust.nhs.uk", "mallory@nhs.net"
NEW = "zara.new@nhs.net"


@pytest.fixture
def others(world: World) -> list[Card]:
    """Somebody with an address of each kind beside the holder who stands here."""
    found = []
    for number, email in enumerate((BEN, CARA)):
        holder: Cardholder = world.add_holder(number=f"90012345678{number}", email=email)
        world.register(holder, email=email)
        found.append(world.add_card(holder))
    return found


def ids_seen(world: World, others: list[Card]) -> list[RouteId]:
    """Return each id that could have been seen at a station, and some that could not."""
    seen = [MADE_UP, RouteId(new_id())]
    for card in others:
        addresses = world.addresses_of(card)
        seen += [RouteId(each.id) for each in (addresses.recorded, addresses.registered) if each]
        seen += [RouteId(card.id), RouteId(card.holder_id)]
    newcomer = world.add_card(world.add_holder(number="900123456788", email="dee@trust.nhs.uk"))
    seen.append(to_code(world, newcomer, MALLORY).route())
    return seen


def tried(visit: StationVisit, ids: list[RouteId]) -> object:
    """Ask for a code by each id, over and over; return the answer that all of them get."""
    answers: list[object] = []
    for route in ids * 2:
        try:
            reply: object = visit.send(route=route)
        except StepRefused as refused:
            reply = refused
        if reply not in answers:
            answers.append(reply)
    assert len(answers) == 1, "the answers say which id names an address"
    return answers[0]


@pytest.mark.parametrize("sent_before", [False, True])
def test_ids_of_others_send_nothing_and_say_nothing(
    world: World, card: Card, others: list[Card], sent_before: bool
) -> None:
    own = world.addresses_of(card).recorded
    assert own is not None
    ids = [*ids_seen(world, others), RouteId(own.id)]
    visit = world.insert(card, blocked=True)
    visit.answer(visit.questions())
    page = visit.send() if sent_before else None
    world.clock.forward(minutes=2)
    before, events = len(world.relay.sent), world.events()
    answer = tried(visit, ids)
    assert isinstance(answer, EnterCode if sent_before else SendCode)
    assert [each.masked for each in routes_in(answer)] == ["a•••@trust.nhs.uk"]
    assert page is None or routes_in(page) == routes_in(answer)
    assert (len(world.relay.sent), world.events()) == (before, events)
    assert isinstance(visit.send(), EnterCode), "nothing was counted"


def test_address_of_the_holder_is_no_route_once_it_was_withdrawn(world: World, card: Card) -> None:
    """The thief reads the old mailbox, and staff have just corrected the address."""
    visit = world.insert(card, blocked=True)
    old = route_of(visit.answer(visit.questions()))
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).correct_email(as_seen(office, card), NEW, GROUNDS)
    answer = tried(visit, [old, MADE_UP])
    assert [each.masked for each in routes_in(answer)] == [mask_email(NEW)]
    assert world.relay.sent == []


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_EMAIL, Purpose.CHANGE_QUESTIONS])
def test_claimed_pin_sends_to_the_known_address_alone(
    world: World, card: Card, others: list[Card], purpose: Purpose
) -> None:
    ids = ids_seen(world, others)
    mailed = len(world.relay.sent)
    visit = world.insert(card)
    visit.authority.choose(visit.visit, purpose)
    visit.authority.pin_verified(visit.visit, None)
    answer = tried(visit, ids)
    assert isinstance(answer, SendCode)
    assert answer.proves_owner
    assert len(world.relay.sent) == mailed


def test_visit_of_another_station_has_no_routes_here(world: World, card: Card) -> None:
    visit = world.insert(card, blocked=True)
    route = route_of(visit.answer(visit.questions()))
    for station in ("B", "C"):
        with pytest.raises(AuthorityError):
            world.at(station).prepare(visit.visit, "1", Factor.EMAIL_CODE, route)
    assert world.relay.sent == []


def test_open_route_still_waits_for_the_limit(world: World, card: Card) -> None:
    visit = world.insert(card, blocked=True)
    route = route_of(visit.answer(visit.questions()))
    assert isinstance(visit.send(route=route), EnterCode)
    assert isinstance(visit.send(route=route), CodeNotSent)
    assert len(world.relay.sent) == 1
