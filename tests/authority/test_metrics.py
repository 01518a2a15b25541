"""What is counted of calls, and read of the estate, as Prometheus reads it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kiosk.authority.administration.alarms import WATCH, WATCH_EVERY, AlarmKind
from kiosk.authority.connections import Limits
from kiosk.authority.metrics import READ_EVERY_S, Metrics, Watched
from kiosk.authority.records import OutboxMessage, Station, new_id
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import EnterCode, Heartbeat, UnblockDone, VisitEnd
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import is_wrong
from tests.authority.world import EMAIL
from tests.contract.wirings import WiredWorld, wired

Numbers = dict[str, float]
BEAT = Heartbeat("0.1")


class Counted:
    """A world over the socket, and the metrics of its process."""

    def __init__(self, world: WiredWorld) -> None:
        self.world = world
        self.seconds = 0.0
        self.mail: bool | None = True
        self.metrics = Metrics(self._watched, lambda: self.seconds)
        world.answered = self.metrics.answered

    def _watched(self) -> Watched:
        return Watched(self.world.store, self.mail, 2, 3, 4)

    def read(self) -> Numbers:
        """Return every sample by its name and labels."""
        self.seconds += READ_EVERY_S
        found = {}
        for family in text_string_to_metric_families(self.metrics.text().decode()):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
                found[f"{sample.name}{{{labels}}}"] = sample.value
        return found


@pytest.fixture
def counted(folder: Path) -> Iterator[Counted]:
    with wired(folder, "socket") as world:
        yield Counted(world)


def test_a_visit_is_counted_by_its_calls_and_by_how_it_ended(counted: Counted) -> None:
    world = counted.world
    station_visit = world.insert(world.registered_card(), blocked=True)
    station_visit.to_code()
    assert is_wrong(station_visit.enter(Sensitive("00000000")), EnterCode)
    station_visit.enter(world.relay.code)
    grant = station_visit.grant()
    station_visit.authority.record_outcome(station_visit.visit, grant.journal, UnblockDone())
    assert counted.read()["kiosk_visits_open{}"] == 1
    station_visit.authority.end(station_visit.visit, VisitEnd.FINISHED)
    numbers = counted.read()
    assert numbers["kiosk_visits_open{}"] == 0
    assert numbers["kiosk_visits_opened_total{}"] == 1
    assert numbers["kiosk_visits_ended_total{how=finished}"] == 1
    assert numbers["kiosk_visits_ended_total{how=fault}"] == 0
    assert numbers["kiosk_unblocks_total{outcome=done}"] == 1
    assert numbers["kiosk_replies_total{call=submit_code,reply=FactorWrong}"] == 1
    assert numbers["kiosk_call_seconds_count{call=submit_code}"] == 2
    assert numbers["kiosk_call_seconds_sum{call=submit_code}"] > 0


def test_a_holder_who_is_turned_away_is_counted_by_the_reason(counted: Counted) -> None:
    world = counted.world
    world.retire_station("A")
    world.insert(world.registered_card())
    numbers = counted.read()
    assert numbers["kiosk_refusals_total{reason=station-retired}"] == 1


def test_a_step_out_of_turn_has_its_status(counted: Counted) -> None:
    world = counted.world
    station_visit = world.insert(world.registered_card(), blocked=True)
    with pytest.raises(StepRefused):
        station_visit.authority.release(station_visit.visit, "1")
    assert counted.read()["kiosk_replies_total{call=release,reply=409}"] == 1


def test_what_a_station_asks_too_often_is_counted_as_busy(folder: Path) -> None:
    with wired(folder, "socket", limits=Limits(calls_a_second=0.001, burst=1)) as world:
        counted = Counted(world)
        world.at("A").heartbeat(BEAT)
        with pytest.raises(AuthorityUnavailable):
            world.at("A").heartbeat(BEAT)
        assert counted.read()["kiosk_busy_answers_total{because=station}"] >= 1


def test_a_handshake_that_was_dropped_is_counted(counted: Counted) -> None:
    assert counted.read()["kiosk_handshakes_dropped_total{}"] == 0
    counted.metrics.handshake_dropped()
    assert counted.read()["kiosk_handshakes_dropped_total{}"] == 1


def test_how_the_estate_stands(counted: Counted) -> None:
    world = counted.world
    with world.store.begin() as uow:
        old = uow.now - timedelta(minutes=10)
        waiting = OutboxMessage(new_id(), EMAIL, "unlocked", {}, old, old)
        uow.outbox.add(waiting)
        dead = replace(waiting, id=new_id())
        uow.outbox.add(dead)
        uow.outbox.mark_failed(dead.id, None)
        for name, seen in (("A", uow.now), ("B", old), ("C", old)):
            uow.stations.seen(Station(name, seen, "0.1", "ready", ""))
        uow.stations.enrolled(Station("never started", old))
        uow.stations.retire("C", uow.now)
        uow.alarms.begin("station-silent:B", AlarmKind.STATION_SILENT, {"station": "B"})
        uow.jobs.claim(WATCH, WATCH_EVERY)
        uow.audit.append(kind="staff-logged-in", reference="")
        uow.commit()
    numbers = counted.read()
    told = {
        name.removesuffix("{}"): value
        for name, value in numbers.items()
        if name in {f"kiosk_{each}{{}}" for each in STANDING}
    }
    assert told.pop("kiosk_outbox_oldest_seconds") == pytest.approx(600, abs=5)
    rows = told.pop("kiosk_audit_rows")
    assert rows > 0
    assert told.pop("kiosk_audit_unsigned_rows") == rows
    assert told.pop("kiosk_audit_unsigned_seconds") >= 0
    assert told.pop("kiosk_caretaker_age_seconds") >= 0
    assert told == {
        "kiosk_store_up": 1,
        "kiosk_mail_up": 1,
        "kiosk_open": 1,
        "kiosk_argon2_waiting": 2,
        "kiosk_calls_under_way": 3,
        "kiosk_connections": 4,
        "kiosk_outbox_waiting": 1,
        "kiosk_outbox_dead": 1,
        "kiosk_stations_in_service": 3,
        "kiosk_stations_silent": 1,
        "kiosk_registrations_blocked": 0,
        "kiosk_visits_open": 0,
    }
    assert numbers["kiosk_alarms{kind=station-silent}"] == 1
    assert numbers["kiosk_alarms{kind=audit-broken}"] == 0


def test_of_a_relay_that_was_not_asked_yet_nothing_is_said(counted: Counted) -> None:
    counted.mail = None
    assert "kiosk_mail_up{}" not in counted.read()
    counted.mail = False
    assert counted.read()["kiosk_mail_up{}"] == 0


STANDING = (
    "store_up mail_up open argon2_waiting calls_under_way connections outbox_waiting outbox_dead "
    "outbox_oldest_seconds stations_in_service stations_silent registrations_blocked visits_open "
    "audit_rows audit_unsigned_rows audit_unsigned_seconds caretaker_age_seconds"
).split()


def test_no_label_names_a_visit_a_station_or_a_person(counted: Counted) -> None:
    world = counted.world
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    said = counted.metrics.text().decode()
    visit = world.visit(station_visit)
    for known in (station_visit.visit, visit.reference, EMAIL, "Asha", card.identifier, card.id):
        assert known not in said


def test_a_database_that_is_away_leaves_the_rest(counted: Counted) -> None:
    world = counted.world
    world.at("A").heartbeat(BEAT)
    (world.folder / "kiosk.db").rename(world.folder / "away.db")
    world.store.close()
    numbers = counted.read()
    assert numbers["kiosk_store_up{}"] == 0
    assert "kiosk_visits_open{}" not in numbers
    assert numbers["kiosk_call_seconds_count{call=heartbeat}"] == 1


def test_a_database_that_takes_no_writes_is_not_up_and_is_still_read(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    numbers = counted.read()
    assert (numbers["kiosk_store_up{}"], numbers["kiosk_visits_open{}"]) == (0, 0)
