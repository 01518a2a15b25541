"""The caretaker verifies the audit in pieces, and forgets what is past once a day."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration import caretaker as caretaking
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.audit.anchors import sign_heads
from kiosk.authority.audit.events import AuditKind, ServiceKind, audit_message
from kiosk.authority.records import AuditQuery, OutboxMessage, new_id
from kiosk.authority.retention import DAILY
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import TableRow
from tests.authority.administration.desk.caretakers import RA, Post, keep, templates, told
from tests.authority.administration.desk.history import History
from tests.authority.store import samples
from tests.authority.store.forger import HEAD, Forger
from tests.support.database import SetClock, TestDatabase

DUE = "asha.due@nhs.net"


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store)


def test_audit_is_verified_in_pieces_and_a_broken_one_is_reported(
    means: StaffDependencies,
    history: History,
    post: Post,
    clock: SetClock,
    database: TestDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kiosk.authority.store.repositories.audit.BATCH", 2)
    monkeypatch.setattr(caretaking, "ROWS_A_RUN", 4)
    for _ in range(10):
        history.registered()
    sign_heads(means.store, means.signer)
    forger = Forger(database)
    forger.change(9, reference="other")
    forger.close()
    for reached in (4, 8):
        keep(means).run()
        assert told(post) == []
        assert place(means.store) == reached
        clock.forward(minutes=1)
    keep(means).run()
    when = clock.now().isoformat(timespec="seconds")
    finding = "row 9 was changed after it was written"
    assert told(post) == [(RA, "audit-broken", {"row": 9, "finding": finding, "when": when})]
    assert place(means.store) == 0
    clock.forward(days=1)
    for _ in range(3):
        keep(means).run()
        clock.forward(minutes=1)
    assert told(post) == []


def test_new_row_that_does_not_fit_is_reported_within_a_minute(
    means: StaffDependencies, history: History, post: Post, clock: SetClock, database: TestDatabase
) -> None:
    """All rows are verified once a day, and each minute those that are to be signed."""
    history.registered()
    keep(means).run()
    clock.forward(minutes=1)
    history.registered()
    forger = Forger(database)
    forger.change(2, reference="other")
    forger.close()
    keep(means).run()
    assert templates(post) == ["audit-broken"]


def test_a_long_audit_is_verified_within_a_day_all_the_same(
    means: StaffDependencies, history: History, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.authority.store.repositories.audit.BATCH", 1)
    monkeypatch.setattr(caretaking, "ROWS_A_RUN", 2)
    monkeypatch.setattr(caretaking, "RUNS_A_PASS", 3)
    for _ in range(9):
        history.registered()
    places = []
    for _ in range(3):
        keep(means).run()
        places.append(place(means.store))
        clock.forward(minutes=1)
    assert places == [3, 6, 0]


def test_an_audit_that_fits_again_ends_the_alarm(
    means: StaffDependencies, history: History, post: Post, clock: SetClock, database: TestDatabase
) -> None:
    was = history.registered().reference
    forger = Forger(database)
    forger.change(1, reference="other")
    keep(means).run()
    assert templates(post) == ["audit-broken"]
    forger.change(1, reference=was)
    forger.close()
    clock.forward(hours=23)
    keep(means).run()
    with means.store.read() as uow:
        assert [alarm.kind for alarm in uow.alarms.standing()] == ["audit-broken"]
    clock.forward(hours=1)
    keep(means).run()
    with means.store.read() as uow:
        assert uow.alarms.standing() == ()
    assert told(post) == []


def place(store: Store) -> int:
    with store.read() as uow:
        job = uow.jobs.get(caretaking.VERIFY)
    assert job is not None
    return int(json.loads(job.reached)[0]) if job.reached else 0


# --- what is past ----------------------------------------------------------------------


def test_what_is_past_is_forgotten_once_a_day_and_a_head_that_moved_is_signed(
    means: StaffDependencies, history: History, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    person = samples.stored_person(means.store)
    draft = samples.code(person)
    with means.store.begin() as uow:
        uow.codes.draft(draft)
        uow.commit()
    history.registered()
    keep(means).run()
    assert anchored(means.store) == [1]
    assert "audit anchor" in caplog.text
    history.registered()
    clock.forward(hours=23)
    keep(means).run()
    assert anchored(means.store) == [1, 2]
    clock.forward(hours=26)
    keep(means).run()
    assert anchored(means.store) == [1, 2]
    with means.store.read() as uow:
        assert uow.codes.get(draft.id) is None


def past_code(means: StaffDependencies) -> Callable[[], bool]:
    """Store a code; return a function that says whether it is still there."""
    person = samples.stored_person(means.store, f"{secrets.randbelow(10**12):012}")
    draft = samples.code(person)
    with means.store.begin() as uow:
        uow.codes.draft(draft)
        uow.commit()

    def is_kept() -> bool:
        with means.store.read() as uow:
            return uow.codes.get(draft.id) is not None

    return is_kept


def test_a_clock_that_is_a_year_ahead_for_a_while_has_nothing_deleted(
    means: StaffDependencies, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Before: within a minute everything was deleted that would be due then."""
    keep(means).run()
    is_kept = past_code(means)
    for ahead in (365, 365 * 70):
        clock.forward(days=ahead)
        for _ in range(6):
            keep(means).run()
            assert is_kept()
            clock.forward(days=1)
        clock.forward(days=-ahead)
        keep(means).run()
        assert is_kept(), "it is old by now, but who knows which clock is right"
    assert "nothing that is past is deleted before 2031-05-24 09:30 UTC" in caplog.text
    for _ in range(7):
        clock.forward(days=1)
        keep(means).run()
    assert not is_kept()


