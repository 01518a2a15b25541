"""Stations tell that they live, and one that was retired serves nobody, whatever it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec import structs

from kiosk.authority.records import Station
from kiosk.authority.stations import STANDING_S, WRITTEN_EVERY_S, StationIdentity
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answers,
    Factor,
    Finished,
    Heartbeat,
    Purpose,
    ReaderState,
    Reason,
    Refusal,
    StationStanding,
    UnblockDone,
    VisitOpened,
    reference_of,
)
from tests.authority.station_visit import answers_to
from tests.authority.world import World
from tests.support.routes import MADE_UP

BEAT = Heartbeat("0.1.0", ReaderState.READY)
WARD_7 = StationIdentity("Ward 7", "Wexbridge General")


def recorded(world: World, name: str) -> Station:
    with world.store.read() as uow:
        found = uow.stations.get(name)
    assert found is not None
    return found


def test_a_heartbeat_is_written_down(world: World) -> None:
    assert world.authority.seen_by(WARD_7).heartbeat(BEAT) is StationStanding.IN_USE
    first = Station("Ward 7", world.now, "0.1.0", "ready", "Wexbridge General")
    assert recorded(world, "Ward 7") == first
    world.clock.forward(seconds=30)
    world.at("Ward 7").heartbeat(structs.replace(BEAT, reader=ReaderState.NO_READER))
    later = replace(first, last_seen_at=world.now, reader_state="no reader", site="")
    assert recorded(world, "Ward 7") == later


def test_a_station_that_names_no_version_has_started_nevertheless(world: World) -> None:
    """A station makes its version up: it must not be able to look as if it had never started."""
    world.at("Ward 7").heartbeat(Heartbeat(""))
    assert recorded(world, "Ward 7").has_started


def test_station_of_another_language_than_the_service_s_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its first page is in one language, and the visit that follows in another."""
    for _ in range(3):
        world.at("Ward 7").heartbeat(Heartbeat("0.1.0", language="cy"))
        world.at("Ward 8").heartbeat(Heartbeat("0.1.0", language="en"))
        world.at("Ward 9").heartbeat(Heartbeat("0.1.0"))
    (line,) = [each for each in caplog.messages if "language" in each]
    assert "station Ward 7" in line
    assert "'cy'" in line
    assert "'en'" in line
    world.at("Ward 7").heartbeat(Heartbeat("0.1.0", language="de"))
    assert "'de'" in caplog.messages[-1]


@pytest.mark.parametrize("language", ["Welsh", "cy\nforged line", "../cy", "\x1b[31m"])
def test_language_of_a_station_is_a_tag(world: World, language: str) -> None:
    with pytest.raises(StepRefused):
        world.at("Ward 7").heartbeat(Heartbeat("0.1.0", language=language))


def test_station_has_a_heartbeat_of_its_own(world: World) -> None:
    world.retire_station("Ward 8")
    for name in ("Ward 7", "Ward 8", "Ward 9"):
        standing = world.at(name).heartbeat(BEAT)
        assert (standing is StationStanding.RETIRED) is (name == "Ward 8")


