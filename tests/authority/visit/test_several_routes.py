"""A holder with several addresses: a code goes to the one they choose, notices go to all."""

from __future__ import annotations

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.errors import NotTaken
from kiosk.authority.records import MOST_FURTHER, Card
from kiosk.authority.roles import Role
from kiosk.contract.messages import (
    CodeNotSent,
    EnterCode,
    FactorEnd,
    FactorOver,
    Purpose,
    SendCode,
    SetPin,
    UnblockDone,
)
from kiosk.contract.policy import mask_routes
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support.refusals import refused

PRIVATE, THIRD = "asha.private@nhs.net", "asha.third@trust.nhs.uk"


def add(world: World, card: Card, *emails: str) -> None:
    """Have staff add them, and wait until codes can go there."""
    office = office_beside(world, Role.MANAGER)
    for email in emails:
        PeopleDesk(office).add_address(as_seen(office, card), email, GROUNDS)
    world.clock.forward(hours=24)


def withdraw(world: World, card: Card, email: str) -> None:
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).withdraw_address(as_seen(office, card), email, GROUNDS)


def asked(world: World, card: Card) -> tuple[StationVisit, SendCode]:
    visit = world.insert(card, blocked=True)
    task = visit.answer(visit.questions())
    assert isinstance(task, SendCode)
    return visit, task


def test_code_goes_to_the_address_that_was_chosen(world: World, card: Card) -> None:
    add(world, card, PRIVATE)
    visit, task = asked(world, card)
    assert [each.masked for each in task.routes] == ["a•••@trust.nhs.uk", "a•••@nhs.net"]
    page = visit.send(route=task.routes[1].id)
    assert isinstance(page, EnterCode)
    assert page.masked == "a•••@nhs.net"
    assert [each.to for each in world.relay.sent] == [PRIVATE]
    assert isinstance(visit.enter(world.relay.code), SetPin)


def test_right_code_confirms_the_further_address_alone(world: World, card: Card) -> None:
    add(world, card, PRIVATE, THIRD)
    visit, task = asked(world, card)
    visit.send(route=task.routes[1].id)
    visit.enter(world.relay.code)
    first, second = world.addresses_of(card).further
    assert first.confirmed_at is not None
    assert second.confirmed_at is None


def test_unlock_by_a_code_to_the_further_address_is_done_and_so_is_the_next(
    world: World, card: Card
) -> None:
    """Its confirmation was taken for one of the registered address, which then looked put back."""
    add(world, card, PRIVATE)
    for _ in range(2):
        world.clock.forward(hours=2)
        visit, task = asked(world, card)
        visit.send(route=task.routes[1].id)
        assert isinstance(visit.enter(world.relay.code), SetPin)
        grant = visit.grant()
        visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
        visit.pull()


def test_notices_of_an_unlock_go_to_every_address(world: World, card: Card) -> None:
    reader_card = world.known_reader_card(card)
    add(world, card, PRIVATE)
    world.clock.forward(minutes=2)
    world.unlock(card, reader_card)
    told = [(one.to, one.template) for one in world.outbox() if one.template == "unlocked"]
    assert sorted(told) == sorted([(EMAIL, "unlocked"), (PRIVATE, "unlocked")])


def test_addition_and_withdrawal_are_mailed_to_every_address(world: World, card: Card) -> None:
    add(world, card, PRIVATE)
    withdraw(world, card, PRIVATE.upper())
    told = {(one.to, one.template) for one in world.outbox()}
    for template in ("address-added", "address-withdrawn"):
        assert {(EMAIL, template), (PRIVATE, template)} <= told
    assert world.addresses_of(card).further == ()


def test_codes_to_all_routes_count_under_one_limit(world: World, card: Card) -> None:
    """Else a thief with the card has as many codes an hour sent as the holder has addresses."""
    add(world, card, PRIVATE, THIRD)
    visit, task = asked(world, card)
    most = world.parts.policy().codes_an_hour
    for times in range(most):
        world.clock.forward(minutes=5)
        assert isinstance(visit.send(route=task.routes[times % 3].id), EnterCode)
        assert isinstance(visit.send(route=task.routes[(times + 1) % 3].id), CodeNotSent)
    world.clock.forward(minutes=5)
    for route in task.routes:
        assert isinstance(visit.send(route=route.id), CodeNotSent)
    assert len(world.relay.sent) == most


def test_code_ends_with_the_address_it_went_to(world: World, card: Card) -> None:
    add(world, card, PRIVATE)
    visit, task = asked(world, card)
    visit.send(route=task.routes[1].id)
    code = world.relay.code
    withdraw(world, card, PRIVATE)
    reply = visit.enter(code)
    assert isinstance(reply, FactorOver)
    assert reply.why is FactorEnd.WITHDRAWN
    assert [each.masked for each in reply.again.routes] == ["a•••@trust.nhs.uk"]  # type: ignore


def test_change_of_the_address_asks_the_first_one_alone(world: World, card: Card) -> None:
    add(world, card, PRIVATE)
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.CHANGE_EMAIL)
    reply = visit.authority.pin_verified(visit.visit, None)
    assert isinstance(reply, SendCode)
    assert [each.masked for each in reply.routes] == ["a•••@trust.nhs.uk"]


def test_address_that_is_known_is_not_added_again(world: World, card: Card) -> None:
    with refused(NotTaken, match="already"):
        add(world, card, EMAIL.upper())


def test_fourth_further_address_is_refused(world: World, card: Card) -> None:
    add(world, card, *(f"asha.{number}@nhs.net" for number in range(MOST_FURTHER)))
    with refused(NotTaken, match="withdraw one first"):
        add(world, card, PRIVATE)


def test_first_address_is_not_withdrawn(world: World, card: Card) -> None:
    with refused(NotTaken, match="none of their further"):
        withdraw(world, card, EMAIL)


def test_masks_that_look_alike_are_numbered_in_their_order() -> None:
    """Whatever else would tell them apart says more of each: its length, a further letter."""
    masks = mask_routes(("asha@nhs.net", "a@nhs.net", "ben@nhs.net", "a.long.name@nhs.net"))
    assert masks == ("a•••@nhs.net (1)", "a•••@nhs.net (2)", "b•••@nhs.net", "a•••@nhs.net (3)")
