"""Registration: what is asked for, in order, and confirmed by a code."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from kiosk.authority.notices import Notice
from kiosk.authority.records import Card
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerProblem,
    Answers,
    AnswersRefused,
    ChooseQuestions,
    EmailRefused,
    EnterCode,
    Factor,
    FactorOver,
    Finished,
    GiveEmail,
    Position,
    ProvePin,
    Purpose,
    SendCode,
    VisitOpened,
    reference_of,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.registering import CHOSEN, DOMAINS, OTHER, given, start, to_code
from tests.authority.station_visit import is_wrong, wrong_code
from tests.authority.world import EMAIL, World
from tests.support.exhausted import no_memory_for_hashes


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is not registered."""
    return world.add_card(world.add_holder())


def test_a_machine_without_memory_takes_the_same_answers_later(world: World, card: Card) -> None:
    """Before: the visit ended with a fault."""
    station_visit = world.insert(card)
    authority, visit = world.authority, station_visit.visit
    authority.choose(visit, Purpose.REGISTER)
    station_visit.verify_pin()
    with no_memory_for_hashes(), pytest.raises(AuthorityUnavailable, match="memory"):
        authority.save_questions(visit, given())
    assert isinstance(authority.save_questions(visit, given()), GiveEmail)


def test_the_whole_way(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    authority, visit = world.authority, station_visit.visit
    assert isinstance(authority.choose(visit, Purpose.REGISTER), ProvePin)
    questions = station_visit.verify_pin()
    assert isinstance(questions, ChooseQuestions)
    assert (len(questions.bank), questions.count) == (8, 4)
    assert authority.save_questions(visit, given()) == GiveEmail(
        EMAIL, DOMAINS, position=Position(3, 4)
    )
    code = authority.give_email(visit, f"  {OTHER.upper()} ", station_visit.attempt())
    assert isinstance(code, EnterCode)
    assert code.masked == "A•••@nhs.net"
    assert world.relay.sent[-1].to == "ASHA.OKAFOR@nhs.net"
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)

    registration = world.registration(card)
    assert world.registered_email(card) == "ASHA.OKAFOR@nhs.net"
    assert registration.question_ids == (5, 6, 7, 8)
    assert {len(joint.subset) for joint in registration.hashes} == {3}, "as many as are asked"
    assert len(registration.hashes) == 4
    assert (registration.registered_at, registration.failures) == (world.now, 0)
    notice, other = sorted(world.outbox(), key=lambda one: one.to)
    assert (notice.to, other.to) == ("ASHA.OKAFOR@nhs.net", EMAIL), "the recorded address, too"
    assert (notice.template, other.template) == (Notice.REGISTERED, Notice.REGISTERED)
    number = notice.params["stop_number"]
    assert re.fullmatch("[0-9]{12}", str(number))
    assert notice.params == {
        "stop_number": number,
        "holder_name": "Asha Okafor",
        "station": "A",
        "when": "2030-05-17T09:30:00+00:00",
        "reference": reference_of(station_visit.visit),
    }
    assert world.kinds() == [
        "visit-opened",
        "purpose-chosen",
        "pin-verified",
        "questions-taken",
        "email-taken",
        "code-drafted",
        "code-sent",
        "code-try-charged",
        "code-right",
        "registered",
    ]


def test_what_was_registered_unlocks(world: World, card: Card) -> None:
    to_code(world, card).enter(world.relay.code)
    world.clock.forward(hours=2)
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    given = tuple(Answer(one.id, Sensitive(CHOSEN[one.id].upper())) for one in task.questions)
    assert isinstance(
        station_visit.authority.submit(station_visit.visit, "one", Answers(given)), SendCode
    )


def test_without_questions_in_the_policy_none_are_asked(world: World, card: Card) -> None:
    world.policy = Policy(verification=((Factor.EMAIL_CODE,),))
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.REGISTER)
    assert isinstance(station_visit.verify_pin(), GiveEmail)
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert world.registration(card).hashes == ()


