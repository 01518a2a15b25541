"""Before: a station that said that a PIN was verified was sent the holder's number, with no card in
it, for each card that is known by its name: with the new PIN's rules.
"""

from __future__ import annotations

from kiosk.authority.records import Card
from kiosk.contract.messages import Factor, Purpose, SetPin
from kiosk.contract.policy import Policy
from kiosk.contract.routes import encode
from tests.authority.world import World

NUMBER = "900123456789"


def after_pin(world: World, card: Card) -> SetPin:
    """Choose to change the PIN, and have it verified as the card can."""
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.CHANGE_PIN)
    task = visit.verify_pin()
    assert isinstance(task, SetPin)
    return task


def by_name(world: World) -> Card:
    return world.registered_card(driver="openpgp", identifier="000612345678")


def test_claimed_pin_gets_rules_without_the_number(world: World) -> None:
    task = after_pin(world, by_name(world))
    assert NUMBER.encode() not in encode(task)


def test_a_proven_pin_has_the_rule(world: World) -> None:
    assert after_pin(world, world.registered_card()).rules.personal == (NUMBER,)


def test_an_unlock_that_passed_every_factor_has_the_rule(world: World) -> None:
    world.policy = Policy(verification=((Factor.QUESTIONS, Factor.EMAIL_CODE),))
    task = world.insert(by_name(world), blocked=True).to_new_pin()
    assert task.rules.personal == (NUMBER,)
