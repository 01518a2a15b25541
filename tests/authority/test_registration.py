"""Registration, and the changes that a working PIN allows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from kiosk.authority.notices import Notice
from kiosk.dialogue import (
    Answer,
    AnswerProblem,
    AnswersRefused,
    ChooseQuestions,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    EnterCode,
    Finished,
    GiveEmail,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    VisitOpened,
)
from kiosk.errors import MailRefused, MailUnavailable, StepRefused
from kiosk.policy import Factor, Policy
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card
from tests.authority.world import EMAIL, Sitting, World, wrong_code

DOMAINS = Policy().email_domains
OTHER = "asha.okafor@nhs.net"
CHOSEN = {5: "Blue Anchor Lane", 6: "Li", 7: "4711", 8: "Mr Träumer"}


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is not registered."""
    return world.add_card(world.add_holder())


def _given(changes: dict[int, str] | None = None) -> tuple[Answer, ...]:
    texts = CHOSEN | (changes or {})
    return tuple(Answer(number, Sensitive(text)) for number, text in texts.items())


def _start(world: World, card: Card, purpose: Purpose) -> Sitting:
    """Choose, and prove the PIN."""
    sitting = world.insert(card)
    assert world.authority.choose(sitting.visit, purpose) == ProvePin()
    world.authority.pin_proven(sitting.visit)
    return sitting


def _to_code(world: World, card: Card, email: str = EMAIL) -> Sitting:
    sitting = _start(world, card, Purpose.REGISTER)
    assert isinstance(world.authority.save_questions(sitting.visit, _given()), GiveEmail)
    assert isinstance(world.authority.give_email(sitting.visit, email), EnterCode)
    return sitting


# --- registration ----------------------------------------------------------------------


def test_the_whole_way(world: World, card: Card) -> None:
    sitting = world.insert(card)
    authority, visit = world.authority, sitting.visit
    assert authority.choose(visit, Purpose.REGISTER) == ProvePin()
    questions = authority.pin_proven(visit)
    assert isinstance(questions, ChooseQuestions)
    assert (len(questions.bank), questions.count) == (8, 4)
    assert authority.save_questions(visit, _given()) == GiveEmail(EMAIL, DOMAINS)
    code = authority.give_email(visit, f"  {OTHER.upper()} ")
    assert isinstance(code, EnterCode)
    assert code.masked == "A•••@nhs.net"
    assert world.relay.sent[-1].to == "ASHA.OKAFOR@nhs.net"
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)

    registration = world.registration(card)
    assert registration.email == "ASHA.OKAFOR@nhs.net"
    assert registration.question_ids == (5, 6, 7, 8)
    assert len(registration.hashes) == 11
    assert (registration.registered_at, registration.failures) == (world.now, 0)
    [notice] = world.outbox()
    assert (notice.to, notice.template) == ("ASHA.OKAFOR@nhs.net", Notice.REGISTERED)
    assert notice.params == {
        "holder_name": "Asha Okafor",
        "station": "A",
        "when": "2030-05-17T09:30:00+00:00",
        "reference": sitting.opened.reference,
    }
    assert world.kinds() == [
        "visit-opened",
        "purpose-chosen",
        "pin-proven",
        "questions-taken",
        "email-taken",
        "code-drafted",
        "code-sent",
        "code-try-charged",
        "code-right",
        "registered",
    ]


def test_what_was_registered_unlocks(world: World, card: Card) -> None:
    _to_code(world, card).enter(world.relay.code)
    world.clock.forward(hours=2)
    sitting = world.insert(card, blocked=True)
    task = sitting.questions()
    given = tuple(Answer(one.id, Sensitive(CHOSEN[one.id].upper())) for one in task.questions)
    assert isinstance(world.authority.answer(sitting.visit, "one", given), SendCode)


def test_without_questions_in_the_policy_none_are_asked(world: World, card: Card) -> None:
    world.policy = Policy(verification=(Factor.EMAIL_CODE,))
    sitting = world.insert(card)
    world.authority.choose(sitting.visit, Purpose.REGISTER)
    assert isinstance(world.authority.pin_proven(sitting.visit), GiveEmail)
    with pytest.raises(StepRefused):
        world.authority.save_questions(sitting.visit, _given())
    world.authority.give_email(sitting.visit, EMAIL)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert world.registration(card).hashes == ()


