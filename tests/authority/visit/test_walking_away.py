"""A code that was sent is waited for at every station, in every order of the policy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    EnterCode,
    Factor,
    FactorOver,
    Position,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import ANSWERS, StationVisit, resumed_by, wrong_code
from tests.authority.world import World
from tests.support.routes import to

MASKED = "a•••@trust.nhs.uk"
CODE_FIRST = Policy(verification=((Factor.EMAIL_CODE, Factor.QUESTIONS),))
CODE_ONLY = Policy(verification=((Factor.EMAIL_CODE,),))


def test_walk_away_and_come_back_at_another_station(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    station_visit.pull()
    world.clock.forward(minutes=10)
    world.restart()
    back = world.insert(card, blocked=True, station="B")
    resumed = resumed_by(back)
    assert resumed == (
        Purpose.UNLOCK,
        EnterCode(
            *to(MASKED),
            to(MASKED),
            digits=8,
            expires_in_s=300,
            resend_in_s=0,
            tries_left=5,
            position=Position(3, 4),
        ),
    )
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert back.grant().secret.reveal()
    assert "visit-resumed" in world.kinds()


def test_wrong_entries_are_counted_across_visits(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    for _ in range(3):
        station_visit.enter(wrong_code(world.relay.code))
    station_visit.pull()
    resumed = resumed_by(world.insert(card, blocked=True))
    assert resumed is not None
    assert resumed[1].tries_left == 2


def test_too_late_the_questions_are_asked_again(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    station_visit.pull()
    world.clock.forward(minutes=15)
    back = world.insert(card, blocked=True)
    assert resumed_by(back) is None
    with pytest.raises(StepRefused):
        back.enter(world.relay.code)
    assert isinstance(back.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        back.send()


def test_the_page_has_the_digits_of_the_code_whatever_the_policy_has_now(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """Before: a code of eight digits that was on its way had six cells to go into."""
    station_visit.to_code()
    station_visit.pull()
    world.policy = replace(world.policy, code_digits=6)
    back = world.insert(card, blocked=True)
    resumed = resumed_by(back)
    assert resumed is not None
    assert resumed[1].digits == len(world.relay.code.reveal()) == 8
    world.clock.forward(minutes=2)
    page = back.send()
    assert isinstance(page, EnterCode)
    assert page.digits == len(world.relay.code.reveal()) == 6


HOURLY = Policy(code_life=timedelta(hours=1), codes_an_hour=10)


def test_an_hour_after_the_answers_they_are_asked_again(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """Before: every further code was mailed, and none could be entered."""
    world.policy = HOURLY
    station_visit.to_code()
    station_visit.pull()
    world.clock.forward(minutes=59)
    back = world.insert(card, blocked=True)
    assert resumed_by(back) is not None
    world.clock.forward(minutes=1)
    sent = len(world.relay.sent)
    task = back.send()
    assert isinstance(task, AnswerQuestions)
    assert back.enter(world.relay.code) == task
    with pytest.raises(StepRefused):
        back.grant()
    assert len(world.relay.sent) == sent
    assert isinstance(back.answer(task), SendCode)
    assert isinstance(back.send(), EnterCode)
    assert isinstance(back.enter(world.relay.code), SetPin)
    back.grant()


def test_a_right_code_counts_though_its_answers_are_an_hour_old_since(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    world.policy = HOURLY
    station_visit.to_code()
    station_visit.pull()
    world.clock.forward(minutes=59)
    back = world.insert(card, blocked=True)
    assert isinstance(back.enter(world.relay.code), SetPin)
    world.clock.forward(minutes=2)
    back.grant()


def test_a_code_lives_no_longer_than_the_answers_before_it(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    """Before: its mail promised more."""
    station_visit.answer(station_visit.questions())
    world.clock.forward(minutes=50)
    page = station_visit.send()
    assert isinstance(page, EnterCode)
    assert page.expires_in_s == 600
    assert world.relay.sent[-1].subject.endswith(" 10")


def test_a_visit_that_came_back_can_ask_for_a_fresh_code(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    station_visit.pull()
    world.clock.forward(minutes=14, seconds=59)
    back = world.insert(card, blocked=True)
    world.clock.forward(seconds=2)
    assert isinstance(back.enter(world.relay.code), FactorOver)
    assert isinstance(back.send(), EnterCode)
    assert isinstance(back.enter(world.relay.code), SetPin)


def test_pulled_at_the_new_pin_page_the_code_still_works(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_new_pin()
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert resumed_by(back) is not None
    with pytest.raises(StepRefused):
        back.grant()
    assert isinstance(back.enter(world.relay.code), SetPin)
    back.grant()


def test_a_blocked_registration_is_not_resumed(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    station_visit.pull()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED


def test_a_code_is_of_no_use_with_another_card(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.insert(world.add_card(holder), blocked=True)
    assert resumed_by(other) is None


def test_a_code_that_was_sent_without_answers_is_not_resumed_when_they_are_asked_first(
    world: World, card: Card
) -> None:
    world.policy = CODE_ONLY
    station_visit = world.insert(card, blocked=True)
    station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    station_visit.send()
    station_visit.pull()
    world.policy = Policy()
    back = world.insert(card, blocked=True)
    assert resumed_by(back) is None
    back.questions()
    with pytest.raises(StepRefused):
        back.enter(world.relay.code)


def test_the_code_alone(world: World, card: Card) -> None:
    world.policy = CODE_ONLY
    station_visit = world.insert(card, blocked=True)
    assert station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK) == SendCode(
        to(MASKED), position=Position(2, 3)
    )
    assert isinstance(station_visit.send(), EnterCode)
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert resumed_by(back) is not None
    assert isinstance(back.enter(world.relay.code), SetPin)
    back.grant()


def test_the_code_first_and_then_the_answers(world: World, card: Card) -> None:
    world.policy = CODE_FIRST
    station_visit = world.insert(card, blocked=True)
    assert station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK) == SendCode(
        to(MASKED), position=Position(2, 4)
    )
    station_visit.send()
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert resumed_by(back) is not None
    task = back.enter(world.relay.code)
    assert isinstance(task, AnswerQuestions)
    with pytest.raises(StepRefused):
        back.grant()
    assert isinstance(back.answer(task), SetPin)
    back.grant()


def test_answers_before_the_code_are_not_taken_where_the_code_comes_first(
    world: World, card: Card
) -> None:
    world.policy = CODE_FIRST
    station_visit = world.insert(card, blocked=True)
    station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    with world.store.begin() as uow:
        asked = uow.registrations.set_asked(card.holder_id, (1, 2, 3))
        uow.commit()
    with pytest.raises(StepRefused):
        station_visit.authority.submit(
            station_visit.visit,
            "one",
            Answers(tuple(Answer(one, Sensitive(ANSWERS[one])) for one in asked)),
        )