def test_after_a_pause_the_deletion_of_what_is_past_begins_again(
    means: StaffDependencies, clock: SetClock
) -> None:
    keep(means).run()
    for days_between in (5, 7, 30):
        is_kept = past_code(means)
        clock.forward(days=days_between)
        keep(means).run()
        assert is_kept()
        clock.forward(days=max(7, days_between))
        keep(means).run()
        assert not is_kept(), "also where it runs no more often"
        clock.forward(days=1)
        keep(means).run()


@pytest.mark.parametrize("reached", ["soon", "2031-01-01", "2031-01-01T00:00:00+99:00"])
def test_a_time_that_cannot_be_read_holds_the_deletion_up_for_a_week(
    means: StaffDependencies, clock: SetClock, reached: str
) -> None:
    """Whoever writes the database could end with it all that is done once a day."""
    keep(means).run()
    is_kept = past_code(means)
    with means.store.begin() as uow:
        uow.jobs.reach(DAILY, reached)
        uow.commit()
    clock.forward(days=3)
    keep(means).run()
    assert is_kept()
    clock.forward(days=7)
    keep(means).run()
    assert not is_kept()


def anchored(store: Store) -> list[int]:
    with store.read() as uow:
        return [anchor.seq for anchor in uow.audit.anchors()]


def test_the_audit_has_when_an_alarm_began_and_when_it_was_over(
    means: StaffDependencies, history: History, clock: SetClock
) -> None:
    history.station("A")
    for _ in range(10):
        keep(means).run()
        clock.forward(minutes=1)
    history.station("A")
    keep(means).run()
    with means.store.read() as uow:
        kinds = {ServiceKind.ALARM_RAISED.value, ServiceKind.ALARM_OVER.value}
        rows = uow.trail.oldest(AuditQuery(kinds=frozenset(kinds)))
    assert [(row.kind, row.station, row.detail["alarm"]) for row in rows] == [
        ("alarm-raised", "A", "station-silent"),
        ("alarm-over", "A", "station-silent"),
    ]
    assert audit_message(rows[0]) == "An alarm was raised: station-silent (A)."


def test_an_audit_that_takes_no_rows_keeps_no_alarm_back(
    means: StaffDependencies, history: History, post: Post, database: TestDatabase
) -> None:
    for _ in range(3):
        history.registered()
    sign_heads(means.store, means.signer)
    forger = Forger(database)
    forger.run(sa.delete(HEAD))
    forger.close()
    keep(means, store=database.store()).run()
    assert templates(post) == ["audit-broken"]


@pytest.mark.parametrize("is_readable", [True, False])
def test_an_altered_change_of_address_holds_up_nothing_else(
    means: StaffDependencies, clock: SetClock, database: TestDatabase, is_readable: bool
) -> None:
    """Whoever writes the database could end with one row all that is done once a day."""
    people = [samples.registered_person(means.store, f"{n:012}") for n in range(3)]
    before: dict[str, str] = {}
    with means.store.begin() as uow:
        for person in people:
            registration = uow.registrations.of_holder(person.holder.id)
            assert registration is not None
            before[person.holder.id] = registration.address_id
            uow.addresses.add(samples.waiting_address(registration, DUE, uow.now))
            uow.outbox.add(OutboxMessage(new_id(), "a@nhs.net", "unlocked", {}, uow.now, uow.now))
        uow.commit()
    for message in Post(means.store).collect():
        assert message.to == "a@nhs.net"
    altered = people[0].holder.id
    forger = Forger(database)
    changes = TableRow.metadata.tables["address"]
    no_time = "infinity" if database.dialect == "postgresql" else "soon"
    new = {"value": "x@nhs.net"} if is_readable else {"confirmed_at": sa.text(f"'{no_time}'")}
    forger.run(
        sa.update(changes)
        .where(changes.c.holder_id == altered, changes.c.replaces != "")
        .values(new)
    )
    forger.close()
    clock.forward(days=40)
    keep(means).run()
    with means.store.read() as uow:
        found = [read_addresses(uow, each.holder.id).shown for each in people[1:]]
        kept = uow.registrations.of_holder(altered)
        (purged,) = uow.trail.newest(AuditQuery(kind=ServiceKind.RECORDS_PURGED.value), limit=2)
        noted = uow.trail.newest(AuditQuery(kind=AuditKind.ROW_ALTERED.value), limit=9)
        assert not uow.jobs.is_due(DAILY, caretaking.DAY)
    assert found == [DUE, DUE]
    assert kept is not None
    assert kept.address_id == before[altered]
    assert purged.detail["notices"] == 3
    assert {event.detail["table"] for event in noted} == {"address"}