@pytest.mark.parametrize(
    ("changes", "question", "problem"),
    [
        ({6: "?!"}, 6, AnswerProblem.EMPTY),
        ({6: "question 6"}, 6, AnswerProblem.REPEATS_QUESTION),
        ({7: "blue anchor lane."}, 7, AnswerProblem.SAME_AS_ANOTHER),
        ({8: "x" * 81}, 8, AnswerProblem.TOO_LONG),
    ],
)
def test_answers_that_break_a_rule_store_nothing(
    world: World, card: Card, changes: dict[int, str], question: int, problem: AnswerProblem
) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    reply = world.authority.save_questions(sitting.visit, _given(changes))
    assert reply == AnswersRefused(question, problem)
    with pytest.raises(StepRefused):
        world.authority.give_email(sitting.visit, EMAIL)
    assert isinstance(world.authority.save_questions(sitting.visit, _given()), GiveEmail)


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
def test_another_set_than_can_be_chosen_does_not_fit(
    world: World, card: Card, make: Callable[[tuple[Answer, ...]], tuple[Answer, ...]]
) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    with pytest.raises(StepRefused):
        world.authority.save_questions(sitting.visit, make(_given()))


@pytest.mark.parametrize(
    ("email", "domain"),
    [("nonsense", False), ("a b@nhs.net", False), ("a@evilnhs.uk", True), ("a@gmail.com", True)],
)
def test_addresses_that_are_not_taken(
    world: World, card: Card, email: str, *, domain: bool
) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    world.authority.save_questions(sitting.visit, _given())
    reply = world.authority.give_email(sitting.visit, email)
    assert reply == EmailRefused(domain, GiveEmail(email, DOMAINS))
    assert not world.relay.sent
    assert isinstance(world.authority.give_email(sitting.visit, EMAIL), EnterCode)


def test_no_step_can_be_skipped(world: World, card: Card) -> None:
    sitting = world.insert(card)
    authority, visit = world.authority, sitting.visit

    def refused(*calls: Callable[[], object]) -> None:
        for call in calls:
            with pytest.raises(StepRefused):
                call()

    pin = lambda: authority.pin_proven(visit)  # noqa: E731
    save = lambda: authority.save_questions(visit, _given())  # noqa: E731
    email = lambda: authority.give_email(visit, EMAIL)  # noqa: E731
    code = lambda: sitting.enter(Sensitive("12345678"))  # noqa: E731
    refused(pin, save, email, code, sitting.send, sitting.grant)
    authority.choose(visit, Purpose.REGISTER)
    refused(save, email, code, sitting.send, sitting.grant)
    authority.pin_proven(visit)
    refused(email, code, sitting.send, sitting.grant)
    authority.save_questions(visit, _given())
    refused(code, sitting.send, sitting.grant)
    authority.give_email(visit, EMAIL)
    refused(sitting.grant)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)
    refused(pin, save, email, sitting.send, sitting.grant)
    assert world.kinds().count("step-refused") == 6 + 5 + 4 + 3 + 1 + 5


def test_another_purpose_cannot_be_chosen_on_the_way(world: World, card: Card) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    with pytest.raises(StepRefused):
        world.authority.choose(sitting.visit, Purpose.CHANGE_PIN)
    assert isinstance(world.authority.choose(sitting.visit, Purpose.REGISTER), ChooseQuestions)


def test_what_is_not_offered_cannot_be_chosen(world: World, card: Card) -> None:
    sitting = world.insert(card)
    for purpose in (Purpose.UNLOCK, Purpose.CHANGE_EMAIL, Purpose.CHANGE_QUESTIONS):
        with pytest.raises(StepRefused):
            world.authority.choose(sitting.visit, purpose)


def test_the_code_finishes_it_once(world: World, card: Card) -> None:
    sitting = _to_code(world, card)
    code = world.relay.code
    assert sitting.enter(code, "one") == Finished(Purpose.REGISTER)
    assert sitting.enter(code, "one") == Finished(Purpose.REGISTER)
    assert sitting.enter(wrong_code(code)) == Finished(Purpose.REGISTER)
    assert len(world.outbox()) == 1
    sitting.pull()
    opened = world.insert(card).opened
    assert isinstance(opened, VisitOpened)
    assert opened.resumed is None


