"""A code goes where the page said that it would go, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import Address, Card, new_id
from kiosk.authority.roles import Role
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    FactorEnd,
    FactorOver,
    Purpose,
    Reason,
    Refusal,
    RouteId,
    SendCode,
    SetPin,
)
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import GIVEN, as_seen, give, office_beside
from tests.authority.registering import to_code
from tests.authority.station_visit import StationVisit, resumed_by
from tests.authority.store.samples import waiting_address
from tests.authority.world import EMAIL, World
from tests.support.routes import MADE_UP, route_of, to

NEW, MASKED, NEW_MASKED = "zara.new@nhs.net", "a•••@trust.nhs.uk", "z•••@nhs.net"
OTHER, OTHER_MASKED = "asha@home.nhs.uk", "a•••@home.nhs.uk"


def correct(world: World, card: Card, email: str = NEW) -> None:
    """Staff correct the address, while the holder stands at the station."""
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).correct_email(as_seen(office, card), email, GROUNDS)


def revoke_registration(world: World, card: Card) -> None:
    office = office_beside(world, Role.MANAGER)
    PeopleDesk(office).revoke_registration(as_seen(office, card), GROUNDS)


def let_wait(world: World, card: Card, cooling_off: timedelta) -> Address:
    """Let another address wait for its time."""
    with world.store.begin() as uow:
        address = waiting_address(world.registration(card), NEW, uow.now + cooling_off)
        uow.addresses.add(address)
        uow.commit()
    return address


def account(world: World, card: Card) -> tuple[object, ...]:
    """Return what a code that is asked for may add to."""
    with world.store.read() as uow:
        counted = uow.codes.send_times(card.id, world.now.replace(year=2000))
        newest = uow.codes.newest(card.id)
    return len(world.relay.sent), counted, newest, world.events()


def at_send_page(world: World, card: Card) -> tuple[StationVisit, SendCode]:
    visit = world.insert(card, blocked=True)
    task = visit.answer(visit.questions())
    assert isinstance(task, SendCode)
    return visit, task


def test_code_page_and_resumed_page_name_the_route_of_the_code(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.answer(station_visit.questions())
    page = station_visit.send(route=route_of(task))
    assert isinstance(page, EnterCode)
    code = world.live_code(card)
    assert code is not None
    assert page.sent_to is not None
    assert (code.route, page.sent_to.id, page.routes) == (
        page.sent_to.id,
        route_of(task),
        to(MASKED),
    )
    station_visit.pull()
    resumed = resumed_by(world.insert(card, blocked=True))
    assert resumed is not None
    assert resumed[1].sent_to == page.sent_to
    assert resumed[1].routes == page.routes


def test_address_changed_between_page_and_press_is_shown_before_a_code_goes_there(
    world: World, card: Card
) -> None:
    visit, shown = at_send_page(world, card)
    correct(world, card)
    before = account(world, card)
    again = visit.send(route=route_of(shown))
    assert again == SendCode(to(NEW_MASKED), position=shown.position)
    assert account(world, card) == before
    page = visit.send(route=route_of(again))
    assert isinstance(page, EnterCode)
    assert (page.masked, world.relay.sent[-1].to) == (NEW_MASKED, NEW)
    assert isinstance(visit.enter(world.relay.code), SetPin)


def test_address_changed_under_the_code_page_gets_no_second_code_unseen(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    page = station_visit.to_code()
    world.clock.forward(minutes=2)
    correct(world, card)
    before = account(world, card)
    again = station_visit.send(route=route_of(page))
    assert again == SendCode(to(NEW_MASKED), position=page.position)
    assert account(world, card) == before
    assert isinstance(station_visit.send(route=route_of(again)), EnterCode)
    assert [mail.to for mail in world.relay.sent] == [EMAIL, NEW]


def test_address_that_fell_due_under_the_code_page_is_said(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """The code was sent to the one before: it opens nothing, and nothing is counted."""
    page = station_visit.to_code()
    let_wait(world, card, timedelta(0))
    assert apply_due_changes(world.store) == ()
    moved = station_visit.enter(world.relay.code)
    again = SendCode(to(NEW_MASKED), position=page.position)
    assert moved == FactorOver(FactorEnd.MOVED, again, retry_in_s=60)
    assert world.registration(card).failures == 0
    assert world.kinds()[-1] == AuditKind.CODE_DEAD
    world.clock.forward(minutes=1)
    assert isinstance(station_visit.send(route=route_of(moved)), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_code_whose_address_has_changed_since_its_entry_opens_nothing_and_says_why(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """Before: the page said that the Registration Authority had withdrawn it."""
    station_visit.to_new_pin()
    let_wait(world, card, timedelta(0))
    assert apply_due_changes(world.store) == ()
    assert station_visit.release() == Refusal(Reason.CODE_MOVED)


def test_code_that_staff_withdrew_since_its_entry_says_so(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_new_pin()
    correct(world, card)
    assert station_visit.release() == Refusal(Reason.CODE_WITHDRAWN)


def test_registration_to_another_address_needs_its_own_route(world: World) -> None:
    card = world.add_card(world.add_holder())
    visit = to_code(world, card, OTHER)
    first = world.relay.sent[-1]
    old = visit.route()
    world.clock.forward(minutes=2)
    assert isinstance(visit.email(EMAIL), EnterCode)
    world.clock.forward(minutes=2)
    before = account(world, card)
    page = visit.send(route=old)
    assert isinstance(page, EnterCode), "the code for the address that was given last is live"
    assert (page.masked, route_of(page) == old) == (MASKED, False)
    assert account(world, card) == before
    assert (first.to, world.relay.sent[-1].to) == (OTHER, EMAIL)


def test_code_that_proves_the_owner_goes_where_the_page_said(world: World) -> None:
    """The PIN is claimed, and staff correct the recorded address under the page."""
    card = world.registered_card()
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.CHANGE_QUESTIONS)
    shown = visit.authority.pin_verified(visit.visit, None)
    assert isinstance(shown, SendCode)
    correct(world, card)
    before = account(world, card)
    again = visit.send(route=route_of(shown))
    assert again == SendCode(to(NEW_MASKED), proves_owner=True, position=shown.position)
    assert account(world, card) == before


# --- an id that names no route of the visit -------------------------------------------------


def made_up(world: World, card: Card) -> RouteId:
    return RouteId(new_id())


def withdrawn(world: World, card: Card) -> RouteId:
    """The one of an address that staff have since replaced, and put back under another id."""
    route = world.addresses_of(card).registered
    assert route is not None
    correct(world, card)
    correct(world, card, EMAIL)
    return RouteId(route.id)


def recorded(world: World, card: Card) -> RouteId:
    """The holder's own, but not where codes go: a registered address comes first."""
    address = world.addresses_of(card).recorded
    assert address is not None
    return RouteId(address.id)


