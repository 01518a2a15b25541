"""Before: somebody who had staff give a code by telephone set a PIN with it, which counted as
proven: they registered, or moved the address, at once, and no code went to the known mailbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from kiosk.authority.records import Card, PinEvidence
from kiosk.contract.messages import (
    ChooseQuestions,
    Finished,
    GiveEmail,
    ProvePin,
    Purpose,
    SendCode,
    SetPin,
    UnblockDone,
)
from tests.authority.assisting import answered, give, office_beside
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World

AFTER = timedelta(hours=24)
RECOVERY = (Purpose.REGISTER, Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL)


def first_unlock(world: World, card: Card) -> StationVisit:
    """Unlock the card of somebody who is not registered; they are asked to register."""
    code = give(office_beside(world), card).code
    visit = world.insert(card, blocked=True)
    visit.authority.choose(visit.visit, Purpose.FIRST_UNLOCK)
    assert isinstance(visit.enter(code), SetPin)
    done = visit.authority.record_outcome(visit.visit, visit.grant().journal, UnblockDone())
    assert isinstance(done, ProvePin | Finished), done
    return visit


def assisted_unlock(world: World, card: Card, *, reports: bool = True) -> None:
    """Unlock with the right answers and a code from staff in place of the mailed one."""
    code = give(office_beside(world), card).code
    visit = answered(world, card)
    assert isinstance(visit.enter(code), SetPin)
    journal = visit.grant().journal
    if reports:
        visit.authority.record_outcome(visit.visit, journal, UnblockDone())
    visit.pull()


def proves_pin(world: World, card: Card, purpose: Purpose) -> tuple[object, StationVisit]:
    visit = world.insert(card)
    assert isinstance(visit.authority.choose(visit.visit, purpose), ProvePin)
    return visit.verify_pin(), visit


def evidence(world: World, visit: StationVisit) -> PinEvidence | None:
    return world.visit(visit).pin_evidence


def test_the_registration_after_it_asks_for_the_code_to_the_known_address(world: World) -> None:
    visit = first_unlock(world, world.add_card(world.add_holder()))
    task = visit.verify_pin()
    assert isinstance(task, SendCode)
    assert task.proves_owner
    assert evidence(world, visit) is PinEvidence.CLAIMED
    because = [row.detail["because"] for row in world.events() if row.kind == "pin-verified"]
    assert because == ["the PIN was set with a code from staff"]
    visit.send()
    assert world.relay.sent[-1].to == EMAIL


def test_pin_set_with_a_code_from_staff_is_claimed_in_later_visits(world: World) -> None:
    card = world.add_card(world.add_holder())
    first_unlock(world, card).pull()
    world.clock.forward(hours=1)
    task, _ = proves_pin(world, card, Purpose.REGISTER)
    assert isinstance(task, SendCode)


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL])
def test_an_assisted_unlock_moves_nothing_without_the_known_mailbox(
    world: World, purpose: Purpose
) -> None:
    card = world.registered_card()
    assisted_unlock(world, card)
    world.clock.forward(minutes=5)
    task, visit = proves_pin(world, card, purpose)
    assert isinstance(task, SendCode)
    assert task.proves_owner
    assert evidence(world, visit) is PinEvidence.CLAIMED


def test_a_station_that_keeps_quiet_about_the_new_pin_gains_nothing(world: World) -> None:
    """The secret has left: the PIN may be set, whatever is reported."""
    card = world.registered_card()
    assisted_unlock(world, card, reports=False)
    world.clock.forward(hours=1)
    task, _ = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, SendCode)


def test_a_change_of_pin_in_between_heals_nothing(world: World) -> None:
    card = world.registered_card()
    assisted_unlock(world, card)
    _, visit = proves_pin(world, card, Purpose.CHANGE_PIN)
    assert visit.change_pin() == Finished(Purpose.CHANGE_PIN)
    visit.pull()
    world.clock.forward(hours=1)
    task, _ = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, SendCode)


def test_a_second_unlock_does_not_shorten_the_wait(world: World) -> None:
    card = world.registered_card()
    assisted_unlock(world, card)
    world.clock.forward(hours=1)
    world.unlock(card)
    world.clock.forward(hours=1)
    task, _ = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, SendCode)


def test_the_pin_is_proven_again_after_the_cooling_off(world: World) -> None:
    card = world.registered_card()
    assisted_unlock(world, card)
    world.clock.forward(hours=23)
    task, visit = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, SendCode)
    visit.pull()
    world.clock.forward(hours=2)
    task, visit = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, GiveEmail)
    assert evidence(world, visit) is PinEvidence.PROVEN


def test_without_a_cooling_off_it_is_claimed_in_that_visit_alone(world: World) -> None:
    world.policy = structs.replace(world.policy, address_cooling_off=timedelta(0))
    card = world.add_card(world.add_holder())
    visit = first_unlock(world, card)
    assert isinstance(visit.verify_pin(), SendCode)
    visit.pull()
    world.clock.forward(minutes=1)
    task, _ = proves_pin(world, card, Purpose.REGISTER)
    assert isinstance(task, ChooseQuestions)


def test_an_unlock_with_a_mailed_code_leaves_the_pin_proven(world: World) -> None:
    card = world.registered_card()
    world.unlock(card)
    world.clock.forward(minutes=5)
    task, _ = proves_pin(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(task, GiveEmail)


def test_without_a_recorded_address_the_unlock_stands_and_nobody_registers(world: World) -> None:
    card = world.add_card(world.add_holder(email=None))
    visit = first_unlock(world, card)
    assert world.visit(visit).purpose is Purpose.FIRST_UNLOCK, "it is over with the new PIN"
    assert world.visit(visit).finished_at is not None
