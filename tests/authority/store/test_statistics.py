"""Counting: in quarters of an hour, by place, person and detail, and always by an index."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kiosk.authority.audit.anchors import AnchorSigner, sign_heads
from kiosk.authority.crypto.keys import NEEDED, KeyRing
from kiosk.authority.metrics import estate_numbers
from kiosk.authority.records import (
    AuditQuery,
    OutboxMessage,
    Scalar,
    Sought,
    Station,
    Visit,
    new_id,
)
from kiosk.authority.store.database import Store
from tests.authority.store import samples
from tests.support.database import TestDatabase

HOUR = timedelta(hours=1)
DONE = (Sought("unblock-done"), Sought("unblock-settled", "found", "done"))
REFUSED = (Sought("refused"), Sought("refused-at-station"))


class Teller:
    """Writes audit events at moments of the test's choice."""

    def __init__(self, database: TestDatabase) -> None:
        self.store = database.store()
        self._clock = database.clock

    def tell(self, kind: str, at: datetime = samples.NOW, **fields: Any) -> None:
        before, self._clock.time = self._clock.time, at
        with self.store.begin() as uow:
            uow.audit.append(kind=kind, reference=fields.pop("reference", "ABCD-EFGH"), **fields)
            uow.commit()
        self._clock.time = before


@pytest.fixture
def teller(database: TestDatabase) -> Teller:
    return Teller(database)


def around(minutes: float) -> datetime:
    return samples.NOW + timedelta(minutes=minutes)


def test_events_are_counted_by_the_quarter_they_fall_into(teller: Teller) -> None:
    quarter = samples.NOW.replace(minute=30, second=0, microsecond=0)
    for at in (quarter, quarter + timedelta(minutes=14, seconds=59.9), quarter + HOUR / 4):
        teller.tell("unblock-done", at)
    teller.tell("registered", quarter)
    with teller.store.read() as uow:
        counted = uow.statistics.by_quarter(DONE, (quarter - HOUR, quarter + HOUR))
    assert counted == {quarter: 2, quarter + HOUR / 4: 1}


def test_a_span_takes_its_beginning_and_leaves_its_end(teller: Teller) -> None:
    begin, end = around(0), around(10)
    for at in (begin - timedelta(microseconds=1), begin, end - timedelta(microseconds=1), end):
        teller.tell("registered", at)
    with teller.store.read() as uow:
        assert uow.statistics.by_quarter((Sought("registered"),), (begin, end)).total() == 2


def test_only_the_details_that_are_sought_count(teller: Teller) -> None:
    for found in ("done", "not-done", "undetermined"):
        teller.tell("unblock-settled", detail={"journal": "done", "found": found}, station="A")
    teller.tell("unblock-done", station="A")
    teller.tell("unblock-done")
    with teller.store.read() as uow:
        assert uow.statistics.by("station", DONE, (around(-1), around(1))) == {"A": 2}


def test_counting_by_person_and_by_detail(teller: Teller) -> None:
    one, two = new_id(), new_id()
    reasons: list[tuple[str | None, Scalar]] = [(one, "leaver"), (one, "fault"), (two, "leaver")]
    for holder, reason in [*reasons, (None, "unknown-card")]:
        teller.tell("refused", holder_id=holder, detail={"reason": reason})
    teller.tell("refused-at-station", detail={"reason": "fault"})
    with teller.store.read() as uow:
        assert uow.statistics.by("holder_id", REFUSED, (around(-1), around(1))) == {one: 2, two: 1}
        by_reason = uow.statistics.by_detail("reason", REFUSED, (around(-1), around(1)))
    assert by_reason == {"leaver": 2, "fault": 2, "unknown-card": 1}


def test_a_redacted_detail_counts_under_no_value(teller: Teller) -> None:
    for reason in ("leaver", "fault"):
        teller.tell("refused", detail={"reason": reason})
    with teller.store.begin() as uow:
        assert uow.audit.redact_detail(uow.trail.newest(AuditQuery(), limit=1)[0].seq)
        uow.commit()
    with teller.store.read() as uow:
        by_reason = uow.statistics.by_detail("reason", REFUSED, (around(-1), around(1)))
    assert by_reason == {"leaver": 1, "": 1}


def test_a_redacted_event_counts_where_no_detail_is_sought(teller: Teller) -> None:
    teller.tell("unblock-done", station="A", detail={"reason": "x"})
    with teller.store.begin() as uow:
        assert uow.audit.redact_detail(uow.trail.newest(AuditQuery(), limit=1)[0].seq)
        uow.commit()
    with teller.store.read() as uow:
        assert uow.statistics.by("station", DONE, (around(-1), around(1))) == {"A": 1}


def test_where_the_newest_happened(teller: Teller) -> None:
    for number in range(3):
        teller.tell(
            "refused", reference=f"REF{number}", station=f"S{number}", detail={"reason": "x"}
        )
    with teller.store.read() as uow:
        sought = (Sought("refused", "reason", "x"),)
        query = AuditQuery(sought=sought, since=around(-1), until=around(1))
        found = uow.trail.newest(query, limit=2)
    assert [(each.station, each.reference) for each in found] == [("S2", "REF2"), ("S1", "REF1")]


