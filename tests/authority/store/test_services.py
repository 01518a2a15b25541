from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import OutboxMessage, Station, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.past import PastKind
from kiosk.authority.store.tables import OutboxRow
from kiosk.contract.sensitive import Sensitive
from tests.authority.store import samples
from tests.support.database import TestDatabase
from tests.support.stored import stored

LEASE = timedelta(minutes=2)


def message(**changes: object) -> OutboxMessage:
    fields: dict[str, object] = {
        "id": new_id(),
        "to": "asha@trust.nhs.uk",
        "template": "unlocked",
        "params": {"name": "Asha", "count": 2, "again": False, "station": None},
        "created_at": samples.NOW,
        "next_at": samples.NOW,
    }
    return OutboxMessage(**(fields | changes))  # type: ignore[arg-type]


def queue(store: Store, *messages: OutboxMessage) -> None:
    with store.begin() as uow:
        for one in messages:
            uow.outbox.add(one)
        uow.commit()


def claim(store: Store, limit: int = 10) -> tuple[OutboxMessage, ...]:
    with store.begin() as uow:
        claimed = uow.outbox.claim_due(limit, LEASE)
        uow.commit()
    return claimed


@pytest.mark.parametrize(("minutes", "counted"), [(-61, 0), (-59, 1), (0, 1), (60 * 24 * 365, 0)])
def test_what_is_counted_of_an_hour(store: Store, minutes: int, counted: int) -> None:
    """Before: what a clock that was ahead had queued counted until it had caught up."""
    at = samples.NOW + timedelta(minutes=minutes)
    queue(store, message(created_at=at, next_at=at))
    with store.read() as uow:
        found = uow.outbox.count("asha@trust.nhs.uk", ("unlocked",), timedelta(hours=1))
    assert found == counted


def test_due_messages_are_claimed_oldest_first_and_hidden(store: Store) -> None:
    second = message(created_at=samples.NOW - timedelta(minutes=1))
    first = message(created_at=samples.NOW - timedelta(minutes=2))
    later = message(next_at=samples.NOW + timedelta(seconds=1))
    queue(store, second, first, later)
    hidden = {"attempts": 1, "next_at": samples.NOW + LEASE}
    assert claim(store) == (replace(first, **hidden), replace(second, **hidden))  # type: ignore[arg-type]
    assert claim(store) == ()


def test_a_lease_that_ran_out_is_claimed_again(database: TestDatabase, store: Store) -> None:
    one = message()
    queue(store, one)
    claim(store)
    database.clock.forward(minutes=2)
    assert [(again.id, again.attempts) for again in claim(store)] == [(one.id, 2)]


def test_sent_retried_and_given_up(database: TestDatabase, store: Store) -> None:
    sent, retried, given_up = message(), message(), message()
    queue(store, sent, retried, given_up)
    claim(store)
    with store.begin() as uow:
        uow.outbox.mark_sent(sent.id)
        uow.outbox.mark_failed(retried.id, samples.NOW + timedelta(seconds=30))
        uow.outbox.mark_failed(given_up.id, None)
        uow.outbox.mark_failed(sent.id, None)
        assert uow.outbox.waiting() == 1
        uow.commit()
    later = database.clock.forward(minutes=10)
    assert [one.id for one in claim(store)] == [retried.id]
    with store.begin() as uow:
        found = stored(uow, OutboxRow, OutboxMessage, id=sent.id)
        assert found is not None
        assert (found.sent_at, found.failed_at) == (samples.NOW, None)
        assert uow.past.delete(PastKind.OUTBOX, later, 10) == 2
        assert uow.outbox.waiting() == 1
        uow.commit()


def test_workers_never_claim_the_same_message(database: TestDatabase) -> None:
    store = database.store(busy_timeout_s=30)
    queue(store, *(message() for _ in range(40)))
    gate = threading.Barrier(8)

    def work(_: int) -> list[str]:
        gate.wait()
        mine: list[str] = []
        while claimed := claim(store, 3):
            mine += [one.id for one in claimed]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [one for mine in pool.map(work, range(8)) for one in mine]
    assert len(taken) == len(set(taken)) == 40


def test_an_object_is_no_parameter(store: Store) -> None:
    with store.begin() as uow, pytest.raises(StoreError) as refused:
        uow.outbox.add(message(params={"code": Sensitive("canary-4471")}))
    assert "canary" not in str(refused.value)


def test_stations_are_added_and_updated(store: Store) -> None:
    first = Station("station-1", samples.NOW, "0.1.0", "no reader")
    second = Station("station-2", samples.NOW)
    later = replace(first, last_seen_at=samples.NOW + timedelta(minutes=1), reader_state="ready")
    with store.begin() as uow:
        for one in (second, first, later):
            uow.stations.seen(one)
        uow.commit()
    with store.read() as uow:
        assert uow.stations.every() == (later, second)
        assert uow.stations.get("station-1") == later
        assert uow.stations.get("station-3") is None
