"""A code that staff gave by word of mouth: what it opens, and what it never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.administration.office import Office
from kiosk.authority.housekeeping import tidy
from kiosk.dialogue import (
    AnswerQuestions,
    CardId,
    CardReport,
    CodeDead,
    CodeEnd,
    CodeNotSent,
    CodeWrong,
    EnterCode,
    Finished,
    PinState,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
    VisitOpened,
)
from kiosk.errors import MailUnavailable, NotTaken, StepRefused
from kiosk.policy import Factor, Policy
from kiosk.roles import Role
from kiosk.store.records import Card, EmailCode, new_id
from tests.authority.assisting import agree, give, office_beside, withdraw
from tests.authority.registering import start
from tests.authority.sitting import Sitting, wrong_code
from tests.authority.world import EMAIL, World

MASKED = "a•••@trust.nhs.uk"
GIVEN = EnterCode("", digits=8, expires_in_s=900, resend_in_s=0, tries_left=5)
CODE_FIRST = Policy(verification=(Factor.EMAIL_CODE, Factor.QUESTIONS))
CODE_ONLY = Policy(verification=(Factor.EMAIL_CODE,))


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


@pytest.fixture
def agent(world: World) -> Office:
    return office_beside(world)


def opened(sitting: Sitting) -> VisitOpened:
    assert isinstance(sitting.opened, VisitOpened), sitting.opened
    return sitting.opened


def kept(world: World, code_id: str) -> EmailCode:
    with world.store.read() as uow:
        found = uow.codes.get(code_id)
    assert found is not None
    return found


def nothing_opens(sitting: Sitting) -> None:
    with pytest.raises(StepRefused):
        sitting.grant()


# --- the way through -------------------------------------------------------------------


def test_it_takes_the_place_of_the_mail_and_of_nothing_else(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True, station="Ward 7")
    assert opened(sitting).resumed is None
    assert opened(sitting).offers == (Purpose.UNLOCK,)
    questions = sitting.questions()
    assert sitting.answer(questions) == GIVEN
    assert world.relay.sent == []
    assert isinstance(sitting.enter(issued.code), SetPin)
    done = world.authority.settle(sitting.visit, sitting.grant().journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    assert kept(world, issued.code_id).consumed_at is not None
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_the_audit_says_who_gave_it(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    sitting.answer(sitting.questions())
    sitting.enter(wrong_code(issued.code))
    sitting.enter(issued.code)
    sitting.grant()
    told = {
        event.kind: event.detail.get("given_by")
        for event in world.events()
        if event.detail.get("given_by")
    }
    kinds = {"code-try-charged", "code-wrong", "code-right", "secret-released"}
    assert told == dict.fromkeys(kinds, agent.actor.staff_id)
    assert issued.code.reveal() not in repr(world.events())


def test_both_who_were_needed_are_in_the_audit(world: World, card: Card, agent: Office) -> None:
    world.policy = Policy(assisted_needs_second=True)
    manager = office_beside(world, Role.MANAGER)
    issued = give(agent, card)
    agree(manager, issued)
    sitting = world.insert(card, blocked=True)
    assert sitting.answer(sitting.questions()) == GIVEN
    sitting.enter(issued.code)
    (right,) = [event for event in world.events() if event.kind == "code-right"]
    assert right.detail["given_by"] == agent.actor.staff_id
    assert right.detail["agreed_by"] == manager.actor.staff_id


def test_until_a_second_agrees_stations_know_nothing_of_it(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = Policy(assisted_needs_second=True)
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    assert sitting.answer(sitting.questions()) == SendCode(MASKED)
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    agree(office_beside(world), issued)
    assert isinstance(sitting.enter(issued.code), SetPin)


def test_whoever_waits_for_the_mail_in_this_visit_enters_it_at_once(
    world: World, card: Card, agent: Office
) -> None:
    sitting = world.insert(card, blocked=True)
    sitting.to_code()
    issued = give(agent, card)
    wrong = sitting.enter(world.relay.code)
    assert wrong == CodeWrong(replace(GIVEN, resend_in_s=60, tries_left=4))
    assert isinstance(sitting.enter(issued.code), SetPin)
    sitting.grant()


# --- no step is skipped by it ----------------------------------------------------------


def test_before_the_answers_it_opens_nothing(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    questions = sitting.questions()
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    sitting.answer(questions, wrong=True)
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    nothing_opens(sitting)
    assert kept(world, issued.code_id).tries == 0


def test_answers_are_carried_to_no_other_visit_by_it(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    assert sitting.answer(sitting.questions()) == GIVEN
    sitting.pull()
    back = world.insert(card, blocked=True, station="B")
    assert opened(back).resumed is None
    with pytest.raises(StepRefused):
        back.enter(issued.code)
    assert back.answer(back.questions()) == GIVEN
    assert isinstance(back.enter(issued.code), SetPin)


def test_answers_that_the_mailed_code_carried_are_carried_no_further(
    world: World, card: Card, agent: Office
) -> None:
    sitting = world.insert(card, blocked=True)
    sitting.to_code()
    sitting.pull()
    issued = give(agent, card)
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is None
    with pytest.raises(StepRefused):
        back.enter(issued.code)


def test_given_to_somebody_who_came_back_the_answers_are_asked_once_more(
    world: World, card: Card, agent: Office
) -> None:
    sitting = world.insert(card, blocked=True)
    sitting.to_code()
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is not None
    issued = give(agent, card)
    asked = back.enter(issued.code)
    assert isinstance(asked, AnswerQuestions)
    assert kept(world, issued.code_id).tries == 0
    nothing_opens(back)
    assert isinstance(back.enter(issued.code), AnswerQuestions)
    assert back.answer(asked) == replace(GIVEN, resend_in_s=60)
    assert isinstance(back.enter(issued.code), SetPin)
    back.grant()


def test_somebody_who_came_back_may_have_a_mail_instead(
    world: World, card: Card, agent: Office
) -> None:
    sitting = world.insert(card, blocked=True)
    sitting.to_code()
    sitting.pull()
    back = world.insert(card, blocked=True)
    issued = give(agent, card)
    world.clock.forward(minutes=2)
    assert isinstance(back.send(), EnterCode)
    assert kept(world, issued.code_id).revoked_at is not None
    assert isinstance(back.enter(world.relay.code), SetPin)


def test_the_same_visit_begun_again_forgets_the_answers(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    sitting.answer(sitting.questions())
    sitting.enter(issued.code)
    report = CardReport(CardId(card.driver, card.identifier), PinState(blocked=True))
    world.authority.begin(sitting.visit, "A", report)
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    nothing_opens(sitting)


def test_it_is_for_one_card(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.insert(world.add_card(holder), blocked=True)
    assert other.answer(other.questions()) == SendCode(MASKED)
    with pytest.raises(StepRefused):
        other.enter(issued.code)


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_EMAIL, Purpose.CHANGE_PIN])
def test_it_is_for_an_unlock_alone(
    world: World, card: Card, agent: Office, purpose: Purpose
) -> None:
    issued = give(agent, card)
    sitting = start(world, card, purpose)
    with pytest.raises(StepRefused):
        sitting.enter(issued.code)
    if purpose is Purpose.CHANGE_EMAIL:
        world.authority.give_email(sitting.visit, "asha.okafor@nhs.net")
        assert isinstance(sitting.enter(issued.code), CodeWrong)
    nothing_opens(sitting)
    assert world.registration(card).email == EMAIL


def test_a_code_is_not_copied_to_another_card(world: World, card: Card, agent: Office) -> None:
    """Whoever can write into the database moves a digest, and still opens nothing."""
    holder = world.add_holder(number="900123456780")
    world.register(holder)
    other = world.add_card(holder)
    issued = give(agent, card)
    stolen = replace(
        kept(world, issued.code_id),
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
    sitting = world.insert(other, blocked=True)
    assert sitting.answer(sitting.questions()) == GIVEN
    assert isinstance(sitting.enter(issued.code), CodeWrong)


# --- other orders ----------------------------------------------------------------------


def test_where_the_code_comes_first_it_is_asked_first(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = CODE_FIRST
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    assert opened(sitting).resumed is None
    assert world.authority.choose(sitting.visit, Purpose.UNLOCK) == GIVEN
    questions = sitting.enter(issued.code)
    assert isinstance(questions, AnswerQuestions)
    nothing_opens(sitting)
    assert isinstance(sitting.answer(questions), SetPin)
    sitting.grant()


def test_where_the_code_is_all_it_is_still_not_resumed_by(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = CODE_ONLY
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True)
    assert opened(sitting).resumed is None
    assert world.authority.choose(sitting.visit, Purpose.UNLOCK) == GIVEN
    assert isinstance(sitting.enter(issued.code), SetPin)
    sitting.grant()


# --- spent, late, withdrawn ------------------------------------------------------------


def answered(world: World, card: Card) -> Sitting:
    sitting = world.insert(card, blocked=True)
    assert isinstance(sitting.answer(sitting.questions()), EnterCode)
    return sitting


def test_wrong_entries_spend_it_like_any(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    for left in (4, 3, 2, 1):
        assert sitting.enter(wrong_code(issued.code)) == CodeWrong(replace(GIVEN, tries_left=left))
    dead = CodeDead(CodeEnd.SPENT, SendCode(MASKED))
    assert sitting.enter(wrong_code(issued.code)) == dead
    assert sitting.enter(issued.code) == dead
    assert world.registration(card).failures == 0


def test_after_fifteen_minutes_it_is_over(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    world.clock.forward(minutes=15)
    assert sitting.enter(issued.code) == CodeDead(CodeEnd.EXPIRED, SendCode(MASKED))
    assert isinstance(sitting.send(), EnterCode)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_it_works_once(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    sitting.enter(issued.code)
    world.authority.settle(sitting.visit, sitting.grant().journal, UnblockDone())
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert back.answer(back.questions()) == SendCode(MASKED)
    with pytest.raises(StepRefused):
        back.enter(issued.code)


def test_pulled_at_the_new_pin_it_still_works_behind_the_answers(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    sitting.enter(issued.code)
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is None
    nothing_opens(back)
    assert back.answer(back.questions()) == GIVEN
    assert isinstance(back.enter(issued.code), SetPin)
    back.grant()


def test_withdrawn_while_its_page_is_up(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    withdraw(agent, issued)
    assert sitting.enter(issued.code) == CodeDead(CodeEnd.WITHDRAWN, SendCode(MASKED))
    assert world.events()[-1].detail["withdrawn"] is True
    assert isinstance(sitting.send(), EnterCode)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_withdrawn_at_the_new_pin_page_nothing_is_released(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    sitting.enter(issued.code)
    withdraw(agent, issued)
    nothing_opens(sitting)
    assert world.card(card).secret_exposure == 0


@pytest.mark.parametrize("changes", ["removed", "auditor"])
@pytest.mark.parametrize("who", ["giver", "second"])
def test_it_counts_only_as_long_as_those_who_gave_it_may(
    world: World, card: Card, agent: Office, changes: str, who: str
) -> None:
    world.policy = Policy(assisted_needs_second=True)
    second = office_beside(world)
    issued = give(agent, card)
    agree(second, issued)
    sitting = answered(world, card)
    _part_with(world, agent if who == "giver" else second, changes)
    assert sitting.enter(issued.code) == CodeDead(CodeEnd.WITHDRAWN, SendCode(MASKED))
    again = world.insert(card, blocked=True)
    assert again.answer(again.questions()) == SendCode(MASKED)


def test_whoever_gave_it_goes_before_the_secret_is_released(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    assert isinstance(sitting.enter(issued.code), SetPin)
    _part_with(world, agent, "removed")
    nothing_opens(sitting)


def _part_with(world: World, office: Office, how: str) -> None:
    with world.store.begin() as uow:
        member = uow.staff.get(office.actor.staff_id)
        assert member is not None
        gone = replace(member, removed_at=world.now)
        assert uow.staff.save(gone if how == "removed" else replace(member, role=Role.AUDITOR))
        uow.commit()


def test_blocked_since_it_was_given(world: World, card: Card, agent: Office) -> None:
    give(agent, card)
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    refused = world.insert(card, blocked=True).opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.REGISTRATION_BLOCKED


# --- beside the mail -------------------------------------------------------------------


def test_a_mail_takes_its_place_once_it_has_left(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    sitting = answered(world, card)
    world.relay.failure = MailUnavailable("away")
    assert sitting.send() == CodeNotSent(mail_away=True, retry_in_s=0, again=GIVEN)
    assert kept(world, issued.code_id).revoked_at is None
    world.relay.failure = None
    mailed = sitting.send()
    assert isinstance(mailed, EnterCode)
    assert mailed.masked == MASKED
    assert isinstance(sitting.enter(issued.code), CodeWrong)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_codes_that_staff_give_count_against_no_mail(
    world: World, card: Card, agent: Office
) -> None:
    for _ in range(3):
        give(agent, card)
    sitting = answered(world, card)
    for _ in range(3):
        assert isinstance(sitting.send(), EnterCode)
        world.clock.forward(seconds=61)
    with pytest.raises(NotTaken, match="three codes for this card within an hour"):
        give(agent, card)


def test_it_is_forgotten_with_the_others(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    world.clock.forward(days=3)
    tidy(world.store)
    with world.store.read() as uow:
        assert uow.codes.get(issued.code_id) is None


# --- an address that staff put in place ------------------------------------------------


def unconfirmed(world: World, card: Card) -> None:
    before = world.registration(card)
    changed = replace(before, unconfirmed_since=world.now - timedelta(days=1))
    with world.store.begin() as uow:
        uow.registrations.put(changed)
        uow.commit()


def test_the_first_code_that_was_read_there_confirms_it(world: World, card: Card) -> None:
    unconfirmed(world, card)
    world.clock.forward(minutes=1)
    sitting = world.insert(card, blocked=True)
    sitting.to_code()
    sitting.enter(wrong_code(world.relay.code))
    assert world.registration(card).unconfirmed_since is not None
    sitting.enter(world.relay.code)
    registration = world.registration(card)
    assert registration.unconfirmed_since is None
    assert registration.email_verified_at == world.now
    assert world.kinds().count("email-confirmed") == 1
    sitting.pull()
    back = world.insert(card, blocked=True)
    back.enter(world.relay.code)
    assert world.kinds().count("email-confirmed") == 1


def test_a_code_by_word_of_mouth_confirms_no_address(
    world: World, card: Card, agent: Office
) -> None:
    unconfirmed(world, card)
    issued = give(agent, card)
    sitting = answered(world, card)
    assert isinstance(sitting.enter(issued.code), SetPin)
    world.authority.settle(sitting.visit, sitting.grant().journal, UnblockDone())
    assert world.registration(card).unconfirmed_since is not None
    assert "email-confirmed" not in world.kinds()


def test_a_change_of_address_is_confirmed_by_its_own_code(world: World, card: Card) -> None:
    unconfirmed(world, card)
    sitting = start(world, card, Purpose.CHANGE_EMAIL)
    world.authority.give_email(sitting.visit, "asha.okafor@nhs.net")
    assert isinstance(sitting.enter(world.relay.code), Finished)
    registration = world.registration(card)
    assert (registration.email, registration.unconfirmed_since) == ("asha.okafor@nhs.net", None)
