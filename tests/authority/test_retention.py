"""What is past is forgotten, and what is not stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.authority import retention
from kiosk.authority.audit import sentences
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.errors import StoreError
from kiosk.authority.records import (
    AuditQuery,
    Card,
    KeptKind,
    KeptSecret,
    OutboxMessage,
    PendingChange,
    Scalar,
    SealedSecret,
    UnblockEntry,
    UnblockState,
    Visit,
    new_id,
)
from kiosk.authority.retention import count_records, purge_records
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.past import PastKind, PastRows
from kiosk.authority.store.tables import OutboxRow
from kiosk.config.settings import DEFAULTS
from kiosk.contract.messages import Purpose
from tests.authority.store import samples
from tests.support.database import MACS, SetClock, TestDatabase
from tests.support.stored import stored

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def notice(name: str) -> OutboxMessage:
    return OutboxMessage(name, f"{name}@b.example", "unlocked", {}, START, START)


def test_old_notices_go_and_waiting_ones_stay(tmp_path: Path) -> None:
    clock = SetClock(START)
    store = Store(f"sqlite:///{tmp_path / 'kiosk.db'}", clock, MACS)
    store.migrate()
    with store.begin() as uow:
        uow.outbox.add(notice("sent"))
        uow.outbox.add(notice("waiting"))
        uow.outbox.mark_sent("sent")
        uow.commit()
    clock.forward(days=DEFAULTS.retention.outbox_days + 1)
    purge_records(store)
    with store.read() as uow:
        assert stored(uow, OutboxRow, OutboxMessage, id="sent") is None
        assert stored(uow, OutboxRow, OutboxMessage, id="waiting") is not None
    store.close()


def test_kind_goes_when_its_own_time_is_over(database: TestDatabase, store: Store) -> None:
    person, began = samples.stored_person(store), database.clock.now()
    holder, card, visit = person.holder.id, person.card.id, person.visit.id
    with store.begin() as uow:
        code = samples.code(person, drafted_at=uow.now)
        uow.codes.draft(code)
        uow.codes.activate(code.id, uow.now, uow.now + timedelta(minutes=15))
        assert uow.codes.entries(code.id).charge("attempt")
        uow.pending.put(PendingChange(new_id(), holder, card, Purpose.REGISTER, uow.now))
        uow.outbox.add(notice("sent"))
        uow.outbox.mark_sent("sent")
        assert uow.stop_numbers.draw(holder, visit)
        uow.commit()
    kept = DEFAULTS.retention
    for days, past in (
        (kept.codes_days, {PastKind.CODES, PastKind.ATTEMPTS, PastKind.PENDING}),
        (kept.outbox_days, {PastKind.OUTBOX}),
        (180, {PastKind.STOP_NUMBERS}),
    ):
        database.clock.time = began + timedelta(days=days)
        assert +purge_records(store) == {}
        database.clock.forward(seconds=1)
        assert set(+purge_records(store)) == past


# --- visits and the journal ------------------------------------------------------------


@pytest.fixture
def database(either_database: TestDatabase) -> TestDatabase:
    return either_database


def station_visit(store: Store, card: Card, at: datetime, state: UnblockState | None = None) -> str:
    """Store a visit, with an entry of the journal; return its id."""
    visit = Visit(new_id(), new_id(), "S1", at, card_id=card.id, holder_id=card.holder_id)
    entry = UnblockEntry(new_id(), visit.id, card.id, at, was_blocked=True)
    with store.begin() as uow:
        uow.visits.add(visit)
        if state is not None:
            uow.journal.open(entry)
            if state is not UnblockState.INTENT:
                uow.journal.close(entry.id, state, "", at)
        uow.commit()
    return visit.id


def left(store: Store, *visits: str) -> list[bool]:
    with store.read() as uow:
        return [uow.visits.get(visit) is not None for visit in visits]


def purges(store: Store) -> list[dict[str, Scalar]]:
    with store.read() as uow:
        return [
            event.detail
            for event in uow.trail.newest(AuditQuery())
            if event.kind == ServiceKind.RECORDS_PURGED
        ]


def test_old_visits_and_closed_entries_go_and_the_audit_says_how_many(
    database: TestDatabase, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    card, now = samples.stored_person(store).card, database.clock.now()
    old = [
        station_visit(store, card, now - timedelta(days=370), UnblockState.DONE) for _ in range(5)
    ]
    old += [station_visit(store, card, now - timedelta(days=370)) for _ in range(2)]
    young = station_visit(store, card, now - timedelta(days=360), UnblockState.DONE)
    counted = count_records(store, DEFAULTS.retention)
    assert purge_records(store) == +counted
    assert left(store, *old, young) == [False] * 7 + [True]
    assert purges(store) == [{"visits": 7, "journal": 5}]
    purge_records(store)
    assert len(purges(store)) == 1


def test_what_went_is_read_as_one_or_as_many() -> None:
    """Before: "1 attempts, 1 journal"."""
    assert sentences.records_purged({"attempts": 1, "visits": 1200, "journal": 1}) == (
        "Deleted what had been kept long enough: 1 attempt, 1,200 visits, 1 entry of the journal."
    )
    assert sentences.records_purged({"pending_changes": 1, "journal": 2}).endswith(
        ": 1 pending change, 2 entries of the journal."
    )


def test_what_an_open_entry_or_a_pending_secret_needs_stays(
    database: TestDatabase, store: Store
) -> None:
    long_ago = database.clock.now() - timedelta(days=900)
    one, other, third = (samples.stored_person(store, number).card for number in ("1", "2", "3"))
    gone = station_visit(store, third, long_ago, UnblockState.DONE)
    kept = [
        station_visit(store, one, long_ago, UnblockState.INTENT),
        station_visit(store, other, long_ago, UnblockState.DONE),
    ]
    secret = SealedSecret(b"sealed", "seal-1", 2)
    with store.begin() as uow:
        uow.kept_secrets.add(KeptSecret(new_id(), other.id, KeptKind.PENDING, secret, long_ago))
        uow.kept_secrets.add(KeptSecret(new_id(), third.id, KeptKind.FORMER, secret, long_ago))
        uow.commit()
    purge_records(store)
    assert left(store, gone, *kept) == [False, True, True]
    with store.read() as uow:
        assert uow.journal.open_for(one.id) is not None
        assert len(uow.journal.of_visit(kept[1])) == 1
    assert purges(store) == [{"visits": 1, "journal": 1}]


def test_retention_deletes_a_batch_and_leaves_the_rest_to_the_next_run(
    database: TestDatabase, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    card, now = samples.stored_person(store).card, database.clock.now()
    for _ in range(3):
        station_visit(store, card, now - timedelta(days=370))
    assert purge_records(store, most_batches=2)[PastKind.VISITS] == 2
    assert purge_records(store, most_batches=2)[PastKind.VISITS] == 1


@pytest.mark.parametrize("ended", [StoreError("away", "08006"), KeyboardInterrupt()])
def test_a_purge_that_is_cut_off_says_what_it_did(
    database: TestDatabase,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    ended: BaseException,
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    card, now = samples.stored_person(store).card, database.clock.now()
    for _ in range(3):
        station_visit(store, card, now - timedelta(days=370))
    real, calls = PastRows.delete, 0

    def fail_third(self: PastRows, kind: PastKind, before: datetime, most: int) -> int:
        nonlocal calls
        calls += kind is PastKind.VISITS
        if calls == 3:
            raise ended
        return real(self, kind, before, most)

    monkeypatch.setattr(PastRows, "delete", fail_third)
    with pytest.raises(type(ended)):
        purge_records(store)
    assert [said["visits"] for said in purges(store)] == [2]
