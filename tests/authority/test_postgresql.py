"""The same decisions on PostgreSQL, where writers do not simply wait in one queue."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from msgspec.structs import replace

from kiosk.authority.records import Card, new_id
from kiosk.authority.visit.factors.questions import answer
from kiosk.contract.errors import AuthorityUnavailable
from kiosk.contract.messages import (
    AnswerQuestions,
    CardId,
    CardReport,
    Finished,
    Heartbeat,
    PinState,
    Purpose,
    Reason,
    Refusal,
    StationStanding,
    UnblockDone,
    UnblockUnknown,
    UnblockWrong,
    VisitId,
    VisitOpened,
)
from tests.authority.card_in_reader import KeylessCard
from tests.authority.other_process import CountingHasher, Looks, at_once, given
from tests.authority.station_visit import StationVisit, is_wrong
from tests.authority.world import World

pytestmark = pytest.mark.postgresql


@pytest.fixture
def world(postgresql_world: World) -> World:
    return postgresql_world


def test_the_whole_way_with_a_walk_in_between(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    back = world.insert(card, blocked=True, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    back.enter(world.relay.code)
    reply = back.authority.record_outcome(back.visit, back.grant().journal, UnblockDone())
    assert reply == Finished(Purpose.UNLOCK)
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_twenty_sets_at_once_three_are_looked_at(world: World, card: Card) -> None:
    station_visit, looks = world.insert(card, blocked=True), Looks()
    station_visit.questions()
    object.__setattr__(world.parts, "hasher", CountingHasher(world.ring, looks))
    wrong = given(world, station_visit.visit, wrong=True)

    def guess() -> None:
        with suppress(AuthorityUnavailable):  # while three are being checked
            answer(world.parts, station_visit.visit, new_id(), wrong)

    at_once(guess)
    assert looks.count == 3
    assert world.registration(card).blocked_at is not None


def test_of_twenty_visits_at_once_as_many_begin_as_a_station_may_begin_in_a_minute(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: each counted those that were committed, so more began, and staff saw nothing."""
    world.policy = replace(world.policy, visits_a_minute=5)
    authority = world.at("Ward 7")
    report = CardReport(CardId("openpgp", "000612345671"), PinState(blocked=False))
    replies = at_once(lambda: authority.begin(VisitId(new_id()), report))
    assert replies.count(Refusal(Reason.UNKNOWN_CARD)) == 5
    limited = [one for one in replies if getattr(one, "reason", "") is Reason.STATION_LIMITED]
    assert len(limited) == len(replies) - 5
    assert world.kinds().count("station-limited") == 1
    assert len([line for line in caplog.messages if "5 visits within a minute" in line]) == 1


def test_of_thirty_wrong_sets_at_once_a_station_may_cause_24_with_cards_by_name(
    world: World,
) -> None:
    """Each holder has a count of their own: it is the station's that all of them wait for."""
    visits = []
    for number in range(30):
        holder = world.add_holder(number=f"9000000000{number:02}")
        world.register(holder)
        named = world.add_card(holder, driver="openpgp", identifier=f"0006123456{number:02}")
        visits.append(world.insert(named, blocked=True, station="Ward 7"))
    asked = [(visit, visit.questions()) for visit in visits]
    with ThreadPoolExecutor(len(asked)) as pool:
        replies = list(pool.map(lambda each: each[0].answer(each[1], wrong=True), asked))
    # The last of them reads that it was the last.
    limited = [one for one in replies if getattr(one, "reason", "") is Reason.ANSWERS_LIMITED]
    assert len(limited) + sum(is_wrong(one, AnswerQuestions) for one in replies) == len(asked)
    assert world.kinds().count("answers-wrong") == 24
    assert world.kinds().count("answers-limited") == 1


def test_two_stations_and_a_card_in_each_hand_never_wait_for_each_other(world: World) -> None:
    """Twenty visits of two cards of one holder: every call is decided, none is a deadlock."""
    first = world.registered_card()
    with world.store.read() as uow:
        holder = uow.holders.get(first.holder_id)
    assert holder is not None
    cards = (first, world.add_card(holder))

    def sit(number: int) -> StationVisit:
        station_visit = world.insert(
            cards[number % 2], blocked=True, station=str(number), reader_card=KeylessCard()
        )
        station_visit.pull()
        return station_visit

    with ThreadPoolExecutor(10) as pool:
        opened = [station_visit.opened for station_visit in pool.map(sit, range(20))]
    assert all(isinstance(one, VisitOpened) for one in opened)
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_many_stations_tell_that_they_live_and_the_retired_one_serves_nobody(
    world: World, card: Card
) -> None:
    world.retire_station("0")

    def beat(number: int) -> StationStanding:
        return world.at(str(number % 10)).heartbeat(Heartbeat())

    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(beat, range(40)))
    assert told == ([StationStanding.RETIRED] + [StationStanding.IN_USE] * 9) * 4
    with world.store.read() as uow:
        assert len(uow.stations.every()) == 10
    refused = world.insert(card, station="0").opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.STATION_RETIRED
    assert isinstance(world.insert(card, station="1").opened, VisitOpened)


def test_a_change_of_the_secret_that_was_torn_is_found_out_without_a_number(world: World) -> None:
    card = world.registered_card(driver="pkcs11", secret_limit=None)
    first = world.insert(card, blocked=True)
    first.to_new_pin()
    granted = first.grant()
    first.authority.record_outcome(first.visit, granted.journal, UnblockDone())
    new = first.authority.rotate_secret(first.visit, granted.journal)
    first.authority.confirm_rotation(first.visit, granted.journal, UnblockUnknown())
    first.pull()
    world.clock.forward(hours=1)
    back = world.insert(card, blocked=True, station="B")
    back.to_new_pin()
    presented = []
    for outcome in (UnblockWrong(), UnblockDone()):
        grant = back.grant()
        presented.append(grant.secret)
        back.authority.record_outcome(back.visit, grant.journal, outcome)
    assert presented == [new, granted.secret]
    with world.store.read() as uow:
        assert uow.kept_secrets.pending(card.id) is None
        assert len(uow.kept_secrets.former(card.id)) == 1
