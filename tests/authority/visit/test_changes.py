"""The changes that a working PIN allows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.notices import Notice
from kiosk.authority.records import Card
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    Finished,
    GiveEmail,
    Position,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    VisitOpened,
)
from tests.authority.card_in_reader import ReaderCard
from tests.authority.registering import DOMAINS, OTHER, given, start, to_code
from tests.authority.store.samples import waiting_address
from tests.authority.world import EMAIL, World


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is not registered."""
    return world.add_card(world.add_holder())


def test_a_new_pin(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card)
    visit = station_visit.visit
    world.authority.choose(visit, Purpose.CHANGE_PIN)
    with pytest.raises(StepRefused):
        world.authority.pin_changing(visit)
    assert isinstance(station_visit.verify_pin(), SetPin)
    assert station_visit.change_pin() == Finished(Purpose.CHANGE_PIN)
    assert world.authority.pin_changed(visit) == Finished(Purpose.CHANGE_PIN)
    assert [(one.to, one.template) for one in world.outbox()] == [(EMAIL, Notice.PIN_CHANGED)]
    assert world.kinds().count("pin-changed") == 1


def test_a_new_pin_for_one_who_is_not_registered(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    station_visit.change_pin()
    assert [one.to for one in world.outbox()] == [EMAIL]


def test_a_blocked_holder_changes_the_pin_and_stays_blocked(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    assert station_visit.change_pin() == Finished(Purpose.CHANGE_PIN)
    assert world.registration(card).blocked_at is not None


def test_new_questions(world: World) -> None:
    card = world.registered_card()
    unlocking = world.insert(card, blocked=True)
    unlocking.answer(unlocking.questions(), wrong=True)
    unlocking.pull()
    before = world.registration(card)
    station_visit = start(world, card, Purpose.CHANGE_QUESTIONS)
    for _ in range(2):
        reply = station_visit.authority.save_questions(station_visit.visit, given())
        assert reply == Finished(Purpose.CHANGE_QUESTIONS)
    after = world.registration(card)
    assert after.question_ids == (5, 6, 7, 8)
    assert (after.asked, after.failures) == (None, 1)
    assert (after.address_id, after.registered_at) == (before.address_id, before.registered_at)
    assert [(one.to, one.template) for one in world.outbox()] == [(EMAIL, Notice.QUESTIONS_CHANGED)]


def test_new_address_is_confirmed_and_the_old_one_mailed(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_EMAIL)
    assert station_visit.verify_pin() == GiveEmail(EMAIL, DOMAINS, position=Position(2, 3))
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, OTHER, station_visit.attempt()),
        EnterCode,
    )
    assert world.registered_email(card) == EMAIL
    assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    after = world.registration(card)
    assert (world.registered_email(card), len(after.hashes)) == (OTHER, 11)
    notices = world.outbox()
    assert [(one.to, one.template) for one in notices] == [
        (EMAIL, Notice.EMAIL_CHANGED_OLD),
        (OTHER, Notice.EMAIL_CHANGED_NEW),
    ]
    assert {one.params["masked_email"] for one in notices} == {"a•••@nhs.net"}


def test_recorded_address_is_not_mailed_that_it_replaced_itself(world: World) -> None:
    holder = world.add_holder()
    world.register(holder, email=OTHER)
    station_visit = start(world, world.add_card(holder), Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(EMAIL), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert [(one.to, one.template) for one in world.outbox()] == [
        (OTHER, Notice.EMAIL_CHANGED_OLD),
        (EMAIL, Notice.EMAIL_CHANGED_NEW),
    ]


def test_the_same_address_may_be_confirmed_again(world: World) -> None:
    card = world.registered_card()
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert [one.template for one in world.outbox()] == [Notice.EMAIL_CHANGED_NEW]


def test_a_change_of_address_is_finished_at_another_station(world: World) -> None:
    card = world.registered_card()
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    station_visit.authority.give_email(station_visit.visit, OTHER, station_visit.attempt())
    station_visit.pull()
    back = world.insert(card, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert back.opened.resumed[0] is Purpose.CHANGE_EMAIL
    assert back.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert world.registered_email(card) == OTHER


def test_a_registration_that_was_blocked_on_the_way_changes_nothing_more(world: World) -> None:
    card = world.registered_card()
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    station_visit.authority.give_email(station_visit.visit, OTHER, station_visit.attempt())
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    reply = station_visit.enter(world.relay.code)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED
    assert world.registered_email(card) == EMAIL


def test_an_address_that_is_confirmed_again_stays(world: World) -> None:
    """Somebody else's change that waited is stopped: it would count after all."""
    card = world.registered_card()
    with world.store.begin() as uow:
        due = uow.now + timedelta(hours=24)
        other = "somebody.else@nhs.net"
        uow.addresses.add(waiting_address(world.registration(card), other, due))
        uow.commit()
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(EMAIL), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert world.kinds().count("email-change-stopped") == 1
    world.clock.forward(hours=24)
    assert apply_due_changes(world.store) == ()
    assert world.registered_email(card) == EMAIL


def test_audit_has_the_stop_of_an_address_that_another_one_replaces_while_it_waits(
    world: World,
) -> None:
    """Before: its end was in no row of the audit, so that nothing showed an older row of it."""
    card = world.registered_card()
    for email in OTHER, "somebody.else@nhs.net":
        station_visit = world.insert(card, reader_card=ReaderCard())
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_EMAIL)
        station_visit.authority.pin_verified(station_visit.visit, None)
        station_visit.send()
        station_visit.enter(world.relay.code)
        assert isinstance(station_visit.email(email), EnterCode)
        assert isinstance(station_visit.enter(world.relay.code), Finished)
        station_visit.pull()
        world.clock.forward(minutes=2)
    kinds = [kind for kind in world.kinds() if kind.startswith("email-change-")]
    assert kinds == ["email-change-waits", "email-change-stopped", "email-change-waits"]
    waits = world.addresses_of(card).waiting
    assert waits is not None
    assert waits.value == "somebody.else@nhs.net"


def test_an_address_of_a_new_registration_stays(world: World) -> None:
    card = world.add_card(world.add_holder())
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder, proven=False)
    with world.store.begin() as uow:
        due = uow.now + timedelta(hours=24)
        other = "somebody.else@nhs.net"
        uow.addresses.add(waiting_address(world.registration(card), other, due))
        uow.commit()
    station_visit = to_code(world, card)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    world.clock.forward(hours=24)
    assert apply_due_changes(world.store) == ()
    assert world.registered_email(card) == EMAIL
