"""No step is skipped by a code that staff gave."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from kiosk.authority.administration.office import Office
from kiosk.authority.records import Card, new_id
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    CardId,
    CardReport,
    EnterCode,
    PinState,
    Position,
    Purpose,
    SendCode,
    SetPin,
)
from tests.authority.assisting import GIVEN, give, kept, nothing_opens
from tests.authority.registering import start
from tests.authority.station_visit import is_wrong, opened
from tests.authority.world import EMAIL, World
from tests.support.routes import to

MASKED = "a•••@trust.nhs.uk"


def test_before_the_answers_it_opens_nothing(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    questions = station_visit.questions()
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    station_visit.answer(questions, wrong=True)
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    nothing_opens(station_visit)
    assert kept(world, issued).tries == 0


def test_answers_are_carried_to_no_other_visit_by_it(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    assert station_visit.answer(station_visit.questions()) == GIVEN
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert opened(back).resumed is None
    with pytest.raises(StepRefused):
        back.enter(issued.code)
    assert back.answer(back.questions()) == GIVEN
    assert isinstance(back.enter(issued.code), SetPin)


def test_answers_that_the_mailed_code_carried_are_carried_no_further(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    issued = give(agent, card)
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is None
    with pytest.raises(StepRefused):
        back.enter(issued.code)


def test_given_to_somebody_who_came_back_the_answers_are_asked_once_more(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is not None
    issued = give(agent, card)
    asked = back.enter(issued.code)
    assert isinstance(asked, AnswerQuestions)
    assert kept(world, issued).tries == 0
    nothing_opens(back)
    assert isinstance(back.enter(issued.code), AnswerQuestions)
    assert back.answer(asked) == structs.replace(GIVEN, resend_in_s=60)
    assert isinstance(back.enter(issued.code), SetPin)
    back.grant()


def test_somebody_who_came_back_may_have_a_mail_instead(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    back = world.insert(card, blocked=True)
    issued = give(agent, card)
    world.clock.forward(minutes=2)
    assert isinstance(back.send(), EnterCode)
    assert kept(world, issued).revoked_at is not None
    assert isinstance(back.enter(world.relay.code), SetPin)


def test_a_visit_that_is_under_way_is_not_begun_again(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    station_visit.answer(station_visit.questions())
    station_visit.enter(issued.code)
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=True))
    with pytest.raises(StepRefused):
        station_visit.authority.begin(station_visit.visit, report)


def test_given_code_is_for_one_card(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.insert(world.add_card(holder), blocked=True)
    assert other.answer(other.questions()) == SendCode(to(MASKED), position=Position(3, 4))
    with pytest.raises(StepRefused):
        other.enter(issued.code)


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_EMAIL, Purpose.CHANGE_PIN])
def test_given_code_is_for_an_unlock_alone(
    world: World, card: Card, agent: Office, purpose: Purpose
) -> None:
    issued = give(agent, card)
    station_visit = start(world, card, purpose)
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    if purpose is Purpose.CHANGE_EMAIL:
        station_visit.authority.give_email(
            station_visit.visit, "asha.okafor@nhs.net", station_visit.attempt()
        )
        assert is_wrong(station_visit.enter(issued.code), EnterCode)
    nothing_opens(station_visit)
    assert world.registered_email(card) == EMAIL


def test_a_code_is_not_copied_to_another_card(world: World, card: Card, agent: Office) -> None:
    """Whoever can write into the database moves a digest, and still opens nothing."""
    holder = world.add_holder(number="900123456780")
    world.register(holder)
    other = world.add_card(holder)
    issued = give(agent, card)
    stolen = replace(
        kept(world, issued),
        id=new_id(),
        card_id=other.id,
        holder_id=other.holder_id,
        sent_at=None,
        expires_at=None,
    )
    with world.store.begin() as uow:
        uow.codes.draft(stolen)
        uow.codes.activate(stolen.id, uow.now, uow.now + timedelta(minutes=15))
        uow.commit()
    station_visit = world.insert(other, blocked=True)
    assert station_visit.answer(station_visit.questions()) == GIVEN
    assert is_wrong(station_visit.enter(issued.code), EnterCode)