def test_a_wrong_and_a_late_code(world: World, card: Card) -> None:
    sitting = _to_code(world, card)
    assert isinstance(sitting.enter(wrong_code(world.relay.code)), CodeWrong)
    world.clock.forward(minutes=15)
    assert isinstance(sitting.enter(world.relay.code), CodeDead)
    assert isinstance(sitting.send(), EnterCode)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)


# --- the address, again ----------------------------------------------------------------


def test_a_code_to_one_address_does_not_confirm_another(world: World, card: Card) -> None:
    world.policy = Policy(code_gap=timedelta(0))
    sitting = _to_code(world, card, OTHER)
    first = world.relay.code
    assert isinstance(world.authority.give_email(sitting.visit, EMAIL), EnterCode)
    assert isinstance(sitting.enter(first), CodeWrong)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert world.registration(card).email == EMAIL


def test_another_address_within_the_gap_has_to_wait(world: World, card: Card) -> None:
    sitting = _to_code(world, card, OTHER)
    first = world.relay.code
    reply = world.authority.give_email(sitting.visit, EMAIL)
    assert reply == CodeNotSent(mail_away=False, retry_in_s=60, again=SendCode("a•••@trust.nhs.uk"))
    with pytest.raises(StepRefused):
        sitting.enter(first)
    world.clock.forward(seconds=60)
    assert isinstance(sitting.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL


def test_the_same_address_again_keeps_the_code(world: World, card: Card) -> None:
    sitting = _to_code(world, card)
    reply = world.authority.give_email(sitting.visit, EMAIL)
    assert isinstance(reply, CodeNotSent)
    assert isinstance(reply.again, EnterCode)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_mail_away_keeps_what_was_given(world: World, card: Card) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    world.authority.save_questions(sitting.visit, _given())
    world.relay.failure = MailUnavailable("away")
    reply = world.authority.give_email(sitting.visit, EMAIL)
    assert reply == CodeNotSent(mail_away=True, retry_in_s=0, again=SendCode("a•••@trust.nhs.uk"))
    world.relay.failure = None
    assert isinstance(sitting.send(), EnterCode)
    assert sitting.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_an_address_that_the_relay_refuses_is_asked_for_again(world: World, card: Card) -> None:
    sitting = _start(world, card, Purpose.REGISTER)
    world.authority.save_questions(sitting.visit, _given())
    world.relay.failure = MailRefused("no such mailbox")
    reply = world.authority.give_email(sitting.visit, OTHER)
    assert reply == CodeNotSent(mail_away=True, retry_in_s=0, again=GiveEmail(OTHER, DOMAINS))
    world.relay.failure = None
    assert isinstance(world.authority.give_email(sitting.visit, EMAIL), EnterCode)


# --- walking away ----------------------------------------------------------------------


def test_a_registration_is_finished_at_another_station(world: World, card: Card) -> None:
    _to_code(world, card).pull()
    world.restart()
    back = world.insert(card, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert back.opened.resumed[0] is Purpose.REGISTER
    assert back.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert len(world.registration(card).hashes) == 11


def test_it_is_finished_even_if_the_pin_was_blocked_meanwhile(world: World, card: Card) -> None:
    _to_code(world, card).pull()
    back = world.insert(card, blocked=True)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.offers == ()
    assert back.enter(world.relay.code) == Finished(Purpose.REGISTER)


def test_who_comes_back_can_only_finish(world: World, card: Card) -> None:
    _to_code(world, card).pull()
    back = world.insert(card)
    with pytest.raises(StepRefused):
        world.authority.give_email(back.visit, OTHER)
    with pytest.raises(StepRefused):
        world.authority.save_questions(back.visit, _given())
    world.clock.forward(seconds=60)
    assert isinstance(back.send(), EnterCode)
    assert world.relay.sent[-1].to == EMAIL
    world.clock.forward(seconds=60)
    world.relay.failure = MailRefused("no such mailbox")
    world.clock.forward(minutes=15)
    reply = back.send()
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NO_EMAIL


def test_too_late_it_starts_afresh(world: World, card: Card) -> None:
    _to_code(world, card).pull()
    code = world.relay.code
    world.clock.forward(minutes=15)
    back = world.insert(card)
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is None
    assert world.authority.choose(back.visit, Purpose.REGISTER) == ProvePin()
    with pytest.raises(StepRefused):
        back.enter(code)
    with pytest.raises(StepRefused):
        back.send()
    with world.store.read() as uow:
        assert uow.pending.find(card.id, Purpose.REGISTER) is None


# --- changes ---------------------------------------------------------------------------


def test_a_new_pin(world: World) -> None:
    card = world.registered_card()
    sitting = world.insert(card)
    visit = sitting.visit
    world.authority.choose(visit, Purpose.CHANGE_PIN)
    with pytest.raises(StepRefused):
        world.authority.pin_changed(visit)
    assert isinstance(world.authority.pin_proven(visit), SetPin)
    assert world.authority.pin_changed(visit) == Finished(Purpose.CHANGE_PIN)
    assert world.authority.pin_changed(visit) == Finished(Purpose.CHANGE_PIN)
    assert [(one.to, one.template) for one in world.outbox()] == [(EMAIL, Notice.PIN_CHANGED)]
    assert world.kinds().count("pin-changed") == 1


def test_a_new_pin_for_one_who_is_not_registered(world: World, card: Card) -> None:
    sitting = _start(world, card, Purpose.CHANGE_PIN)
    world.authority.pin_changed(sitting.visit)
    assert [one.to for one in world.outbox()] == [EMAIL]


def test_a_blocked_holder_changes_the_pin_and_stays_blocked(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    sitting = _start(world, card, Purpose.CHANGE_PIN)
    assert world.authority.pin_changed(sitting.visit) == Finished(Purpose.CHANGE_PIN)
    assert world.registration(card).blocked_at is not None


def test_new_questions(world: World) -> None:
    card = world.registered_card()
    unlocking = world.insert(card, blocked=True)
    unlocking.answer(unlocking.questions(), wrong=True)
    unlocking.pull()
    before = world.registration(card)
    sitting = _start(world, card, Purpose.CHANGE_QUESTIONS)
    for _ in range(2):
        reply = world.authority.save_questions(sitting.visit, _given())
        assert reply == Finished(Purpose.CHANGE_QUESTIONS)
    after = world.registration(card)
    assert after.question_ids == (5, 6, 7, 8)
    assert (after.asked, after.failures) == (None, 1)
    assert (after.email, after.registered_at) == (before.email, before.registered_at)
    assert [(one.to, one.template) for one in world.outbox()] == [(EMAIL, Notice.QUESTIONS_CHANGED)]


def test_a_new_address_is_confirmed_and_the_old_one_told(world: World) -> None:
    card = world.registered_card()
    sitting = world.insert(card)
    world.authority.choose(sitting.visit, Purpose.CHANGE_EMAIL)
    assert world.authority.pin_proven(sitting.visit) == GiveEmail(EMAIL, DOMAINS)
    assert isinstance(world.authority.give_email(sitting.visit, OTHER), EnterCode)
    assert world.registration(card).email == EMAIL
    assert sitting.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    after = world.registration(card)
    assert (after.email, len(after.hashes)) == (OTHER, 11)
    notices = world.outbox()
    assert [(one.to, one.template) for one in notices] == [
        (EMAIL, Notice.EMAIL_CHANGED_OLD),
        (OTHER, Notice.EMAIL_CHANGED_NEW),
    ]
    assert {one.params["masked_email"] for one in notices} == {"a•••@nhs.net"}


def test_the_same_address_may_be_confirmed_again(world: World) -> None:
    card = world.registered_card()
    sitting = _start(world, card, Purpose.CHANGE_EMAIL)
    world.authority.give_email(sitting.visit, EMAIL)
    assert sitting.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert [one.template for one in world.outbox()] == [Notice.EMAIL_CHANGED_NEW]


def test_a_change_of_address_is_finished_at_another_station(world: World) -> None:
    card = world.registered_card()
    sitting = _start(world, card, Purpose.CHANGE_EMAIL)
    world.authority.give_email(sitting.visit, OTHER)
    sitting.pull()
    back = world.insert(card, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert back.opened.resumed[0] is Purpose.CHANGE_EMAIL
    assert back.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert world.registration(card).email == OTHER


def test_a_registration_that_was_blocked_on_the_way_changes_nothing_more(world: World) -> None:
    card = world.registered_card()
    sitting = _start(world, card, Purpose.CHANGE_EMAIL)
    world.authority.give_email(sitting.visit, OTHER)
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    reply = sitting.enter(world.relay.code)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).email == EMAIL
