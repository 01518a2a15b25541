"""Codes: mailed before they live, five tries, one use, and a walk to the mailbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.dialogue import (
    Answer,
    AnswerQuestions,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    EnterCode,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    VisitOpened,
)
from kiosk.errors import (
    AuthorityUnavailable,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
    StepRefused,
)
from kiosk.policy import Factor, Policy
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.keys import KeyRing
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card, EmailCode
from tests.authority.world import ANSWERS, EMAIL, Sitting, World, wrong_code

MASKED = "a•••@trust.nhs.uk"
CODE_FIRST = Policy(verification=(Factor.EMAIL_CODE, Factor.QUESTIONS))
CODE_ONLY = Policy(verification=(Factor.EMAIL_CODE,))


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


@pytest.fixture
def sitting(world: World, card: Card) -> Sitting:
    return world.insert(card, blocked=True)


def _live(world: World, card: Card) -> EmailCode | None:
    with world.store.read() as uow:
        return uow.codes.live(card.id)


def _resumed(sitting: Sitting) -> tuple[Purpose, EnterCode] | None:
    assert isinstance(sitting.opened, VisitOpened), sitting.opened
    return sitting.opened.resumed


# --- sending ---------------------------------------------------------------------------


def test_a_code_goes_to_the_registered_address(world: World, sitting: Sitting) -> None:
    assert sitting.to_code() == EnterCode(
        MASKED, digits=8, expires_in_s=900, resend_in_s=60, tries_left=5
    )
    [message] = world.relay.sent
    assert (message.to, message.secret) == (EMAIL, True)
    assert len(message.text) == 8
    assert message.text.isdigit()
    assert message.subject == "unlock Asha Okafor 15"


def test_its_life_begins_when_the_relay_took_it(world: World, card: Card, sitting: Sitting) -> None:
    world.relay.on_send = lambda: world.clock.forward(seconds=7)
    assert sitting.to_code().expires_in_s == 900
    code = _live(world, card)
    assert code is not None
    assert code.sent_at == world.now


def test_nothing_is_locked_while_the_relay_is_waited_for(world: World, sitting: Sitting) -> None:
    other = World(world.folder, busy_timeout_s=0.05)
    world.relay.on_send = lambda: other.add_card(other.add_holder(number="2"))
    sitting.to_code()
    other.store.close()


def test_while_it_is_mailed_it_cannot_be_entered(world: World, sitting: Sitting) -> None:
    task = sitting.questions()
    sitting.answer(task)
    codes: list[EmailCode | None] = []
    world.relay.on_send = lambda: codes.append(_live(world, world.card(_card_of(world, sitting))))
    sitting.send()
    assert codes == [None]


def _card_of(world: World, sitting: Sitting) -> Card:
    with world.store.read() as uow:
        visit = uow.visits.get(sitting.visit)
        assert visit is not None
        assert visit.card_id is not None
        found = uow.cards.get(visit.card_id)
    assert found is not None
    return found


@pytest.mark.parametrize("failure", [MailUnavailable("away"), MailNotTrusted("forged")])
def test_mail_away_loses_nothing(world: World, sitting: Sitting, failure: MailError) -> None:
    sitting.answer(sitting.questions())
    world.relay.failure = failure
    for _ in range(5):
        reply = sitting.send()
        assert reply == CodeNotSent(mail_away=True, retry_in_s=0.0, again=SendCode(MASKED))
    world.relay.failure = None
    assert isinstance(sitting.send(), EnterCode)
    assert isinstance(sitting.enter(world.relay.code), SetPin)
    assert world.kinds().count("code-not-sent") == 5


def test_a_failed_resend_leaves_the_code_that_lives(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    world.clock.forward(seconds=60)
    world.relay.failure = MailUnavailable("away")
    reply = sitting.send()
    assert isinstance(reply, CodeNotSent)
    assert reply.mail_away
    assert isinstance(reply.again, EnterCode)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_an_address_that_is_refused_for_good_sends_the_holder_to_the_desk(
    world: World, sitting: Sitting
) -> None:
    sitting.answer(sitting.questions())
    world.relay.failure = MailRefused("no such mailbox")
    reply = sitting.send()
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.NO_EMAIL


def test_a_new_code_revokes_the_old(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    old = world.relay.code
    world.clock.forward(seconds=60)
    assert isinstance(sitting.send(), EnterCode)
    assert isinstance(sitting.enter(old), CodeWrong)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_sixty_seconds_between_two(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    world.clock.forward(seconds=59)
    reply = sitting.send()
    assert isinstance(reply, CodeNotSent)
    assert not reply.mail_away
    assert reply.retry_in_s == 1
    assert isinstance(reply.again, EnterCode)
    assert len(world.relay.sent) == 1


def test_three_an_hour(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    for _ in range(2):
        world.clock.forward(seconds=60)
        assert isinstance(sitting.send(), EnterCode)
    world.clock.forward(seconds=60)
    reply = sitting.send()
    assert isinstance(reply, CodeNotSent)
    assert isinstance(reply.again, EnterCode)
    assert reply.retry_in_s == 3600 - 180
    for _ in range(5):
        sitting.enter(wrong_code(world.relay.code))
    dead = sitting.send()
    assert isinstance(dead, Refusal)
    assert dead.reason is Reason.TOO_MANY_CODES
    assert len(world.relay.sent) == 3


def test_the_hour_counts_for_the_card_and_not_for_the_visit(world: World, card: Card) -> None:
    world.policy = Policy(code_gap=timedelta(0), code_tries=1)
    for _ in range(3):
        sitting = world.insert(card, blocked=True)
        sitting.to_code()
        sitting.enter(wrong_code(world.relay.code))
        sitting.pull()
    sitting = world.insert(card, blocked=True, station="B")
    sitting.answer(sitting.questions())
    reply = sitting.send()
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.TOO_MANY_CODES
    sitting.pull()
    world.clock.forward(minutes=60)
    world.insert(card, blocked=True).to_code()


def test_no_code_before_the_answers(world: World, sitting: Sitting) -> None:
    sitting.questions()
    with pytest.raises(StepRefused):
        sitting.send()
    with pytest.raises(StepRefused):
        sitting.enter(Sensitive("12345678"))
    assert not world.relay.sent


def test_a_program_that_died_while_mailing_leaves_a_dead_code(
    world: World, sitting: Sitting
) -> None:
    sitting.answer(sitting.questions())

    def die() -> None:
        raise KeyboardInterrupt

    world.relay.on_send = die
    with pytest.raises(KeyboardInterrupt):
        sitting.send()
    world.relay.on_send = None
    world.restart()
    world.clock.forward(seconds=60)
    assert isinstance(sitting.send(), EnterCode)


def test_the_card_may_be_pulled_while_the_code_is_mailed(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.answer(sitting.questions())
    world.relay.on_send = sitting.pull
    assert isinstance(sitting.send(), EnterCode)
    world.relay.on_send = None
    back = world.insert(card, blocked=True, station="B")
    assert _resumed(back) is not None
    assert isinstance(back.enter(world.relay.code), SetPin)


# --- entering --------------------------------------------------------------------------


def test_the_right_code_leads_to_a_new_pin(world: World, sitting: Sitting) -> None:
    task = sitting.to_new_pin()
    assert (task.rules.min_length, task.rules.max_length) == (6, 8)
    assert task.rules.personal == ("900123456789",)


def test_spaces_in_a_code_do_not_matter(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    code = world.relay.code.reveal()
    assert isinstance(sitting.enter(Sensitive(f" {code[:4]} {code[4:]} ")), SetPin)


def test_five_wrong_entries_spend_it(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    code = world.relay.code
    for left in (4, 3, 2, 1):
        reply = sitting.enter(wrong_code(code))
        assert isinstance(reply, CodeWrong)
        assert reply.again.tries_left == left
    assert sitting.enter(wrong_code(code)) == CodeDead(expired=False, again=SendCode(MASKED))
    assert sitting.enter(code) == CodeDead(expired=False, again=SendCode(MASKED))
    assert world.registration(card).failures == 0
    sitting.pull()
    assert _resumed(world.insert(card, blocked=True)) is None


def test_late_is_dead(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    world.clock.forward(minutes=15)
    assert sitting.enter(world.relay.code) == CodeDead(expired=True, again=SendCode(MASKED))
    assert isinstance(sitting.send(), EnterCode)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_in_the_last_second_it_lives(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    world.clock.forward(seconds=899)
    assert isinstance(sitting.enter(world.relay.code), SetPin)


def test_the_same_entry_counts_once(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    code = world.relay.code
    wrong = [sitting.enter(wrong_code(code), "one") for _ in range(3)]
    assert all(reply == wrong[0] for reply in wrong)
    assert isinstance(sitting.enter(code, "one"), CodeWrong)
    live = _live(world, card)
    assert live is not None
    assert live.tries == 1
    assert isinstance(sitting.enter(code, "two"), SetPin)
    assert isinstance(sitting.enter(code, "two"), SetPin)
    live = _live(world, card)
    assert live is not None
    assert live.tries == 1


def test_the_fifth_entry_repeated_is_dead_the_same_way(world: World, sitting: Sitting) -> None:
    sitting.to_code()
    wrong = wrong_code(world.relay.code)
    for number in range(4):
        sitting.enter(wrong, f"n{number}")
    assert sitting.enter(wrong, "last") == sitting.enter(wrong, "last")


def test_a_charge_without_a_verdict_stays(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    live = _live(world, card)
    assert live is not None
    with world.store.begin() as uow:
        uow.codes.charge_try(live.id, "died")
        uow.commit()
    world.restart()
    reply = sitting.enter(world.relay.code, "died")
    assert isinstance(reply, CodeWrong)
    assert reply.again.tries_left == 4


def test_a_key_that_is_gone_costs_no_try(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    object.__setattr__(world.parts, "codes", CodeMac(KeyRing.fresh()))
    with pytest.raises(AuthorityUnavailable):
        sitting.enter(world.relay.code)
    live = _live(world, card)
    assert live is not None
    assert live.tries == 0


def test_a_code_for_an_address_that_was_since_changed_is_no_good(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.to_code()
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder, email="other@nhs.net")
    with pytest.raises(StepRefused):
        sitting.enter(world.relay.code)
    sitting.pull()
    assert _resumed(world.insert(card, blocked=True)) is None


# --- walking away ----------------------------------------------------------------------


def test_walk_away_and_come_back_at_another_station(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.to_code()
    sitting.pull()
    world.clock.forward(minutes=10)
    world.restart()
    back = world.insert(card, blocked=True, station="B")
    resumed = _resumed(back)
    assert resumed == (
        Purpose.UNLOCK,
        EnterCode(MASKED, digits=8, expires_in_s=300, resend_in_s=0, tries_left=5),
    )
    assert isinstance(back.enter(world.relay.code), SetPin)
    assert back.grant().secret.reveal()
    assert "visit-resumed" in world.kinds()


def test_wrong_entries_are_counted_across_visits(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.to_code()
    for _ in range(3):
        sitting.enter(wrong_code(world.relay.code))
    sitting.pull()
    resumed = _resumed(world.insert(card, blocked=True))
    assert resumed is not None
    assert resumed[1].tries_left == 2


def test_too_late_the_questions_are_asked_again(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    sitting.pull()
    world.clock.forward(minutes=15)
    back = world.insert(card, blocked=True)
    assert _resumed(back) is None
    with pytest.raises(StepRefused):
        back.enter(world.relay.code)
    assert isinstance(back.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        back.send()


def test_a_visit_that_came_back_can_ask_for_a_fresh_code(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.to_code()
    sitting.pull()
    world.clock.forward(minutes=14, seconds=59)
    back = world.insert(card, blocked=True)
    world.clock.forward(seconds=2)
    assert isinstance(back.enter(world.relay.code), CodeDead)
    assert isinstance(back.send(), EnterCode)
    assert isinstance(back.enter(world.relay.code), SetPin)


def test_pulled_at_the_new_pin_page_the_code_still_works(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.to_new_pin()
    sitting.pull()
    back = world.insert(card, blocked=True, station="B")
    assert _resumed(back) is not None
    with pytest.raises(StepRefused):
        back.grant()
    assert isinstance(back.enter(world.relay.code), SetPin)
    back.grant()


def test_a_blocked_registration_is_not_resumed(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    sitting.pull()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED


def test_a_code_is_of_no_use_with_another_card(world: World, card: Card, sitting: Sitting) -> None:
    sitting.to_code()
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.insert(world.add_card(holder), blocked=True)
    assert _resumed(other) is None


def test_a_code_that_was_sent_without_answers_is_not_resumed_when_they_are_asked_first(
    world: World, card: Card
) -> None:
    world.policy = CODE_ONLY
    sitting = world.insert(card, blocked=True)
    world.authority.choose(sitting.visit, Purpose.UNLOCK)
    sitting.send()
    sitting.pull()
    world.policy = Policy()
    back = world.insert(card, blocked=True)
    assert _resumed(back) is None
    back.questions()
    with pytest.raises(StepRefused):
        back.enter(world.relay.code)


# --- other orders ----------------------------------------------------------------------


def test_the_code_alone(world: World, card: Card) -> None:
    world.policy = CODE_ONLY
    sitting = world.insert(card, blocked=True)
    assert world.authority.choose(sitting.visit, Purpose.UNLOCK) == SendCode(MASKED)
    assert isinstance(sitting.send(), EnterCode)
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert _resumed(back) is not None
    assert isinstance(back.enter(world.relay.code), SetPin)
    back.grant()


def test_the_code_first_and_then_the_answers(world: World, card: Card) -> None:
    world.policy = CODE_FIRST
    sitting = world.insert(card, blocked=True)
    assert world.authority.choose(sitting.visit, Purpose.UNLOCK) == SendCode(MASKED)
    sitting.send()
    sitting.pull()
    back = world.insert(card, blocked=True)
    assert _resumed(back) is not None
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
    sitting = world.insert(card, blocked=True)
    world.authority.choose(sitting.visit, Purpose.UNLOCK)
    with world.store.begin() as uow:
        asked = uow.registrations.set_asked(card.holder_id, (1, 2, 3))
        uow.commit()
    with pytest.raises(StepRefused):
        world.authority.answer(
            sitting.visit, "one", tuple(Answer(one, Sensitive(ANSWERS[one])) for one in asked)
        )