def waiting(world: World, card: Card) -> RouteId:
    """One that is in its cooling-off."""
    return RouteId(let_wait(world, card, timedelta(hours=24)).id)


def of_another_holder(world: World, card: Card) -> RouteId:
    other = world.add_holder(number="900123456780", email="ben@trust.nhs.uk")
    world.register(other, email="ben@trust.nhs.uk")
    address = world.addresses_of(world.add_card(other)).registered
    assert address is not None
    return RouteId(address.id)


def of_a_holder(world: World, card: Card) -> RouteId:
    """The id of a row that is no address."""
    return RouteId(card.holder_id)


def of_another_visit(world: World, card: Card) -> RouteId:
    """An address that is given in a registration at another station."""
    other = world.add_card(world.add_holder(number="900123456780"))
    return to_code(world, other, OTHER).route()


NOT_OPEN: dict[str, Callable[[World, Card], RouteId]] = {
    "made up": made_up,
    "withdrawn": withdrawn,
    "recorded": recorded,
    "waiting": waiting,
    "another holder's": of_another_holder,
    "no address": of_a_holder,
    "another visit's": of_another_visit,
}


@pytest.mark.parametrize("kind", NOT_OPEN)
def test_route_that_is_not_open_gets_the_present_task_and_nothing_else(
    world: World, card: Card, kind: str
) -> None:
    visit, shown = at_send_page(world, card)
    route = NOT_OPEN[kind](world, card)
    before = account(world, card)
    replies = [visit.send(attempt="same", route=route), visit.send(attempt="same", route=MADE_UP)]
    assert replies == [SendCode(to(MASKED), position=shown.position)] * 2
    assert replies[0] == replies[1], "nothing says whether there is such an address"
    assert route not in repr(replies)
    assert account(world, card) == before