@pytest.mark.parametrize(
    ("changes", "question", "problem"),
    [
        ({6: "?!"}, 6, AnswerProblem.EMPTY),
        ({6: "7"}, 6, AnswerProblem.TOO_SHORT),
        ({6: "李小龍"}, 6, AnswerProblem.NOT_TYPABLE),
        ({6: "question 6"}, 6, AnswerProblem.REPEATS_QUESTION),
        ({7: "BlueAnchor-Lane."}, 7, AnswerProblem.SAME_AS_ANOTHER),
        ({8: "x" * 81}, 8, AnswerProblem.TOO_LONG),
    ],
)
def test_answers_that_break_a_rule_store_nothing(
    world: World, card: Card, changes: dict[int, str], question: int, problem: AnswerProblem
) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    reply = station_visit.authority.save_questions(station_visit.visit, given(changes))
    assert reply == AnswersRefused(question, problem)
    with pytest.raises(StepRefused):
        station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt())
    assert isinstance(
        station_visit.authority.save_questions(station_visit.visit, given()), GiveEmail
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda given: given[:3],
        lambda given: (*given, Answer(1, Sensitive("one more"))),
        lambda given: (*given[:3], given[0]),
        lambda given: (*given[:3], Answer(99, Sensitive("no such question"))),
        lambda given: (),
    ],
)
def test_questions_that_cannot_be_chosen_are_refused(
    world: World, card: Card, make: Callable[[tuple[Answer, ...]], tuple[Answer, ...]]
) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, make(given()))


@pytest.mark.parametrize(
    ("email", "domain"),
    [("nonsense", False), ("a b@nhs.net", False), ("a@evilnhs.uk", True), ("a@gmail.com", True)],
)
def test_addresses_that_are_not_taken(
    world: World, card: Card, email: str, *, domain: bool
) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    station_visit.authority.save_questions(station_visit.visit, given())
    reply = station_visit.authority.give_email(station_visit.visit, email, station_visit.attempt())
    assert reply == EmailRefused(domain, GiveEmail(email, DOMAINS, position=Position(3, 4)))
    assert not world.relay.sent
    assert isinstance(
        station_visit.authority.give_email(station_visit.visit, EMAIL, station_visit.attempt()),
        EnterCode,
    )


def test_no_step_can_be_skipped(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    authority, visit = world.authority, station_visit.visit

    def refused(*calls: Callable[[], object]) -> None:
        for call in calls:
            with pytest.raises(StepRefused):
                call()

    pin = lambda: station_visit.verify_pin()  # noqa: E731
    save = lambda: authority.save_questions(visit, given())  # noqa: E731
    email = lambda: authority.give_email(visit, EMAIL, station_visit.attempt())  # noqa: E731
    code = lambda: station_visit.enter(Sensitive("12345678"))  # noqa: E731
    refused(pin, save, email, code, station_visit.send, station_visit.grant)
    authority.choose(visit, Purpose.REGISTER)
    refused(save, email, code, station_visit.send, station_visit.grant)
    station_visit.verify_pin()
    refused(email, code, station_visit.send, station_visit.grant)
    authority.save_questions(visit, given())
    refused(code, station_visit.send, station_visit.grant)
    authority.give_email(visit, EMAIL, station_visit.attempt())
    refused(station_visit.grant)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    refused(pin, save, email, station_visit.send, station_visit.grant)
    assert world.kinds().count("step-refused") == 6 + 5 + 4 + 3 + 1 + 5


def test_purpose_cannot_be_changed_on_the_way(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.REGISTER)
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.REGISTER), ChooseQuestions
    )


def test_what_is_not_offered_cannot_be_chosen(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    for purpose in (Purpose.UNLOCK, Purpose.CHANGE_EMAIL, Purpose.CHANGE_QUESTIONS):
        with pytest.raises(StepRefused):
            station_visit.authority.choose(station_visit.visit, purpose)


def test_the_code_finishes_it_once(world: World, card: Card) -> None:
    station_visit = to_code(world, card)
    code = world.relay.code
    assert station_visit.enter(code, "one") == Finished(Purpose.REGISTER)
    assert station_visit.enter(code, "one") == Finished(Purpose.REGISTER)
    assert station_visit.enter(wrong_code(code)) == Finished(Purpose.REGISTER)
    assert len(world.outbox()) == 1
    station_visit.pull()
    opened = world.insert(card).opened
    assert isinstance(opened, VisitOpened)
    assert opened.resumed is None


def test_a_wrong_and_a_late_code(world: World, card: Card) -> None:
    station_visit = to_code(world, card)
    assert is_wrong(station_visit.enter(wrong_code(world.relay.code)), EnterCode)
    world.clock.forward(minutes=15)
    assert isinstance(station_visit.enter(world.relay.code), FactorOver)
    assert isinstance(station_visit.send(), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
