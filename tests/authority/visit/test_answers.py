"""Attempts at the answers: charged first, three and no more, on every station."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pytest

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.notices import Notice
from kiosk.authority.records import Card, JointHash
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    FactorWrong,
    Position,
    Reason,
    Refusal,
    SendCode,
    UnblockDone,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit
from tests.authority.world import CHEAP, EMAIL, STAFF, World
from tests.support.routes import to


def test_right_answers_lead_on_and_cost_nothing(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    assert len(task.questions) == 3
    assert task.attempts_left == 3
    assert station_visit.answer(task) == SendCode(to("a•••@trust.nhs.uk"), position=Position(3, 4))
    assert world.registration(card).failures == 0
    assert world.kinds() == [
        "visit-opened",
        "purpose-chosen",
        "attempt-charged",
        "answers-right",
    ]


def test_a_wrong_set_counts_down_and_asks_the_same(station_visit: StationVisit) -> None:
    task = station_visit.questions()
    for left in (2, 1):
        reply = station_visit.answer(task, wrong=True)
        assert isinstance(reply, FactorWrong)
        assert reply.again == AnswerQuestions(task.questions, left, position=Position(2, 4))


def test_the_third_wrong_set_blocks_and_tells_holder_and_staff(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    replies = [station_visit.answer(task, wrong=True) for _ in range(3)]
    assert isinstance(replies[-1], Refusal)
    assert replies[-1].reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at == world.now
    assert [(one.to, one.template) for one in world.outbox()] == [
        (EMAIL, Notice.BLOCKED),
        (STAFF, Notice.BLOCKED_STAFF),
    ]
    assert world.kinds()[-2:] == ["registration-blocked", "refused"]
    right = station_visit.answer(task)
    assert isinstance(right, Refusal)
    assert right.reason is Reason.REGISTRATION_BLOCKED
    for station in "BC":
        opened = world.insert(card, blocked=True, station=station).opened
        assert isinstance(opened, Refusal)
        assert opened.reason is Reason.REGISTRATION_BLOCKED
    assert world.kinds().count("registration-blocked") == 1


class _Interrupted(AnswerHasher):
    """Looks at a set while something else happens."""

    during: Callable[[], object]

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        verdict = super().check(owner, answers, kept)
        self.during()
        return verdict


@pytest.mark.parametrize("wrong", [True, False])
def test_what_was_found_counts_though_the_card_left_meanwhile(
    world: World, card: Card, station_visit: StationVisit, wrong: bool
) -> None:
    task = station_visit.questions()
    hasher = _Interrupted(world.ring, CHEAP)
    hasher.during = station_visit.pull
    object.__setattr__(world.parts, "hasher", hasher)
    with pytest.raises(StepRefused):
        station_visit.answer(task, wrong=wrong)
    assert world.registration(card).failures == int(wrong)
    (found,) = (event for event in world.events() if event.kind.startswith("answers-"))
    assert (found.kind, found.detail) == (
        ("answers-wrong", {"left": 2}) if wrong else ("answers-right", {"proves": "nothing"})
    )


def test_right_answers_cost_nothing_though_the_station_was_retired_meanwhile(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    hasher = _Interrupted(world.ring, CHEAP)
    hasher.during = partial(world.retire_station, "A")
    object.__setattr__(world.parts, "hasher", hasher)
    assert station_visit.answer(task) == Refusal(Reason.STATION_RETIRED)
    assert world.registration(card).failures == 0


def test_the_block_is_the_holders_whatever_card_they_use(world: World, card: Card) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.add_card(holder)
    for used in (card, other, card):
        station_visit = world.insert(used, blocked=True)
        station_visit.answer(station_visit.questions(), wrong=True)
        station_visit.pull()
    opened = world.insert(other, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED


def test_the_same_questions_come_back_at_any_station_until_success(
    world: World, card: Card
) -> None:
    asked = []
    for station in "ABC":
        station_visit = world.insert(card, blocked=True, station=station)
        asked.append(station_visit.questions().questions)
        station_visit.pull()
    assert len(set(asked)) == 1
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    assert world.registration(card).asked == tuple(one.id for one in asked[0])
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert world.registration(card).asked is None


def test_every_set_can_be_drawn(world: World, card: Card) -> None:
    drawn = set()
    for _ in range(200):
        station_visit = world.insert(card, blocked=True)
        drawn.add(frozenset(one.id for one in station_visit.questions().questions))
        with world.store.begin() as uow:
            uow.registrations.clear_failures(card.holder_id, asked=True)
            uow.commit()
        if len(drawn) == 4:
            break
    assert len(drawn) == 4


@pytest.mark.parametrize(("asked", "expected"), [(2, 2), (3, 3), (4, 4)])
def test_how_many_are_asked_is_a_setting_that_may_change(
    world: World, card: Card, asked: int, expected: int
) -> None:
    world.policy = Policy(questions_asked=asked)
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    assert len(task.questions) == expected
    assert isinstance(station_visit.answer(task), SendCode)


def test_where_fewer_were_registered_all_of_them_are_asked(world: World) -> None:
    holder = world.add_holder()
    hashes = world.hasher.hash_sets(holder.id, {1: Sensitive("a"), 2: Sensitive("b")}, 2)
    world.register(holder, question_ids=(1, 2), hashes=hashes)
    task = world.insert(world.add_card(holder), blocked=True).questions()
    assert {one.id for one in task.questions} == {1, 2}


def test_a_right_set_gives_back_its_own_charge_and_no_other(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    station_visit.answer(task, wrong=True)
    station_visit.answer(task, wrong=True)
    station_visit.answer(task)
    assert world.registration(card).failures == 2
    station_visit.send()
    station_visit.enter(world.relay.code)
    assert world.registration(card).failures == 2
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert world.registration(card).failures == 0


def test_the_same_attempt_gets_the_same_verdict_and_one_charge(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    wrong = [station_visit.answer(task, wrong=True, attempt="one") for _ in range(3)]
    assert all(reply == wrong[0] for reply in wrong)
    assert world.registration(card).failures == 1
    disguised = station_visit.answer(task, attempt="one")
    assert disguised == wrong[0]
    assert isinstance(station_visit.answer(task, attempt="two"), SendCode)
    assert isinstance(station_visit.answer(task, wrong=True, attempt="two"), SendCode)
    assert world.registration(card).failures == 1


@pytest.mark.parametrize(("driver", "identifier"), [("piv", "0f" * 16), ("openpgp", "00061234")])
def test_after_a_right_set_another_one_is_neither_checked_nor_charged(
    world: World, driver: str, identifier: str
) -> None:
    """Before: with a card known by name it was charged, and the holder had to wait for hours."""
    card = world.registered_card(driver=driver, identifier=identifier)
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    right = station_visit.answer(task, attempt="one")
    assert isinstance(right, SendCode)
    before, events = world.registration(card), world.kinds()
    for wrong in (True, False):
        with pytest.raises(StepRefused, match="was passed in this visit"):
            station_visit.answer(task, wrong=wrong)
    assert world.registration(card) == before
    assert world.kinds() == [*events, "step-refused", "step-refused"]
    assert station_visit.answer(task, attempt="one") == right


def test_a_right_attempt_proves_nothing_in_another_visit(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.answer(station_visit.questions(), attempt="one")
    station_visit.pull()
    later = world.insert(card, blocked=True)
    reply = later.answer(later.questions(), attempt="one", wrong=True)
    assert isinstance(reply, AnswerQuestions)
    with pytest.raises(StepRefused):
        later.send()


def test_the_last_attempt_repeated_is_refused_the_same_way(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    task = station_visit.questions()
    for attempt in ("one", "two"):
        station_visit.answer(task, wrong=True, attempt=attempt)
    first = station_visit.answer(task, wrong=True, attempt="three")
    assert station_visit.answer(task, wrong=True, attempt="three") == first
    assert world.registration(card).failures == 3


@pytest.mark.parametrize(
    ("registered", "typed"),
    [("Siân O'Brien", "sian obrien"), ("Łódź", "lodz"), ("maryjane", "Mary-Jane")],
)
def test_an_answer_is_right_however_it_is_typed(world: World, registered: str, typed: str) -> None:
    holder = world.add_holder()
    given = {1: Sensitive(registered), 2: Sensitive("Blue Anchor Lane")}
    hashes = world.hasher.hash_sets(holder.id, given, 2)
    world.register(holder, question_ids=(1, 2), hashes=hashes)
    card = world.add_card(holder)
    station_visit = world.insert(card, blocked=True)
    station_visit.questions()
    answers = Answer(1, Sensitive(typed)), Answer(2, Sensitive("BLUEANCHORLANE"))
    assert isinstance(
        station_visit.authority.submit(station_visit.visit, "one", Answers(answers)), SendCode
    )
    assert world.registration(card).failures == 0
