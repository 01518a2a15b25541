"""A code that staff gave by word of mouth: what it opens, in each order, and who is told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.authority.administration.office import Office
from kiosk.authority.errors import MailUnavailable, NotTaken
from kiosk.authority.records import Card
from kiosk.authority.retention import purge_records
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    CodeNotSent,
    EnterCode,
    Factor,
    FactorWrong,
    Finished,
    Position,
    Purpose,
    SendCode,
    SetPin,
    UnblockDone,
)
from kiosk.contract.policy import Policy
from tests.authority.assisting import (
    GIVEN,
    agree,
    answered,
    give,
    kept,
    nothing_opens,
    office_beside,
)
from tests.authority.station_visit import is_wrong, opened, wrong_code
from tests.authority.world import World
from tests.support.refusals import refused
from tests.support.routes import to
from tests.support.steps import offered

MASKED = "a•••@trust.nhs.uk"
CODE_FIRST = Policy(verification=((Factor.EMAIL_CODE, Factor.QUESTIONS),))
CODE_ONLY = Policy(verification=((Factor.EMAIL_CODE,),))


# --- the way through -------------------------------------------------------------------


def test_given_code_takes_the_place_of_the_mail_and_of_nothing_else(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True, station="Ward 7")
    assert opened(station_visit).resumed is None
    assert offered(opened(station_visit)) == (Purpose.UNLOCK,)
    questions = station_visit.questions()
    assert station_visit.answer(questions) == GIVEN
    assert world.relay.sent == []
    assert isinstance(station_visit.enter(issued.code), SetPin)
    done = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert done == Finished(Purpose.UNLOCK)
    assert kept(world, issued).consumed_at is not None
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_the_audit_says_who_gave_it(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    station_visit.answer(station_visit.questions())
    station_visit.enter(wrong_code(issued.code))
    station_visit.enter(issued.code)
    station_visit.grant()
    told = {
        event.kind: event.detail.get("given_by")
        for event in world.events()
        if event.detail.get("given_by")
    }
    kinds = {"code-try-charged", "code-wrong", "code-right", "secret-released"}
    assert told == dict.fromkeys(kinds, agent.actor.staff_id)
    assert issued.code.reveal() not in repr(world.events())


def test_both_who_were_needed_are_in_the_audit(world: World, card: Card, agent: Office) -> None:
    world.policy = Policy(four_eyes=True)
    manager = office_beside(world, Role.MANAGER)
    issued = give(agent, card)
    agree(manager, issued)
    station_visit = world.insert(card, blocked=True)
    assert station_visit.answer(station_visit.questions()) == GIVEN
    station_visit.enter(issued.code)
    (right,) = [event for event in world.events() if event.kind == "code-right"]
    assert right.detail["given_by"] == agent.actor.staff_id
    assert right.detail["agreed_by"] == manager.actor.staff_id


def test_until_a_second_agrees_stations_know_nothing_of_it(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = Policy(four_eyes=True)
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    assert station_visit.answer(station_visit.questions()) == SendCode(
        to(MASKED), position=Position(3, 4)
    )
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    agree(office_beside(world), issued)
    assert isinstance(station_visit.enter(issued.code), SetPin)


def test_given_code_is_entered_in_a_visit_that_waits_for_the_mail(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    issued = give(agent, card)
    wrong = station_visit.enter(world.relay.code)
    assert wrong == FactorWrong(replace(GIVEN, resend_in_s=60, tries_left=4))
    assert isinstance(station_visit.enter(issued.code), SetPin)
    station_visit.grant()


# --- other orders ----------------------------------------------------------------------


def test_where_the_code_comes_first_it_is_asked_first(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = CODE_FIRST
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    assert opened(station_visit).resumed is None
    given = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert given == replace(GIVEN, position=Position(2, 4))
    questions = station_visit.enter(issued.code)
    assert isinstance(questions, AnswerQuestions)
    nothing_opens(station_visit)
    assert isinstance(station_visit.answer(questions), SetPin)
    station_visit.grant()


def test_where_the_code_is_all_it_is_still_not_resumed_by(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = CODE_ONLY
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    assert opened(station_visit).resumed is None
    given = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert given == replace(GIVEN, position=Position(2, 3))
    assert isinstance(station_visit.enter(issued.code), SetPin)
    station_visit.grant()


# --- beside the mail -------------------------------------------------------------------


def test_a_mail_takes_its_place_once_it_has_left(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    world.relay.failure = MailUnavailable("away")
    assert station_visit.send() == CodeNotSent(mail_away=True, retry_in_s=0, again=GIVEN)
    assert kept(world, issued).revoked_at is None
    world.relay.failure = None
    mailed = station_visit.send()
    assert isinstance(mailed, EnterCode)
    assert mailed.masked == MASKED
    assert is_wrong(station_visit.enter(issued.code), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_codes_that_staff_give_count_against_no_mail(
    world: World, card: Card, agent: Office
) -> None:
    for _ in range(3):
        give(agent, card)
    station_visit = answered(world, card)
    for _ in range(3):
        assert isinstance(station_visit.send(), EnterCode)
        world.clock.forward(seconds=61)
    with refused(NotTaken, match="three codes for this card within an hour"):
        give(agent, card)


def test_given_code_is_deleted_with_the_others(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    world.clock.forward(days=3)
    purge_records(world.store)
    with world.store.read() as uow:
        assert uow.codes.get(issued.code_id) is None
