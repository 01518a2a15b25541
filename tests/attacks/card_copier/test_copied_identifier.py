"""Before: a copied identifier blocked its holder at will, ended their open visit, settled their
open unblock, and was tried as often as a station liked.

The card is known by its name only, so a copy shows all that the real one does.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kiosk.authority.records import Card, UnblockState, new_id
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    CardId,
    CardReport,
    EnterCode,
    FactorWrong,
    Finished,
    PinState,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    UnblockDone,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.world import EMAIL, STAFF, World

AT_HOLDER, AT_THIEF = "A", "B"


@pytest.fixture
def card(world: World) -> Card:
    """A card of a family without a card-authentication key."""
    return world.registered_card(driver="openpgp", identifier="000612345678")


def guess(world: World, card: Card, times: int) -> list[object]:
    """Answer wrongly with a copy; return the replies."""
    thief = world.insert(card, blocked=True, reader_card=KeylessCard(), station=AT_THIEF)
    if isinstance(thief.opened, Refusal):
        return [thief.opened]
    task = thief.questions()
    replies = [thief.answer(task, wrong=True) for _ in range(times)]
    thief.pull()
    return replies


def reasons(replies: list[object]) -> list[Reason]:
    return [one.reason for one in replies if isinstance(one, Refusal)]


def test_wrong_answers_pause_the_copy_and_block_nobody(world: World, card: Card) -> None:
    replies = guess(world, card, times=4)
    assert [type(one) for one in replies[:2]] == [FactorWrong] * 2
    assert reasons(replies) == [Reason.ATTEMPTS_PAUSED] * 2
    registration = world.registration(card)
    assert (registration.failures, registration.blocked_at) == (0, None)
    told = {(notice.template, notice.to) for notice in world.outbox()}
    assert ("attempts-paused", EMAIL) in told, "the holder is told"
    assert ("attempts-paused-staff", STAFF) in told, "staff are told"


def test_pause_is_shown_with_its_end_before_anything_is_asked(world: World, card: Card) -> None:
    guess(world, card, times=4)
    until = world.registration(card).unproven_until
    assert until is not None
    assert guess(world, card, times=0) == [Refusal(Reason.ATTEMPTS_PAUSED, until)]


def test_pause_is_longer_than_the_one_before(world: World, card: Card) -> None:
    guess(world, card, times=4)
    pauses = []
    for _ in range(3):
        until = world.registration(card).unproven_until
        assert until is not None
        pauses.append(until - world.now)
        assert reasons(guess(world, card, times=1)) == [Reason.ATTEMPTS_PAUSED]
        world.clock.forward(seconds=pauses[-1].total_seconds())
        assert reasons(guess(world, card, times=1)) == [Reason.ATTEMPTS_PAUSED]
    assert pauses == [timedelta(hours=1), timedelta(hours=4), timedelta(hours=16)]
    assert world.registration(card).blocked_at is None


@pytest.mark.parametrize("days", [1, 365])
def test_a_pause_that_a_wrong_clock_dated_ahead_is_over(
    world: World, card: Card, days: int
) -> None:
    """Before: it lasted until then, or until staff ended it. The next one is longer still."""
    world.clock.forward(days=days)
    guess(world, card, times=4)
    world.clock.forward(days=-days)
    assert reasons(guess(world, card, times=1)) == [Reason.ATTEMPTS_PAUSED]
    until = world.registration(card).unproven_until
    assert until == world.now + timedelta(hours=4)


def test_a_holder_whose_card_is_proven_answers_during_the_pause(world: World) -> None:
    """A second card of the same holder has a key; a copy of the first one was tried."""
    holder = world.add_holder()
    world.register(holder)
    by_name = world.add_card(holder, driver="openpgp", identifier="000612345678")
    proven = world.add_card(holder)
    guess(world, by_name, times=4)
    station_visit = world.insert(proven, blocked=True)
    task = station_visit.questions()
    assert task.attempts_left == world.policy.max_failures
    assert isinstance(station_visit.answer(task), SendCode)


def test_a_copy_of_a_card_that_is_known_by_its_key_answers_nothing(world: World) -> None:
    card = world.registered_card()
    world.insert(card).pull()
    for copy in (KeylessCard(), ReaderCard()):
        assert reasons([world.insert(card, reader_card=copy).opened]) == [Reason.NOT_GENUINE]
    assert world.registration(card).failures == 0


def test_the_holders_visit_at_another_station_stays_open(world: World, card: Card) -> None:
    holder = world.insert(card, blocked=True, station=AT_HOLDER)
    task = holder.questions()
    world.insert(card, reader_card=KeylessCard(), station=AT_THIEF)
    assert world.visit(holder).closed_at is None
    assert isinstance(holder.answer(task), SendCode)
    assert isinstance(holder.send(), EnterCode)


def test_an_open_unblock_is_not_settled_by_what_a_copy_reports(world: World, card: Card) -> None:
    """The copy's PIN is blocked: it looks as if the real card had not been unblocked."""
    holder = world.insert(card, blocked=True, station=AT_HOLDER)
    holder.to_new_pin()
    grant = holder.grant()
    for blocked in (True, False):
        thief = world.insert(
            card, blocked=blocked, reader_card=KeylessCard(), station=AT_THIEF, secret_tries=0
        )
        assert world.entry(grant.journal).state is UnblockState.INTENT
        thief.pull()
    done = holder.authority.record_outcome(holder.visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    assert world.entry(grant.journal).state is UnblockState.DONE


def test_a_station_begins_so_many_visits_a_minute(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Serial numbers could be counted up to read the names of their holders.

    The page says when it goes on: before, it said that the service could not be reached.
    """
    world.policy = replace(world.policy, visits_a_minute=5)
    holder = world.add_holder()
    for number in range(4):
        world.insert(CardId("openpgp", f"00061234567{number}"), station=AT_THIEF)
    known = world.add_card(holder, driver="openpgp", identifier="000612345679")
    assert isinstance(world.insert(known, station=AT_THIEF).opened, VisitOpened)
    again = world.clock.now() + timedelta(minutes=1)
    for _ in range(3):
        refused = Refusal(Reason.STATION_LIMITED, again)
        assert world.insert(known, station=AT_THIEF).opened == refused
    assert world.kinds().count("station-limited") == 1, "staff see it, once"
    assert len([line for line in caplog.messages if "5 visits within a minute" in line]) == 1
    assert isinstance(world.insert(known, station=AT_HOLDER).opened, VisitOpened)
    world.clock.forward(minutes=1)
    assert isinstance(world.insert(known, station=AT_THIEF).opened, VisitOpened)


def test_visits_that_a_wrong_clock_dated_ahead_limit_no_station(world: World) -> None:
    """Before: once the clock was corrected, each station had to wait for the time it had shown."""
    world.policy = replace(world.policy, visits_a_minute=5)
    known = world.add_card(world.add_holder(), driver="openpgp", identifier="000612345679")
    world.clock.forward(hours=2)
    for _ in range(5):
        world.insert(known, station=AT_HOLDER)
    world.clock.forward(hours=-2)
    for _ in range(5):
        assert isinstance(world.insert(known, station=AT_HOLDER).opened, VisitOpened)
    again = world.clock.now() + timedelta(minutes=1)
    refused = Refusal(Reason.STATION_LIMITED, again)
    assert world.insert(known, station=AT_HOLDER).opened == refused


def test_visit_asks_about_one_card_only(world: World) -> None:
    """Before: under the id of a visit whose card was unknown a station counted through an estate.

    No visit began, so nothing limited it, and a card that is recorded was answered otherwise.
    """
    holder, thief, visit = world.add_holder(), world.at(AT_THIEF), VisitId(new_id())
    reports = [
        CardReport(CardId("openpgp", f"00061234567{number}"), PinState(blocked=False))
        for number in range(4)
    ]
    unknown, recorded, others = reports[0], reports[1], reports[1:]
    world.add_card(holder, driver=recorded.card.driver, identifier=recorded.card.identifier)
    first = thief.begin(visit, unknown)
    assert first == Refusal(Reason.UNKNOWN_CARD)
    assert thief.begin(visit, unknown) == first, "a lost answer is given again"
    refused = set()
    for report in others:
        with pytest.raises(StepRefused) as error:
            thief.begin(visit, report)
        refused.add(str(error.value))
    assert len(refused) == 1, "recorded or not"


def test_a_lost_answer_that_the_station_has_to_wait_is_given_again(world: World) -> None:
    world.policy = replace(world.policy, visits_a_minute=5)
    report = CardReport(CardId("openpgp", "000612345671"), PinState(blocked=False))
    for _ in range(5):
        world.at(AT_THIEF).begin(VisitId(new_id()), report)
    visit = VisitId(new_id())
    refused = Refusal(Reason.STATION_LIMITED, world.clock.now() + timedelta(minutes=1))
    assert [world.at(AT_THIEF).begin(visit, report) for _ in range(2)] == [refused] * 2


def test_the_visit_of_the_copy_ends_no_other_when_it_is_pulled(world: World, card: Card) -> None:
    holder = world.insert(card, blocked=True, station=AT_HOLDER)
    thief = world.insert(card, reader_card=KeylessCard(), station=AT_THIEF)
    thief.authority.end(thief.visit, VisitEnd.CARD_REMOVED)
    assert isinstance(holder.authority.choose(holder.visit, Purpose.UNLOCK), AnswerQuestions)
