"""Before: a copy of a card whose holder had not registered did so with an address of the thief's,
unnoticed, and the real, blocked card was then opened."""

from __future__ import annotations

import pytest

from kiosk.authority.store.records import Card
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
from tests.authority.card_in_reader import Plastic, Quiet
from tests.authority.registering import given
from tests.authority.station_visit import Sitting
from tests.authority.world import EMAIL, World

THIEFS = "mallory@trust.nhs.uk"


@pytest.fixture
def card(world: World) -> Card:
    """A PIV card whose key nobody has recorded, of somebody who has not registered."""
    return world.add_card(world.add_holder())


def start(world: World, card: Card, plastic: Plastic) -> Sitting:
    sitting = world.insert(card, plastic=plastic)
    assert isinstance(sitting.authority.choose(sitting.visit, Purpose.REGISTER), ProvePin)
    assert sitting.verify_pin() == SendCode(
        "a•••@trust.nhs.uk", proves_owner=True, position=Position(2, 5)
    )
    return sitting


@pytest.mark.parametrize("copy", [Quiet, Plastic], ids=["without a key", "with keys of its own"])
def test_a_blank_copy_of_the_guid(world: World, card: Card, copy: type[Plastic]) -> None:
    sitting = start(world, card, copy())
    with pytest.raises(StepRefused):
        sitting.authority.save_questions(sitting.visit, given())
    with pytest.raises(StepRefused):
        sitting.email(THIEFS)
    assert isinstance(sitting.send(), EnterCode)
    assert [mail.to for mail in world.relay.sent] == [EMAIL], "the holder hears of it"
    sitting.pull()
    with world.store.read() as uow:
        assert uow.registrations.of_holder(card.holder_id) is None
    assert (world.card(card).auth_key, world.card(card).pin_key) == (None, None)
    world.clock.forward(minutes=16)  # the code is no longer good
    blocked = world.insert(card, blocked=True, plastic=Plastic()).opened
    assert isinstance(blocked, Refusal)
    assert blocked.reason is Reason.NOT_REGISTERED


def test_without_a_recorded_address_the_registration_authority_has_to_add_one(
    world: World,
) -> None:
    card = world.add_card(world.add_holder(email=None))
    sitting = world.insert(card, plastic=Quiet())
    sitting.authority.choose(sitting.visit, Purpose.REGISTER)
    refused = sitting.verify_pin()
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.NO_RECORDED_EMAIL


def test_a_registration_that_a_copy_made_does_not_open_the_real_card(
    world: World, card: Card
) -> None:
    """Even a thief who reads the recorded mailbox has registered for the copy alone."""
    sitting = start(world, card, Quiet())
    sitting.send()
    sitting.enter(world.relay.code)
    sitting.authority.save_questions(sitting.visit, given())
    sitting.email(EMAIL)
    assert not world.registration(card).proven
    real = world.insert(card, blocked=True, plastic=Plastic()).opened
    assert isinstance(real, Refusal)
    assert real.reason is Reason.NOT_REGISTERED
    assert {notice.to for notice in world.outbox()} == {EMAIL}
