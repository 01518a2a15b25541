"""Attempts that something came between: a restart, a pulled card, a database that is away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import pytest

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.notices import Notice
from kiosk.authority.records import Card, JointHash
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    FactorWrong,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    VisitEnd,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit, answers_to, is_wrong
from tests.authority.world import CHEAP, EMAIL, World
from tests.support.exhausted import no_memory_for_hashes


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


def test_a_restart_gives_no_try_back(world: World, card: Card) -> None:
    for _ in range(2):
        station_visit = world.insert(card, blocked=True)
        station_visit.answer(station_visit.questions(), wrong=True)
        world.restart()
    station_visit = world.insert(card, blocked=True)
    assert station_visit.questions().attempts_left == 1
    reply = station_visit.answer(station_visit.questions(), wrong=True)
    assert isinstance(reply, Refusal)


def test_charges_without_a_verdict_block_when_the_card_is_next_seen(
    world: World, card: Card
) -> None:
    for number in range(3):
        with world.store.begin() as uow:
            assert uow.registrations.attempts(card.holder_id, 3).charge(f"died-{number}")
            uow.commit()
    assert world.registration(card).blocked_at is None
    world.clock.forward(seconds=30)
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at == world.now
    assert [one.template for one in world.outbox()] == [Notice.BLOCKED, Notice.BLOCKED_STAFF]


def test_the_last_charge_without_a_verdict_blocks_on_the_next_attempt(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    for number in range(3):
        with world.store.begin() as uow:
            uow.registrations.attempts(card.holder_id, 3).charge(f"died-{number}")
            uow.commit()
    with pytest.raises(AuthorityUnavailable, match="another entry is being checked"):
        station_visit.answer(task)
    assert world.registration(card).blocked_at is None
    world.clock.forward(seconds=30)
    reply = station_visit.answer(task)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at is not None


def last_set_checked(
    world: World, card: Card, meanwhile: Callable[[World], object], *, wrong: bool
) -> object:
    """Give the last set, with ``meanwhile`` while it is being checked; return the reply."""
    hasher = _Interrupting(world.ring)
    other = World(world.folder, hasher=hasher)
    station_visit = other.insert(card, blocked=True)
    task = station_visit.questions()
    for _ in range(2):
        station_visit.answer(task, wrong=True)
    hasher.meanwhile = lambda: meanwhile(world)
    try:
        return station_visit.answer(task, wrong=wrong)
    except StepRefused as over:
        return over
    finally:
        other.store.close()


def test_no_visit_blocks_while_the_last_set_is_being_checked(world: World, card: Card) -> None:
    """Before: the card put in again meanwhile blocked, though the answers were right."""
    inserted: list[StationVisit] = []
    last_set_checked(
        world, card, lambda world: inserted.append(world.insert(card, blocked=True)), wrong=False
    )
    registration = world.registration(card)
    assert (registration.failures, registration.blocked_at) == (2, None)
    assert "registration-blocked" not in world.kinds()
    (again,) = inserted
    task = again.questions()
    assert task.attempts_left == 1
    assert isinstance(again.answer(task), SendCode)


def test_no_other_set_blocks_while_the_last_one_is_being_checked(world: World, card: Card) -> None:
    """Before: what another visit of the holder sent then blocked, though the answers were right."""
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    elsewhere = world.insert(world.add_card(holder), blocked=True, station="B")
    task = elsewhere.questions()

    def send(_world: World) -> None:
        with pytest.raises(AuthorityUnavailable):
            elsewhere.answer(task)

    assert isinstance(last_set_checked(world, card, send, wrong=False), SendCode)
    assert world.registration(card).blocked_at is None
    assert isinstance(elsewhere.answer(task), SendCode)


@pytest.mark.parametrize("wrong", [True, False])
def test_a_wrong_last_set_blocks_at_once_whatever_else_is_checked(
    world: World, card: Card, wrong: bool
) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    elsewhere = world.insert(world.add_card(holder), blocked=True, station="B")
    task = elsewhere.questions()
    elsewhere.answer(task, wrong=True)
    between: list[object] = []
    hasher = _Interrupting(world.ring)
    other = World(world.folder, hasher=hasher)
    station_visit = other.insert(card, blocked=True)
    again = station_visit.questions()
    hasher.meanwhile = lambda: between.append(elsewhere.answer(task, wrong=True))
    last = station_visit.answer(again, wrong=wrong)
    other.store.close()
    assert [type(one) for one in between] == [Refusal]
    assert isinstance(last, Refusal)
    assert world.registration(card).blocked_at is not None


def test_a_charge_that_never_got_its_verdict_counts_as_wrong_when_repeated(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    with world.store.begin() as uow:
        uow.registrations.attempts(card.holder_id, 3).charge("died")
        uow.commit()
    assert is_wrong(station_visit.answer(task, attempt="died"), AnswerQuestions)
    assert world.registration(card).failures == 1


@pytest.mark.parametrize("make", [lambda a: a[:2], lambda a: (*a, a[0]), lambda a: ()])
def test_answers_to_other_questions_are_not_charged(
    world: World,
    card: Card,
    station_visit: StationVisit,
    make: Callable[[tuple[Answer, ...]], tuple[Answer, ...]],
) -> None:
    task = station_visit.questions()
    given = make(answers_to(task))
    with pytest.raises(StepRefused):
        station_visit.authority.submit(station_visit.visit, "one", Answers(given))
    unasked = {1, 2, 3, 4} - {one.id for one in task.questions}
    swapped = (*answers_to(task)[:2], Answer(unasked.pop(), Sensitive("x")))
    with pytest.raises(StepRefused):
        station_visit.authority.submit(station_visit.visit, "one", Answers(swapped))
    assert world.registration(card).failures == 0
    assert world.kinds().count("step-refused") == 2


def test_answers_are_not_taken_before_unlock_was_chosen(
    station_visit: StationVisit, world: World
) -> None:
    with pytest.raises(StepRefused):
        station_visit.authority.submit(station_visit.visit, "one", Answers(()))


def test_a_pepper_that_is_gone_costs_no_try(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    other = World(world.folder, hasher=AnswerHasher(KeyRing.fresh(), CHEAP))
    with pytest.raises(AuthorityUnavailable):
        other.authority.submit(station_visit.visit, "one", Answers(answers_to(task)))
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
    station_visit = world.insert(card, blocked=True)
    with pytest.raises(AuthorityUnavailable):
        station_visit.answer(station_visit.questions())
    assert world.registration(card).failures == 0
    assert world.events()[-1].kind == "entry-unchecked"
    assert world.events()[-1].detail == {"because": "its record is damaged"}


def test_a_machine_without_memory_costs_no_try_and_blames_no_record(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    with no_memory_for_hashes(), pytest.raises(AuthorityUnavailable, match="memory"):
        station_visit.answer(task, wrong=True)
    assert world.registration(card).failures == 0
    assert "answers-right" not in {event.kind for event in world.events()}
    assert isinstance(station_visit.answer(task), SendCode)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_set_that_could_not_be_checked_is_charged_and_checked_when_it_is_sent_again(
    world: World, card: Card, station_visit: StationVisit, wrong: bool
) -> None:
    task = station_visit.questions()
    at, visit, given = station_visit.authority, station_visit.visit, answers_to(task, wrong=wrong)
    for _ in range(2):
        with no_memory_for_hashes(), pytest.raises(AuthorityUnavailable, match="memory"):
            at.submit(visit, "one", Answers(given))
    reply = at.submit(visit, "one", Answers(given))
    assert isinstance(reply, FactorWrong if wrong else SendCode)
    assert world.registration(card).failures == int(wrong)
    assert at.submit(visit, "one", Answers(given)) == reply
    assert world.registration(card).failures == int(wrong)


def test_no_set_is_checked_again_where_no_attempt_is_left(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    at, visit = station_visit.authority, station_visit.visit
    with no_memory_for_hashes(), pytest.raises(AuthorityUnavailable, match="memory"):
        at.submit(visit, "one", Answers(answers_to(task)))
    with world.store.begin() as uow:
        counter = uow.registrations.attempts(card.holder_id, 3, proven=True)
        assert all(counter.charge(name) for name in ("two", "three", "four"))
        uow.commit()
    with pytest.raises(AuthorityUnavailable, match="another entry"):
        at.submit(visit, "one", Answers(answers_to(task)))
    assert world.registration(card).failures == 3


def test_a_card_pulled_while_right_answers_are_looked_at_costs_nothing(
    world: World, card: Card
) -> None:
    hasher = _Interrupting(world.ring)
    other = World(world.folder, hasher=hasher)
    station_visit = other.insert(card, blocked=True)
    task = station_visit.questions()
    hasher.meanwhile = station_visit.pull
    with pytest.raises(StepRefused):
        station_visit.answer(task)
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
    station_visit = other.insert(card, blocked=True)
    task = station_visit.questions()
    with ExitStack() as other_writer:
        hasher.meanwhile = lambda: other_writer.enter_context(world.store.begin())
        with pytest.raises(AuthorityUnavailable):
            station_visit.answer(task, attempt="one")
    hasher.meanwhile = None
    assert isinstance(station_visit.answer(task, attempt="one"), SendCode)
    assert world.registration(card).failures == 0
    other.store.close()


def test_a_visit_that_ended_can_do_nothing(station_visit: StationVisit) -> None:
    task = station_visit.questions()
    station_visit.pull()
    calls: tuple[Callable[[], object], ...] = (
        lambda: station_visit.answer(task),
        station_visit.send,
        lambda: station_visit.enter(Sensitive("1")),
        station_visit.grant,
        lambda: station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK),
        lambda: station_visit.verify_pin(),
        lambda: station_visit.authority.pin_changing(station_visit.visit),
        lambda: station_visit.authority.give_email(
            station_visit.visit, EMAIL, station_visit.attempt()
        ),
        lambda: station_visit.authority.save_questions(station_visit.visit, ()),
    )
    for call in calls:
        with pytest.raises(StepRefused):
            call()
    station_visit.authority.end(station_visit.visit, VisitEnd.FINISHED)


def test_a_visit_does_not_last_for_ever(world: World, station_visit: StationVisit) -> None:
    task = station_visit.questions()
    world.clock.forward(minutes=59)
    assert is_wrong(station_visit.answer(task, wrong=True), AnswerQuestions)
    world.clock.forward(seconds=timedelta(minutes=1).total_seconds())
    with pytest.raises(StepRefused):
        station_visit.answer(task)
