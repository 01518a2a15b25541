"""Several ways to unlock a card: the holder chooses one, and passes all of it."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from kiosk.authority.records import Card
from kiosk.authority.visit.factors import FACTORS
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    ChooseWay,
    EnterCode,
    EnterSavedCode,
    Factor,
    FactorEntry,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    Way,
)
from kiosk.contract.policy import Policy
from tests.authority.saving import POLICY, save_codes
from tests.authority.station_visit import StationVisit, is_wrong, opened
from tests.authority.world import World


@pytest.mark.parametrize("factor", Factor)
def test_factor_has_its_rules_and_an_entry_of_its_own(factor: Factor) -> None:
    rules = FACTORS[factor]
    assert rules.entry in get_args(FactorEntry)
    assert [each.entry for each in FACTORS.values()].count(rules.entry) == 1


def test_every_entry_belongs_to_a_factor() -> None:
    assert {rules.entry for rules in FACTORS.values()} == set(get_args(FactorEntry))


BOTH: Way = (Factor.QUESTIONS, Factor.EMAIL_CODE)
CODE: Way = (Factor.EMAIL_CODE,)
CODE_THEN_SAVED: Way = (Factor.EMAIL_CODE, Factor.SAVED_CODE)


@pytest.fixture
def world(world: World) -> World:
    world.policy = Policy(verification=(BOTH, CODE))
    return world


def begin(station_visit: StationVisit) -> ChooseWay:
    task = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert isinstance(task, ChooseWay)
    return task


def choose(station_visit: StationVisit, way: Way) -> object:
    return station_visit.authority.choose_way(station_visit.visit, way)


def test_holder_is_asked_which_way(world: World, card: Card) -> None:
    task = begin(world.insert(card, blocked=True))
    assert task.ways == (BOTH, CODE)
    # The page on which it is theirs, this one, the questions, the code, the new PIN.
    assert (task.position.index, task.position.count) == (2, 5)


def test_way_that_was_chosen_unlocks(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    asked = choose(station_visit, BOTH)
    assert isinstance(asked, AnswerQuestions)
    assert isinstance(station_visit.answer(asked), SendCode)
    station_visit.pull()
    world.clock.forward(minutes=2)

    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    assert isinstance(choose(station_visit, CODE), SendCode)
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    assert isinstance(station_visit.release(), Grant)
    proofs = world.proofs(station_visit)
    assert {factor: bool(proof.spent_by) for factor, proof in proofs.items()} == {
        Factor.EMAIL_CODE: True
    }


def test_nothing_is_asked_before_a_way_is_chosen(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    with pytest.raises(StepRefused):
        station_visit.send()
    with pytest.raises(StepRefused):
        station_visit.release()


def test_way_that_is_not_open_is_refused(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    for way in ((Factor.QUESTIONS,), (Factor.EMAIL_CODE, Factor.QUESTIONS), ()):
        with pytest.raises(StepRefused):
            choose(station_visit, way)


def test_code_alone_does_not_pass_the_way_with_questions(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    choose(station_visit, CODE)
    station_visit.send()
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    assert isinstance(choose(station_visit, BOTH), AnswerQuestions)
    with pytest.raises(StepRefused):
        station_visit.release()
    assert isinstance(choose(station_visit, CODE), SetPin)


def test_what_was_passed_stays_passed_on_the_other_way(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    choose(station_visit, CODE)
    station_visit.send()
    station_visit.enter(world.relay.code)
    asked = choose(station_visit, BOTH)
    assert isinstance(asked, AnswerQuestions)
    assert isinstance(station_visit.answer(asked), SetPin)


def test_switching_ways_gives_no_attempt_more(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    for left in (2, 1):
        asked = choose(station_visit, BOTH)
        assert isinstance(asked, AnswerQuestions)
        reply = station_visit.answer(asked, wrong=True)
        assert is_wrong(reply, AnswerQuestions)
        assert reply.again.attempts_left == left  # type: ignore[attr-defined]
        choose(station_visit, CODE)
    asked = choose(station_visit, BOTH)
    assert isinstance(asked, AnswerQuestions)
    reply = station_visit.answer(asked, wrong=True)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED
    assert choose(station_visit, CODE) == Refusal(Reason.REGISTRATION_BLOCKED)


def test_way_is_chosen_anew_at_the_other_station_of_a_code(world: World, card: Card) -> None:
    """Who walks away to read their mail comes back to the code, by the way that it fits."""
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    asked = choose(station_visit, BOTH)
    assert isinstance(asked, AnswerQuestions)
    station_visit.answer(asked)
    station_visit.send()
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert set(world.proofs(back)) == {Factor.QUESTIONS}
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert isinstance(back.release(), Grant)


def test_chosen_way_is_kept_until_the_holder_comes_back_to_the_code(
    world: World, card: Card
) -> None:
    """With two ways that wait for a code it went on with the first, and the answers were gone."""
    world.policy = replace(POLICY, verification=(CODE_THEN_SAVED, BOTH))
    save_codes(world, card)
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    asked = choose(station_visit, BOTH)
    assert isinstance(asked, AnswerQuestions)
    station_visit.answer(asked)
    station_visit.send()
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert set(world.proofs(back)) == {Factor.QUESTIONS}
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert isinstance(back.release(), Grant)


def test_way_can_be_chosen_anew_after_coming_back_to_the_code(world: World, card: Card) -> None:
    world.policy = replace(POLICY, verification=(CODE_THEN_SAVED, BOTH))
    save_codes(world, card)
    station_visit = world.insert(card, blocked=True)
    begin(station_visit)
    assert isinstance(choose(station_visit, CODE_THEN_SAVED), SendCode)
    station_visit.send()
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    offered = opened(back).ways
    assert offered is not None
    assert offered.ways == (CODE_THEN_SAVED, BOTH)
    assert isinstance(back.enter(world.relay.code), EnterSavedCode)
    asked = choose(back, BOTH)
    assert isinstance(asked, AnswerQuestions)
    assert isinstance(back.answer(asked), SetPin)
    assert isinstance(back.release(), Grant)


def test_way_with_a_factor_that_the_holder_has_not_is_not_offered(world: World, card: Card) -> None:
    with world.store.begin() as uow:
        uow.registrations.set_questions(card.holder_id, (), ())
        uow.commit()
    station_visit = world.insert(card, blocked=True)
    task = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert isinstance(task, SendCode)
