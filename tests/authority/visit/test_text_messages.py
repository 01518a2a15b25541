"""A number as one of the addresses: codes and notices go there by text message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from kiosk.app.composition.authority import build_outbox
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.errors import MailRefused, MailUnavailable, NotTaken
from kiosk.authority.records import AddressKind, Card
from kiosk.authority.roles import Role
from kiosk.authority.texts.senders import MailAndTexts
from kiosk.config.settings import Settings
from kiosk.contract.messages import CodeNotSent, EnterCode, SendCode, SetPin
from kiosk.contract.policy import Policy, mask_address
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.station_visit import StationVisit
from tests.authority.visit.test_several_routes import add, asked
from tests.authority.world import EMAIL, World
from tests.support.refusals import refused

NUMBER = "+447400123456"


def office_of(world: World, *regions: str) -> Office:
    office = office_beside(world, Role.MANAGER)
    return Office(replace(office.means, text_regions=regions), office.actor)


def add_number(world: World, card: Card, number: str = "07400 123456", *regions: str) -> None:
    """Have staff add one, and wait until codes can go there."""
    office = office_of(world, *(regions or ("GB",)))
    PeopleDesk(office).add_address(as_seen(office, card), number, GROUNDS)
    world.clock.forward(hours=24)


def by_text(world: World, card: Card) -> tuple[StationVisit, EnterCode]:
    """Have a code sent to the number."""
    visit, task = asked(world, card)
    page = visit.send(route=task.routes[1].id)
    assert isinstance(page, EnterCode)
    return visit, page


def test_code_goes_to_the_number_that_was_chosen(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    assert [(each.masked, each.by_text) for each in task.routes] == [
        ("a•••@trust.nhs.uk", False),
        ("•••56", True),
    ]
    page = visit.send(route=task.routes[1].id)
    assert isinstance(page, EnterCode)
    assert page.sent_to == task.routes[1]
    assert [each.to for each in world.relay.sent] == [NUMBER]
    assert isinstance(visit.enter(world.relay.code), SetPin)


def test_right_code_confirms_the_number(world: World, card: Card) -> None:
    add_number(world, card)
    visit, _ = by_text(world, card)
    visit.enter(world.relay.code)
    [number] = world.addresses_of(card).further
    assert (number.value, number.kind) == (NUMBER, AddressKind.NUMBER)
    assert number.confirmed_at is not None


def test_number_gets_no_code_before_its_cooling_off_is_over(world: World, card: Card) -> None:
    office = office_of(world, "GB")
    PeopleDesk(office).add_address(as_seen(office, card), NUMBER, GROUNDS)
    _, task = asked(world, card)
    assert [each.by_text for each in task.routes] == [False]


def test_code_by_text_message_lives_ten_minutes_at_most(world: World, card: Card) -> None:
    """Whatever the policy gives a code by mail (NIST SP 800-63B-4, 4.2.1.2)."""
    world.policy = replace_policy(world, minutes=60)
    add_number(world, card)
    visit, page = by_text(world, card)
    assert page.expires_in_s == 600
    assert world.relay.sent[-1].subject.endswith(" 10")
    world.clock.forward(minutes=10, seconds=1)
    assert not isinstance(visit.enter(world.relay.code), SetPin)
    _, task = asked(world, card)
    page = visit_again(world, card, task)
    assert page.expires_in_s == 3600


def test_code_by_text_message_lives_no_longer_than_the_policy_says(
    world: World, card: Card
) -> None:
    world.policy = replace_policy(world, minutes=5)
    add_number(world, card)
    assert by_text(world, card)[1].expires_in_s == 300


def replace_policy(world: World, minutes: int) -> Policy:
    return structs.replace(world.policy, code_life=timedelta(minutes=minutes))


def visit_again(world: World, card: Card, task: SendCode) -> EnterCode:
    visit = world.insert(card, blocked=True)
    again = visit.answer(visit.questions())
    assert isinstance(again, SendCode)
    page = visit.send(route=task.routes[0].id)
    assert isinstance(page, EnterCode)
    return page


def test_code_by_text_message_has_no_stop_number_and_no_scan(world: World, card: Card) -> None:
    add_number(world, card)
    _, page = by_text(world, card)
    assert world.relay.sent[-1].html == ""  # where the tests write the stop number
    assert page.tag == ""


def test_codes_by_mail_and_text_message_count_under_one_limit(world: World, card: Card) -> None:
    """Else a thief with the card floods the telephone once the mailbox is full."""
    add_number(world, card)
    visit, task = asked(world, card)
    most = world.parts.policy().codes_an_hour
    for times in range(most):
        world.clock.forward(minutes=5)
        assert isinstance(visit.send(route=task.routes[times % 2].id), EnterCode)
        assert isinstance(visit.send(route=task.routes[(times + 1) % 2].id), CodeNotSent)
    world.clock.forward(minutes=5)
    for route in task.routes:
        assert isinstance(visit.send(route=route.id), CodeNotSent)
    assert len(world.relay.sent) == most


def test_notices_of_an_unlock_go_to_the_number_as_well(world: World, card: Card) -> None:
    reader_card = world.known_reader_card(card)
    add_number(world, card)
    world.clock.forward(minutes=2)
    world.unlock(card, reader_card)
    told = [(one.to, one.template) for one in world.outbox() if one.template == "unlocked"]
    assert sorted(told) == sorted([(EMAIL, "unlocked"), (NUMBER, "unlocked")])


def test_number_that_is_refused_is_said_and_the_visit_goes_on(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    world.relay.failure = MailRefused("Notify answered 400")
    reply = visit.send(route=task.routes[1].id)
    assert isinstance(reply, CodeNotSent)
    assert (reply.refused, reply.mail_away) == (True, True)
    assert isinstance(reply.again, SendCode)
    world.relay.failure = None
    assert isinstance(visit.send(route=task.routes[0].id), EnterCode)
    [number] = world.addresses_of(card).further
    assert number.is_failing  # staff see it, and the holder beside the number
    assert [each.may_fail for each in reply.again.routes] == [False, True]
    [event] = [one for one in world.events() if one.kind == "code-not-sent"]
    assert (event.detail["because"], event.detail["by_text"]) == ("MailRefused", True)


def test_gateway_that_is_away_refuses_no_number(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    world.relay.failure = MailUnavailable("the gateway did not answer in time")
    reply = visit.send(route=task.routes[1].id)
    assert isinstance(reply, CodeNotSent)
    assert not reply.refused
    assert not world.addresses_of(card).further[0].is_failing


def test_right_code_takes_the_mark_off_a_number(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    world.relay.failure = MailRefused("Notify answered 400")
    visit.send(route=task.routes[1].id)
    world.relay.failure = None
    visit.send(route=task.routes[1].id)
    assert isinstance(visit.enter(world.relay.code), SetPin)
    assert not world.addresses_of(card).further[0].is_failing


def test_codes_by_text_message_say_nothing_of_how_slow_mail_is(world: World, card: Card) -> None:
    add_number(world, card)
    visit, _ = by_text(world, card)
    world.clock.forward(minutes=5)
    assert isinstance(visit.enter(world.relay.code), SetPin)
    with world.store.read() as uow:
        assert uow.codes.times(timedelta(hours=3), 20) == ()
    visit.pull()
    world.clock.forward(minutes=30)
    visit, task = asked(world, card)
    visit.send(route=task.routes[0].id)
    world.clock.forward(minutes=5)
    assert isinstance(visit.enter(world.relay.code), SetPin)
    with world.store.read() as uow:
        assert uow.codes.times(timedelta(hours=3), 20) == (timedelta(minutes=5),)


def test_slow_mail_is_not_said_of_a_text_message(world: World, card: Card) -> None:
    add_number(world, card)
    world.parts.mail_time.slow = timedelta(minutes=10)
    assert by_text(world, card)[1].mail_takes_s == 0


def test_number_to_which_a_notice_is_refused_is_marked(world: World, card: Card) -> None:
    add_number(world, card)
    relay = MailAndTexts(world.relay, None)  # refuses every number
    build_outbox(Settings(), world.store, relay, world.clock, ring=world.ring).drain_once()
    [number] = world.addresses_of(card).further
    assert number.is_failing
    assert "mail-failed" in world.kinds()
    assert EMAIL in {one.to for one in world.relay.sent}


def test_withdrawn_number_gets_nothing(world: World, card: Card) -> None:
    add_number(world, card)
    visit, task = asked(world, card)
    office = office_of(world, "GB")
    PeopleDesk(office).withdraw_address(as_seen(office, card), "+44 7400 123 456", GROUNDS)
    page = visit.send(route=task.routes[1].id)
    assert isinstance(page, SendCode)
    assert [each.by_text for each in page.routes] == [False]
    assert world.relay.sent == []
    told = {(one.to, one.template) for one in world.outbox()}
    assert {(EMAIL, "address-withdrawn"), (NUMBER, "address-withdrawn")} <= told


def test_number_is_withdrawn_where_text_messages_are_no_longer_sent(
    world: World, card: Card
) -> None:
    add_number(world, card)
    office = office_of(world)
    PeopleDesk(office).withdraw_address(as_seen(office, card), NUMBER, GROUNDS)
    assert world.addresses_of(card).further == ()


def test_number_is_shown_masked_in_notices(world: World, card: Card) -> None:
    add_number(world, card)
    masked = {one.params["masked_email"] for one in world.outbox()}
    assert masked == {mask_address(NUMBER)} == {"•••56"}


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("020 7946 0018", "no mobile number"),
        ("ext 4400", "no mobile number"),
        ("+49 1512 3456789", "these countries are taken: GB"),
        ("asha", "not an address that mail"),
    ],
)
def test_number_that_takes_no_text_message_is_refused(
    world: World, card: Card, typed: str, because: str
) -> None:
    with refused(NotTaken, match=because):
        add_number(world, card, typed)
    assert world.addresses_of(card).further == ()


def test_number_is_refused_where_nobody_sends_text_messages(world: World, card: Card) -> None:
    with refused(NotTaken, match="sends no text messages"):
        add(world, card, "07400 123456")


def test_number_is_no_address_of_the_record(world: World, card: Card) -> None:
    """Text messages are never the only way: each holder has a mailbox first."""
    office = office_of(world, "GB")
    with refused(NotTaken):
        PeopleDesk(office).correct_email(as_seen(office, card), NUMBER, GROUNDS)


def test_number_that_is_known_is_not_added_again(world: World, card: Card) -> None:
    add_number(world, card)
    with refused(NotTaken, match="already"):
        add_number(world, card, "+44 (0) 7400 123456")