def test_the_time_from_card_in_is_the_visits(teller: Teller) -> None:
    person = samples.stored_person(teller.store)
    opened = person.visit.opened_at
    teller.tell("unblock-done", opened + timedelta(seconds=92.5), visit_id=person.visit.id)
    teller.tell("unblock-done", opened + timedelta(seconds=10), visit_id=new_id())
    with teller.store.read() as uow:
        assert uow.statistics.seconds_since_card_in(DONE, (around(-1), around(5))) == (92.5,)


def test_visits_by_quarter(teller: Teller) -> None:
    quarter = samples.NOW.replace(minute=30, second=0, microsecond=0)
    with teller.store.begin() as uow:
        for minutes in (0, 14, 15, 500):
            uow.visits.add(a_visit("A", quarter + timedelta(minutes=minutes)))
        uow.commit()
    with teller.store.read() as uow:
        counted = uow.statistics.visits_by_quarter((quarter, quarter + HOUR))
    assert counted == {quarter: 2, quarter + HOUR / 4: 1}


def a_visit(station: str, opened_at: datetime) -> Visit:
    id_ = new_id()
    return Visit(id_, id_[:9], station, opened_at)


def test_a_visit_that_was_not_closed_is_open_for_half_an_hour(teller: Teller) -> None:
    for minutes in (-31, -29, -1):
        visit = a_visit("A", around(minutes))
        with teller.store.begin() as uow:
            uow.visits.add(visit)
            uow.commit()
        teller.tell("visit-opened", visit.opened_at, visit_id=visit.id)
    teller.tell("refused", visit_id=visit.id)
    with teller.store.read() as uow:
        assert uow.monitored.open_visits("visit-opened") == 2


def test_who_waits_for_a_code(store: Store) -> None:
    now = samples.NOW
    live: dict[str, object] = {"sent_at": now, "expires_at": now + HOUR}
    kinds: list[dict[str, object]] = [
        live,
        live | {"tries": 5},
        live | {"expires_at": now},
        live | {"consumed_at": now},
        live | {"revoked_at": now},
        live | {"issued_by": "staff"},
        {},
    ]
    for number, changes in enumerate(kinds):
        person = samples.stored_person(store, f"10000000000{number}")
        with store.begin() as uow:
            draft = samples.code(person, **(changes | {"sent_at": None, "expires_at": None}))
            uow.codes.draft(draft)
            if "expires_at" in changes:
                uow.codes.activate(draft.id, now, changes["expires_at"])  # type: ignore[arg-type]
            uow.commit()
    with store.read() as uow:
        assert uow.statistics.waiting_for_code() == 1


def test_person_with_two_codes_is_counted_once(store: Store) -> None:
    person = samples.stored_person(store)
    other = samples.card(person.holder.id)
    with store.begin() as uow:
        uow.cards.put([other])
        for card_id in (person.card.id, other.id):
            draft = samples.code(person, card_id=card_id)
            uow.codes.draft(draft)
            uow.codes.activate(draft.id, samples.NOW, samples.NOW + HOUR)
        uow.commit()
    with store.read() as uow:
        assert uow.statistics.waiting_for_code() == 1


def test_the_oldest_notice_that_waits(store: Store) -> None:
    def message(minutes: float, **changes: Any) -> OutboxMessage:
        at = around(minutes)
        made = OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, at, at)
        return replace(made, **changes)

    with store.begin() as uow:
        assert uow.outbox.waits_since() is None
        uow.outbox.add(message(-30, sent_at=samples.NOW))
        uow.outbox.add(message(-20, failed_at=samples.NOW))
        for minutes in (-5, -10, -1):
            uow.outbox.add(message(minutes))
        assert uow.outbox.waits_since() == around(-10)


def test_stations_retire_once_and_come_back_once(store: Store) -> None:
    with store.begin() as uow:
        uow.stations.seen(Station("A", samples.NOW))
        assert not uow.stations.reinstate("A")
        assert uow.stations.retire("A", samples.NOW)
        assert not uow.stations.retire("A", around(1))
        uow.stations.seen(Station("A", around(2)))
        found = uow.stations.get("A")
        assert found is not None
        assert (found.retired_at, found.last_seen_at) == (samples.NOW, around(2))
        assert uow.stations.reinstate("A")
        assert not uow.stations.retire("B", samples.NOW)


def test_the_last_visit_of_each_station(store: Store) -> None:
    with store.begin() as uow:
        for name in ("A", "B"):
            uow.stations.seen(Station(name, samples.NOW))
        for minutes in (-9, -3, -6):
            uow.visits.add(a_visit("A", around(minutes)))
        uow.visits.add(a_visit("gone", around(0)))
        assert uow.stations.last_visits() == {"A": around(-3)}


def test_the_numbers_of_the_estate_are_read_on_either_database(teller: Teller) -> None:
    """Before: PostgreSQL refused a number of a row for its size, and nothing was told of it."""
    signer = AnchorSigner(
        KeyRing.from_entries(tuple((p.value, p.value, b"t" * 32) for p in NEEDED))
    )
    for _ in range(3):
        teller.tell("registered")
    sign_heads(teller.store, signer)
    teller.tell("registered")
    with teller.store.read() as uow:
        numbers = {each.name: each.samples[0].value for each in estate_numbers(uow)}
    assert (numbers["kiosk_audit_rows"], numbers["kiosk_audit_unsigned_rows"]) == (4, 1)
