"""Before: a copy of a card whose holder had not registered did so with an address of the thief's,
unnoticed, and the real, blocked card was then opened."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    Position,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
)
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.registering import given
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support.routes import to

THIEFS = "mallory@trust.nhs.uk"


@pytest.fixture
def card(world: World) -> Card:
    """A PIV card whose key nobody has recorded, of somebody who has not registered."""
    return world.add_card(world.add_holder())


def start(world: World, card: Card, reader_card: ReaderCard) -> StationVisit:
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.REGISTER), ProvePin
    )
    assert station_visit.verify_pin() == SendCode(
        to("a•••@trust.nhs.uk"), proves_owner=True, position=Position(2, 5)
    )
    return station_visit


@pytest.mark.parametrize(
    "copy", [KeylessCard, ReaderCard], ids=["without a key", "with keys of its own"]
)
def test_a_blank_copy_of_the_guid(world: World, card: Card, copy: type[ReaderCard]) -> None:
    station_visit = start(world, card, copy())
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    with pytest.raises(StepRefused):
        station_visit.email(THIEFS)
    assert isinstance(station_visit.send(), EnterCode)
    assert [mail.to for mail in world.relay.sent] == [EMAIL], "the holder hears of it"
    station_visit.pull()
    with world.store.read() as uow:
        assert uow.registrations.of_holder(card.holder_id) is None
    assert (world.card(card).auth_key, world.card(card).pin_key) == (None, None)
    world.clock.forward(minutes=16)  # the code is no longer good
    blocked = world.insert(card, blocked=True, reader_card=ReaderCard()).opened
    assert isinstance(blocked, Refusal)
    assert blocked.reason is Reason.NOT_REGISTERED


def test_without_a_recorded_address_the_registration_authority_has_to_add_one(
    world: World,
) -> None:
    card = world.add_card(world.add_holder(email=None))
    station_visit = world.insert(card, reader_card=KeylessCard())
    station_visit.authority.choose(station_visit.visit, Purpose.REGISTER)
    refused = station_visit.verify_pin()
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_RECORDED_EMAIL


def test_a_registration_that_a_copy_made_does_not_open_the_real_card(
    world: World, card: Card
) -> None:
    """Even a thief who reads the recorded mailbox has registered for the copy alone."""
    station_visit = start(world, card, KeylessCard())
    station_visit.send()
    station_visit.enter(world.relay.code)
    station_visit.authority.save_questions(station_visit.visit, given())
    station_visit.email(EMAIL)
    assert not world.registration(card).proven
    real = world.insert(card, blocked=True, reader_card=ReaderCard()).opened
    assert isinstance(real, Refusal)
    assert real.reason is Reason.NOT_REGISTERED
    assert {notice.to for notice in world.outbox()} == {EMAIL}