def statements_of(world: World, act: Callable[[], object]) -> list[str]:
    """Return what ``act`` has the database do."""
    seen: list[str] = []

    def taken(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(lambda statement: seen.append(statement.split()[0]))

    sa.event.listen(world.store._engine, "checkout", taken)
    try:
        act()
    finally:
        sa.event.remove(world.store._engine, "checkout", taken)
    return seen


def test_an_estate_of_idle_stations_writes_seldom_and_together(world: World) -> None:
    """A hundred stations for ten minutes: 2,000 heartbeats, and forty transactions at most."""
    names = [f"Ward {number}" for number in range(100)]

    def half_a_minute() -> None:
        for name in names:
            world.at(name).heartbeat(BEAT)
            world.clock.forward(seconds=0.3)

    def ten_minutes() -> None:
        for _ in range(20):
            half_a_minute()

    half_a_minute()
    done = statements_of(world, ten_minutes)
    assert 0 < done.count("COMMIT") <= 40
    assert done.count("INSERT") == 0
    oldest = max(world.now - recorded(world, name).last_seen_at for name in names)
    assert oldest.total_seconds() <= WRITTEN_EVERY_S + 36


def test_what_a_station_says_anew_is_written_at_once(world: World) -> None:
    world.at("Ward 7").heartbeat(BEAT)
    world.at("Ward 7").heartbeat(structs.replace(BEAT, reader=ReaderState.NO_READER))
    assert recorded(world, "Ward 7").reader_state == "no reader"


def test_a_heartbeat_that_another_replica_took_later_is_not_set_back(world: World) -> None:
    world.at("Ward 7").heartbeat(BEAT)
    later = Station("Ward 7", world.now + timedelta(seconds=40), "0.2", "ready")
    with world.store.begin() as uow:
        uow.stations.seen_again([later])
        uow.stations.seen_again([Station("Ward 7", world.now, "0.1", "ready")])
        uow.commit()
    station = recorded(world, "Ward 7")
    assert (station.last_seen_at, station.version) == (later.last_seen_at, "0.2")


def test_a_heartbeat_that_could_not_be_written_is_written_with_the_next(world: World) -> None:
    hasty = World(world.folder, busy_timeout_s=0.05)
    with world.store.begin(), pytest.raises(AuthorityUnavailable):
        hasty.at("Ward 7").heartbeat(BEAT)
    hasty.at("Ward 8").heartbeat(BEAT)
    assert recorded(world, "Ward 7").reader_state == "ready"
    hasty.store.close()


def test_a_heartbeat_never_takes_a_station_into_use_again(world: World) -> None:
    world.retire_station("Ward 7")
    at = world.now
    for _ in range(3):
        world.clock.forward(minutes=1)
        assert world.at("Ward 7").heartbeat(BEAT) is StationStanding.RETIRED
    station = recorded(world, "Ward 7")
    assert station.retired_at == at
    assert station.last_seen_at == at + timedelta(minutes=3)


def test_a_station_that_was_retired_reads_it_with_a_heartbeat_that_nobody_writes(
    world: World,
) -> None:
    world.at("Ward 7").heartbeat(BEAT)
    world.retire_station("Ward 7")
    world.clock.forward(seconds=STANDING_S)
    assert world.at("Ward 7").heartbeat(BEAT) is StationStanding.RETIRED
    assert recorded(world, "Ward 7").last_seen_at < world.now


@pytest.mark.parametrize("version", ["\x1b[2J", "x" * 81, "two\nlines"])
def test_what_no_station_can_say_is_refused(world: World, version: str) -> None:
    with pytest.raises(StepRefused):
        world.authority.heartbeat(Heartbeat(version))
    with world.store.read() as uow:
        assert uow.stations.every() == ()


def test_a_locked_database_takes_no_heartbeat(world: World) -> None:
    hasty = World(world.folder, busy_timeout_s=0.05)
    with world.store.begin(), pytest.raises(AuthorityUnavailable):
        hasty.authority.heartbeat(BEAT)
    hasty.store.close()


def test_no_visit_begins_at_a_retired_station(world: World) -> None:
    card = world.registered_card()
    world.retire_station("Ward 7")
    station_visit = world.insert(card, blocked=True, station="Ward 7")
    assert isinstance(station_visit.opened, Refusal)
    assert station_visit.opened.reason is Reason.STATION_RETIRED
    event = world.events()[-1]
    assert (event.kind, event.station) == ("refused", "Ward 7")
    assert event.reference == reference_of(station_visit.visit)
    assert event.detail == {"reason": "station-retired"}
    with pytest.raises(StepRefused):
        station_visit.questions()
    assert isinstance(world.insert(card, blocked=True, station="Ward 8").opened, VisitOpened)


def test_a_visit_goes_no_further_when_its_station_is_retired(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True, station="Ward 7")
    task = station_visit.questions()
    world.retire_station("Ward 7")
    visit, calls = station_visit.visit, station_visit.authority
    steps: tuple[Callable[[], object], ...] = (
        lambda: calls.choose(visit, Purpose.CHANGE_PIN),
        lambda: calls.submit(visit, "1", Answers(answers_to(task))),
        lambda: calls.prepare(visit, "1", Factor.EMAIL_CODE, MADE_UP),
        lambda: calls.release(visit, "1"),
    )
    for step in steps:
        reply = step()
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.STATION_RETIRED
    assert world.registration(card).failures == 0
    assert world.relay.sent == []


def test_what_a_card_did_is_recorded_though_its_station_was_retired_meanwhile(
    world: World,
) -> None:
    unlocking = world.insert(world.registered_card(), blocked=True, station="Ward 7")
    unlocking.to_new_pin()
    grant = unlocking.grant()
    changing = world.insert(world.add_card(world.add_holder(number="2")), station="Ward 7")
    changing.authority.choose(changing.visit, Purpose.CHANGE_PIN)
    changing.verify_pin()
    changing.authority.pin_changing(changing.visit)
    world.retire_station("Ward 7")
    done = unlocking.authority.record_outcome(unlocking.visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    assert changing.authority.pin_changed(changing.visit) == Finished(Purpose.CHANGE_PIN)
    assert {"unblock-done", "pin-changed"} <= set(world.kinds())
