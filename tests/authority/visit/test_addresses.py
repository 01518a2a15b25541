"""The address of a registration: given again, refused, and finished elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.errors import MailRefused, MailUnavailable
from kiosk.authority.records import Card
from kiosk.authority.visit.gathering import give_email
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CodeNotSent,
    EnterCode,
    Finished,
    GiveEmail,
    Position,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    VisitOpened,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.registering import DOMAINS, OTHER, given, start, to_code
from tests.authority.station_visit import is_wrong
from tests.authority.world import EMAIL, World
from tests.support.routes import to


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is not registered."""
    return world.add_card(world.add_holder())


def test_a_code_to_one_address_does_not_confirm_another(world: World, card: Card) -> None:
    world.policy = Policy(code_gap=timedelta(0))
    station_visit = to_code(world, card, OTHER)
    first = world.relay.code
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt()),
        EnterCode,
    )
    assert is_wrong(station_visit.enter(first), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == EMAIL


def test_code_on_its_way_to_one_address_does_not_confirm_another(world: World, card: Card) -> None:
    """It becomes the live code after another process took the other address, and withdrew all."""
    world.policy = Policy(code_gap=timedelta(0))
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())

    def meanwhile() -> None:
        world.relay.on_send = None
        reply = give_email(world.parts, station_visit.visit, EMAIL, station_visit.attempt())
        assert isinstance(reply, EnterCode)

    world.relay.on_send = meanwhile
    station_visit.email(OTHER)
    assert [mail.to for mail in world.relay.sent] == [EMAIL, OTHER]
    live = world.live_code(card)
    assert live is not None
    for mail in world.relay.sent:
        with pytest.raises(StepRefused):
            station_visit.enter(Sensitive(mail.text))
    with world.store.read() as uow:
        assert uow.registrations.of_holder(card.holder_id) is None


def test_code_to_a_second_address_within_the_gap_has_to_wait(world: World, card: Card) -> None:
    station_visit = to_code(world, card, OTHER)
    first = world.relay.code
    reply = station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert reply == CodeNotSent(
        mail_away=False,
        retry_in_s=60,
        again=SendCode(to("a•••@trust.nhs.uk"), position=Position(4, 4)),
    )
    with pytest.raises(StepRefused):
        station_visit.enter(first)
    world.clock.forward(seconds=60)
    assert isinstance(station_visit.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL


def test_the_same_address_again_keeps_the_code(world: World, card: Card) -> None:
    station_visit = to_code(world, card)
    reply = station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert isinstance(reply, CodeNotSent)
    assert isinstance(reply.again, EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_mail_away_keeps_what_was_given(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    world.relay.failure = MailUnavailable("away")
    reply = station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert reply == CodeNotSent(
        mail_away=True,
        retry_in_s=0,
        again=SendCode(to("a•••@trust.nhs.uk"), position=Position(4, 4)),
    )
    world.relay.failure = None
    assert isinstance(station_visit.send(), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_an_address_that_the_relay_refuses_is_asked_for_again(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    world.relay.failure = MailRefused("no such mailbox")
    reply = station_visit.authority.give_email(station_visit.visit, OTHER, station_visit.attempt())
    assert reply == CodeNotSent(
        mail_away=True, retry_in_s=0, again=GiveEmail(OTHER, DOMAINS, position=Position(3, 4))
    )
    world.relay.failure = None
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt()),
        EnterCode,
    )


def test_a_registration_is_finished_at_another_station(world: World, card: Card) -> None:
    to_code(world, card).pull()
    world.restart()
    back = world.insert(card, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert back.opened.resumed[0] is Purpose.REGISTER
    assert back.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert len(world.registration(card).hashes) == 4


def test_registration_is_finished_even_if_the_pin_was_blocked_since(
    world: World, card: Card
) -> None:
    to_code(world, card).pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.offers == ()
    assert back.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_who_comes_back_can_only_finish(world: World, card: Card) -> None:
    to_code(world, card).pull()
    back = world.insert(card)
    with pytest.raises(StepRefused):
        back.authority.give_email(back.visit, OTHER, back.attempt())
    with pytest.raises(StepRefused):
        back.authority.save_questions(back.visit, given())
    world.clock.forward(seconds=60)
    assert isinstance(back.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL
    world.clock.forward(seconds=60)
    world.relay.failure = MailRefused("no such mailbox")
    world.clock.forward(minutes=15)
    reply = back.send()
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.EMAIL_REFUSED


def test_too_late_it_starts_afresh(world: World, card: Card) -> None:
    to_code(world, card).pull()
    code = world.relay.code
    world.clock.forward(minutes=15)
    back = world.insert(card)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    assert isinstance(back.authority.choose(back.visit, Purpose.REGISTER), ProvePin)
    with pytest.raises(StepRefused):
        back.enter(code)
    with pytest.raises(StepRefused):
        back.send()
    assert world.visit(back).pending_id is None