@pytest.mark.parametrize("kind", NOT_OPEN)
def test_route_that_is_not_open_leaves_a_live_code_alone(
    world: World, card: Card, station_visit: StationVisit, kind: str
) -> None:
    station_visit.answer(station_visit.questions())
    route = NOT_OPEN[kind](world, card)
    live = station_visit.send()
    assert isinstance(live, EnterCode)
    code = world.relay.code
    world.clock.forward(minutes=2)
    before = account(world, card)
    page = station_visit.send(route=route)
    assert page == station_visit.send(route=MADE_UP)
    assert isinstance(page, EnterCode)
    assert (page.sent_to, page.tries_left) == (live.sent_to, live.tries_left)
    assert account(world, card) == before
    assert isinstance(station_visit.enter(code), SetPin)


@pytest.mark.parametrize("route", [None, MADE_UP], ids=["open", "made up"])
def test_route_decides_nothing_where_no_code_is_due(
    world: World, card: Card, station_visit: StationVisit, route: RouteId | None
) -> None:
    address = world.addresses_of(card).registered
    assert address is not None
    station_visit.questions()
    before = account(world, card)[:3]
    with pytest.raises(StepRefused):
        station_visit.send(route=route or RouteId(address.id))
    assert account(world, card)[:3] == before


@pytest.mark.parametrize("open_before", [True, False])
def test_withdrawn_registration_refuses_every_route_alike(
    world: World, card: Card, open_before: bool
) -> None:
    visit, shown = at_send_page(world, card)
    revoke_registration(world, card)
    reply = visit.send(route=route_of(shown) if open_before else MADE_UP)
    assert reply == Refusal(Reason.NOT_REGISTERED)
    assert world.relay.sent == []


@pytest.mark.parametrize("open_before", [True, False])
def test_holder_without_any_address_left_is_refused_by_every_route_alike(
    world: World, open_before: bool
) -> None:
    """The only one was that of a registration without questions, which staff revoke."""
    holder = world.add_holder(email=None)
    world.register(holder, email=EMAIL, question_ids=(), hashes=())
    card = world.add_card(holder)
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.REGISTER)
    shown = visit.authority.pin_verified(visit.visit, None)
    assert isinstance(shown, SendCode)
    revoke_registration(world, card)
    reply = visit.send(route=route_of(shown) if open_before else MADE_UP)
    assert reply == Refusal(Reason.NO_EMAIL)
    assert world.relay.sent == []


def test_code_of_staff_names_where_one_by_mail_would_go(world: World, card: Card) -> None:
    issued = give(office_beside(world), card)
    visit = world.insert(card, blocked=True)
    page = visit.answer(visit.questions())
    assert page == GIVEN
    mailed = visit.send(route=route_of(page))
    assert isinstance(mailed, EnterCode)
    assert mailed.masked == MASKED
    assert issued.code.reveal() != world.relay.code.reveal()


# --- one attempt ------------------------------------------------------------------------------


def test_attempt_repeated_after_the_address_changed_mails_no_second_code(
    world: World, card: Card
) -> None:
    """The answer to the first call was lost, and then the address was corrected."""
    visit, shown = at_send_page(world, card)
    assert isinstance(visit.send(attempt="1", route=route_of(shown)), EnterCode)
    correct(world, card)
    before = account(world, card)
    for _ in range(2):
        again = visit.send(attempt="1", route=route_of(shown))
        assert again == SendCode(to(NEW_MASKED), position=shown.position)
    assert account(world, card) == before


def test_attempt_names_one_route(world: World, card: Card) -> None:
    """A station that uses the id of an attempt twice has one code sent by it."""
    visit, shown = at_send_page(world, card)
    assert isinstance(visit.send(attempt="1", route=route_of(shown)), EnterCode)
    let_wait(world, card, timedelta(0))
    assert apply_due_changes(world.store) == ()
    before = account(world, card)
    again = visit.send(attempt="1")
    assert again == SendCode(to(NEW_MASKED), position=shown.position)
    assert account(world, card) == before
    world.clock.forward(minutes=1)
    assert isinstance(visit.send(attempt="2", route=route_of(again)), EnterCode)


def test_draft_to_the_old_address_is_not_mailed_to_the_new_one(world: World, card: Card) -> None:
    """The process that was to mail it was killed."""
    visit, shown = at_send_page(world, card)
    world.relay.on_send = partial(next, iter(()))
    with pytest.raises(StopIteration):
        visit.send(attempt="1", route=route_of(shown))
    world.relay.on_send = None
    let_wait(world, card, timedelta(0))
    assert apply_due_changes(world.store) == ()
    world.clock.forward(minutes=1)
    assert visit.send(attempt="1") == SendCode(to(NEW_MASKED), position=shown.position)
    assert world.relay.sent == []
