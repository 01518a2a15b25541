"""Attempts at the answers: charged first, three and no more, never given back by accident."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest

from kiosk.authority.notices import Notice
from kiosk.dialogue import (
    Answer,
    AnswerQuestions,
    AnswersWrong,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    UnblockDone,
    VisitEnd,
)
from kiosk.errors import AuthorityUnavailable, StepRefused
from kiosk.policy import Policy
from kiosk.secrets.hashing import AnswerHasher
from kiosk.secrets.keys import KeyRing
from kiosk.sensitive import Sensitive
from kiosk.store.records import Card, JointHash
from tests.authority.world import CHEAP, EMAIL, STAFF, Sitting, World, answers_to


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


@pytest.fixture
def sitting(world: World, card: Card) -> Sitting:
    return world.insert(card, blocked=True)


def test_right_answers_lead_on_and_cost_nothing(world: World, card: Card, sitting: Sitting) -> None:
    task = sitting.questions()
    assert len(task.questions) == 3
    assert task.attempts_left == 3
    assert sitting.answer(task) == SendCode("a•••@trust.nhs.uk")
    assert world.registration(card).failures == 0
    assert world.kinds() == [
        "visit-opened",
        "purpose-chosen",
        "attempt-charged",
        "answers-right",
    ]


def test_a_wrong_set_counts_down_and_asks_the_same(sitting: Sitting) -> None:
    task = sitting.questions()
    for left in (2, 1):
        reply = sitting.answer(task, wrong=True)
        assert isinstance(reply, AnswersWrong)
        assert reply.again == AnswerQuestions(task.questions, left)


def test_the_third_wrong_set_blocks_and_tells_holder_and_staff(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    replies = [sitting.answer(task, wrong=True) for _ in range(3)]
    assert isinstance(replies[-1], Refusal)
    assert replies[-1].reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at == world.now
    assert [(one.to, one.template) for one in world.outbox()] == [
        (EMAIL, Notice.BLOCKED),
        (STAFF, Notice.BLOCKED_STAFF),
    ]
    assert "registration-blocked" in world.kinds()
    right = sitting.answer(task)
    assert isinstance(right, Refusal)
    assert right.reason is Reason.REGISTRATION_BLOCKED
    for station in "BC":
        opened = world.insert(card, blocked=True, station=station).opened
        assert isinstance(opened, Refusal)
        assert opened.reason is Reason.REGISTRATION_BLOCKED
    assert world.kinds().count("registration-blocked") == 1


def test_the_block_is_the_holders_whatever_card_they_use(world: World, card: Card) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.add_card(holder)
    for used in (card, other, card):
        sitting = world.insert(used, blocked=True)
        sitting.answer(sitting.questions(), wrong=True)
        sitting.pull()
    opened = world.insert(other, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED


def test_the_same_questions_come_back_at_any_station_until_success(
    world: World, card: Card
) -> None:
    asked = []
    for station in "ABC":
        sitting = world.insert(card, blocked=True, station=station)
        asked.append(sitting.questions().questions)
        sitting.pull()
    assert len(set(asked)) == 1
    sitting = world.insert(card, blocked=True)
    sitting.to_new_pin()
    assert world.registration(card).asked == tuple(one.id for one in asked[0])
    world.authority.settle(sitting.visit, sitting.grant().journal, UnblockDone())
    assert world.registration(card).asked is None


def test_every_set_can_be_drawn(world: World, card: Card) -> None:
    drawn = set()
    for _ in range(200):
        sitting = world.insert(card, blocked=True)
        drawn.add(frozenset(one.id for one in sitting.questions().questions))
        with world.store.begin() as uow:
            uow.registrations.clear_asked(card.holder_id)
            uow.commit()
        if len(drawn) == 4:
            break
    assert len(drawn) == 4


@pytest.mark.parametrize(("asked", "expected"), [(2, 2), (3, 3), (4, 4)])
def test_how_many_are_asked_is_a_setting_that_may_change(
    world: World, card: Card, asked: int, expected: int
) -> None:
    world.policy = Policy(questions_asked=asked)
    sitting = world.insert(card, blocked=True)
    task = sitting.questions()
    assert len(task.questions) == expected
    assert isinstance(sitting.answer(task), SendCode)


def test_where_fewer_were_registered_all_of_them_are_asked(world: World) -> None:
    holder = world.add_holder()
    hashes = world.hasher.hash_sets(holder.id, {1: Sensitive("a"), 2: Sensitive("b")})
    world.register(holder, question_ids=(1, 2), hashes=hashes)
    task = world.insert(world.add_card(holder), blocked=True).questions()
    assert {one.id for one in task.questions} == {1, 2}


def test_a_right_set_gives_back_its_own_charge_and_no_other(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    sitting.answer(task, wrong=True)
    sitting.answer(task, wrong=True)
    sitting.answer(task)
    assert world.registration(card).failures == 2
    sitting.send()
    sitting.enter(world.relay.code)
    assert world.registration(card).failures == 2
    world.authority.settle(sitting.visit, sitting.grant().journal, UnblockDone())
    assert world.registration(card).failures == 0


def test_the_same_attempt_gets_the_same_verdict_and_one_charge(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    wrong = [sitting.answer(task, wrong=True, attempt="one") for _ in range(3)]
    assert all(reply == wrong[0] for reply in wrong)
    assert world.registration(card).failures == 1
    disguised = sitting.answer(task, attempt="one")
    assert disguised == wrong[0]
    assert isinstance(sitting.answer(task, attempt="two"), SendCode)
    assert isinstance(sitting.answer(task, wrong=True, attempt="two"), SendCode)
    assert world.registration(card).failures == 1


def test_a_right_attempt_proves_nothing_in_another_visit(
    world: World, card: Card, sitting: Sitting
) -> None:
    sitting.answer(sitting.questions(), attempt="one")
    sitting.pull()
    later = world.insert(card, blocked=True)
    reply = later.answer(later.questions(), attempt="one", wrong=True)
    assert isinstance(reply, AnswerQuestions)
    with pytest.raises(StepRefused):
        later.send()


def test_the_last_attempt_repeated_is_refused_the_same_way(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    for attempt in ("one", "two"):
        sitting.answer(task, wrong=True, attempt=attempt)
    first = sitting.answer(task, wrong=True, attempt="three")
    assert sitting.answer(task, wrong=True, attempt="three") == first
    assert world.registration(card).failures == 3


def test_a_restart_gives_no_try_back(world: World, card: Card) -> None:
    for _ in range(2):
        sitting = world.insert(card, blocked=True)
        sitting.answer(sitting.questions(), wrong=True)
        world.restart()
    sitting = world.insert(card, blocked=True)
    assert sitting.questions().attempts_left == 1
    reply = sitting.answer(sitting.questions(), wrong=True)
    assert isinstance(reply, Refusal)


def test_charges_without_a_verdict_block_when_the_card_is_next_seen(
    world: World, card: Card
) -> None:
    for number in range(3):
        with world.store.begin() as uow:
            assert uow.registrations.charge(card.holder_id, f"died-{number}", 3)
            uow.commit()
    assert world.registration(card).blocked_at is None
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at == world.now
    assert [one.template for one in world.outbox()] == [Notice.BLOCKED, Notice.BLOCKED_STAFF]


def test_the_last_charge_without_a_verdict_blocks_on_the_next_attempt(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    for number in range(3):
        with world.store.begin() as uow:
            uow.registrations.charge(card.holder_id, f"died-{number}", 3)
            uow.commit()
    reply = sitting.answer(task)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at is not None


def test_a_charge_that_never_got_its_verdict_counts_as_wrong_when_repeated(
    world: World, card: Card, sitting: Sitting
) -> None:
    task = sitting.questions()
    with world.store.begin() as uow:
        uow.registrations.charge(card.holder_id, "died", 3)
        uow.commit()
    assert isinstance(sitting.answer(task, attempt="died"), AnswersWrong)
    assert world.registration(card).failures == 1


@pytest.mark.parametrize("make", [lambda a: a[:2], lambda a: (*a, a[0]), lambda a: ()])
def test_another_set_than_was_asked_is_not_charged(
    world: World,
    card: Card,
    sitting: Sitting,
    make: Callable[[tuple[Answer, ...]], tuple[Answer, ...]],
) -> None:
    task = sitting.questions()
    given = make(answers_to(task))
    with pytest.raises(StepRefused):
        world.authority.answer(sitting.visit, "one", given)
    unasked = {1, 2, 3, 4} - {one.id for one in task.questions}
    swapped = (*answers_to(task)[:2], Answer(unasked.pop(), Sensitive("x")))
    with pytest.raises(StepRefused):
        world.authority.answer(sitting.visit, "one", swapped)
    assert world.registration(card).failures == 0
    assert world.kinds().count("step-refused") == 2


@pytest.mark.parametrize("attempt", ["", "x" * 65])
def test_an_attempt_has_an_id(world: World, sitting: Sitting, attempt: str) -> None:
    task = sitting.questions()
    with pytest.raises(StepRefused):
        world.authority.answer(sitting.visit, attempt, answers_to(task))


def test_answers_are_not_taken_before_unlock_was_chosen(sitting: Sitting, world: World) -> None:
    with pytest.raises(StepRefused):
        world.authority.answer(sitting.visit, "one", ())


def test_a_pepper_that_is_gone_costs_no_try(world: World, card: Card, sitting: Sitting) -> None:
    task = sitting.questions()
    other = World(world.folder, hasher=AnswerHasher(KeyRing.fresh(), CHEAP))
    with pytest.raises(AuthorityUnavailable):
        other.authority.answer(sitting.visit, "one", answers_to(task))
    other.store.close()
    assert world.registration(card).failures == 0


def test_a_damaged_hash_costs_no_try(world: World, card: Card) -> None:
    hashes = tuple(
        JointHash(joint.subset, "damaged", joint.pepper_id)
        for joint in world.registration(card).hashes
    )
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder, hashes=hashes)
    sitting = world.insert(card, blocked=True)
    with pytest.raises(AuthorityUnavailable):
        sitting.answer(sitting.questions())
    assert world.registration(card).failures == 0


class _Interrupting(AnswerHasher):
    """Looks at the answers while something else happens."""

    def __init__(self, ring: KeyRing) -> None:
        super().__init__(ring, CHEAP)
        self.meanwhile: Callable[[], object] | None = None

    def check(self, *args: object) -> bool:
        verdict = super().check(*args)  # type: ignore[arg-type]
        if self.meanwhile is not None:
            self.meanwhile()
        return verdict


def test_a_card_pulled_while_right_answers_are_looked_at_costs_nothing(
    world: World, card: Card
) -> None:
    hasher = _Interrupting(world.ring)
    other = World(world.folder, hasher=hasher)
    sitting = other.insert(card, blocked=True)
    task = sitting.questions()
    hasher.meanwhile = sitting.pull
    with pytest.raises(StepRefused):
        sitting.answer(task)
    assert world.registration(card).failures == 0
    hasher.meanwhile = None
    later = other.insert(card, blocked=True)
    task = later.questions()
    hasher.meanwhile = later.pull
    with pytest.raises(StepRefused):
        later.answer(task, wrong=True)
    assert world.registration(card).failures == 1
    other.store.close()


def test_a_database_that_goes_away_before_the_verdict_costs_nothing(
    world: World, card: Card
) -> None:
    hasher = _Interrupting(world.ring)
    other = World(world.folder, hasher=hasher, busy_timeout_s=0.05)
    sitting = other.insert(card, blocked=True)
    task = sitting.questions()
    with ExitStack() as other_writer:
        hasher.meanwhile = lambda: other_writer.enter_context(world.store.begin())
        with pytest.raises(AuthorityUnavailable):
            sitting.answer(task, attempt="one")
    hasher.meanwhile = None
    assert isinstance(sitting.answer(task, attempt="one"), SendCode)
    assert world.registration(card).failures == 0
    other.store.close()


def test_a_visit_that_ended_can_do_nothing(sitting: Sitting) -> None:
    task = sitting.questions()
    sitting.pull()
    calls: tuple[Callable[[], object], ...] = (
        lambda: sitting.answer(task),
        sitting.send,
        lambda: sitting.enter(Sensitive("1")),
        sitting.grant,
        lambda: sitting.authority.choose(sitting.visit, Purpose.UNLOCK),
        lambda: sitting.authority.pin_proven(sitting.visit),
        lambda: sitting.authority.pin_changed(sitting.visit),
        lambda: sitting.authority.give_email(sitting.visit, EMAIL),
        lambda: sitting.authority.save_questions(sitting.visit, ()),
    )
    for call in calls:
        with pytest.raises(StepRefused):
            call()
    sitting.authority.end(sitting.visit, VisitEnd.FINISHED)


def test_a_visit_does_not_last_for_ever(world: World, sitting: Sitting) -> None:
    task = sitting.questions()
    world.clock.forward(minutes=59)
    assert isinstance(sitting.answer(task, wrong=True), AnswersWrong)
    world.clock.forward(seconds=timedelta(minutes=1).total_seconds())
    with pytest.raises(StepRefused):
        sitting.answer(task)
