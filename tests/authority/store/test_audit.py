from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.audit.rows import ROWS_A_CHAIN, read_row_name, row_name
from kiosk.authority.errors import StoreError
from kiosk.authority.records import AuditAnchor, AuditHead, AuditQuery, AuditVerdict, Scalar
from kiosk.authority.store.audit_chain import canonical
from kiosk.authority.store.database import Store
from kiosk.contract.sensitive import Sensitive
from tests.authority.store import samples
from tests.authority.store.forger import ANCHOR, EVENT, Forger
from tests.support.database import PostgresServer, SetClock, TestDatabase


def append(store: Store, count: int) -> None:
    for number in range(count):
        with store.begin() as uow:
            uow.audit.append(kind="visit-opened", reference=f"R{number}", detail={"n": number})
            uow.commit()


def verify(store: Store) -> AuditVerdict:
    with store.read() as uow:
        return uow.audit.verify()


@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.text('\x00\x1f "/\\~\x7f\x80\ud83d\udce9'),
    )
)
def test_what_a_hash_covers_is_the_json_of_the_standard_library(
    fields: dict[str, str | int | None],
) -> None:
    expected = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert canonical(fields) == expected.encode("ascii")


def test_a_hash_covers_the_name_of_a_table_as_any_text() -> None:
    named = sa.Table("card", sa.MetaData()).name
    assert type(named) is not str
    assert canonical({named: named}) == b'{"card":"card"}'


def test_an_empty_chain_is_intact(store: Store) -> None:
    assert verify(store) == AuditVerdict(rows=0, anchors=0, anchored=0)
    with store.read() as uow:
        assert uow.audit.heads() == (AuditHead(0, "0" * 64),)


def test_an_event_keeps_all_that_it_was_given(database: TestDatabase, store: Store) -> None:
    detail: dict[str, Scalar] = {"reason": "leaver – “é”", "left": 2, "first": True, "why": None}
    with store.begin() as uow:
        uow.audit.append(
            kind="refused",
            reference="R7",
            visit_id="v",
            card_id="c",
            holder_id="h",
            station="station-1",
            actor="clerk",
            detail=detail,
        )
        uow.audit.append(kind="visit-ended", reference="R7")
        uow.commit()
    with store.read() as uow:
        first, second = uow.trail.oldest(AuditQuery(reference="R7"))
        assert uow.trail.newest(AuditQuery(holder_id="h")) == (first,)
        assert uow.trail.newest(AuditQuery(), limit=1) == (second,)
        assert uow.audit.heads() == (AuditHead(2, second.hash),)
    assert (first.seq, first.at, first.kind, first.detail) == (1, samples.NOW, "refused", detail)
    assert (first.visit_id, first.card_id, first.holder_id) == ("v", "c", "h")
    assert (first.station, first.actor, first.previous) == ("station-1", "clerk", "0" * 64)
    assert second.previous == first.hash
    assert verify(store).intact


def test_batch_tells_its_progress(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.authority.store.repositories.audit.BATCH", 4)
    append(store, 10)
    told: list[tuple[int, int]] = []
    with store.read() as uow:
        verdict = uow.audit.verify(progress=lambda done, total: told.append((done, total)))
    assert verdict.rows == 10
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_a_secret_object_is_no_detail(store: Store) -> None:
    with store.begin() as uow, pytest.raises(TypeError) as refused:
        uow.audit.append(kind="x", reference="R", detail={"pin": Sensitive("4711")})  # type: ignore[dict-item]
    assert "4711" not in str(refused.value)


def test_eight_writers_at_once_make_chains_that_fit(database: TestDatabase) -> None:
    store = database.store(busy_timeout_s=30)
    gate = threading.Barrier(8)

    def write(writer: int) -> None:
        gate.wait()
        for number in range(10):
            with store.begin() as uow:
                uow.audit.append(kind="step", reference=f"W{writer}", detail={"n": number})
                uow.audit.append(kind="step-done", reference=f"W{writer}", detail={"n": number})
                uow.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert verify(store) == AuditVerdict(rows=160, anchors=0, anchored=0)
    with store.read() as uow:
        mine = uow.trail.oldest(AuditQuery(reference="W3"))
        chains = len(uow.audit.heads())
    assert chains == 1 if database.dialect == "sqlite" else 1 <= chains <= 8
    told = [(event.kind, event.detail["n"]) for event in mine]
    assert sorted(told) == sorted((kind, n) for n in range(10) for kind in ("step", "step-done"))
    # Both rows of one transaction stand in one chain, next to each other.
    follows = {event.previous for event in mine if event.kind == "step-done"}
    assert follows == {event.hash for event in mine if event.kind == "step"}


@pytest.mark.postgresql
def test_a_writer_waits_for_no_other_and_a_chain_is_used_again(
    postgres_server: PostgresServer,
) -> None:
    database = TestDatabase(postgres_server.fresh(), "postgresql", SetClock())
    store = database.store(busy_timeout_s=1)
    append(store, 1)
    with store.begin() as first:
        first.audit.append(kind="x", reference="A")
        first.audit.write()  # as its commit does, which is under way
        with store.begin() as second:
            second.audit.append(kind="x", reference="B")
            second.commit()
        append(store, 1)
        first.commit()
    append(store, 1)
    with store.read() as uow:
        rows = [row_name(event.seq) for event in uow.trail.oldest(AuditQuery())]
        assert [head.seq for head in uow.audit.heads()] == [3, ROWS_A_CHAIN + 2]
    database.close()
    assert rows == ["1", "2", "3", "2-1", "2-2"]


def test_people_name_a_row_by_its_chain_and_place() -> None:
    for text, seq in {
        "1": 1,
        "4711": 4711,
        "2-1": ROWS_A_CHAIN + 1,
        "4-17": 3 * ROWS_A_CHAIN + 17,
    }.items():
        assert (read_row_name(text), row_name(seq)) == (seq, text)
    for nonsense in ("", "0", "-1", "1-", "0-1", "1-0", "a", "1.5", "1-2-3", "9" * 13, "１"):
        assert read_row_name(nonsense) is None


def test_writers_that_also_lock_rows_do_not_deadlock(database: TestDatabase) -> None:
    store = database.store(busy_timeout_s=30)
    people = [samples.registered_person(store, str(number)) for number in range(2)]
    gate = threading.Barrier(4)

    def write(writer: int) -> None:
        gate.wait()
        for number in range(10):
            with store.begin() as uow:
                uow.audit.append(kind="early", reference=f"W{writer}")
                uow.cards.lock(people[(writer + number) % 2].card.id)
                uow.audit.append(kind="late", reference=f"W{writer}")
                uow.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert verify(store).rows == 80


@pytest.mark.parametrize("table", [EVENT, ANCHOR], ids=lambda table: str(table.name))
def test_the_database_refuses_to_change_or_delete(
    database: TestDatabase, store: Store, table: sa.Table
) -> None:
    append(store, 2)
    add_anchor(store)
    forger = Forger(database, keep_triggers=True)
    attempts: list[sa.Executable] = [
        sa.update(table).values(hash="forged"),
        sa.delete(table),
    ]
    if database.dialect == "sqlite":
        attempts.append(sa.text(f"INSERT OR REPLACE INTO {table.name} SELECT * FROM {table.name}"))
    else:
        attempts.append(sa.text(f"TRUNCATE {table.name}"))
    for attempt in attempts:
        with pytest.raises(sa.exc.DBAPIError, match="append only"):
            forger.run(attempt)
    forger.close()
    assert verify(store).intact


def add_anchor(store: Store) -> None:
    with store.begin() as uow:
        (head,) = uow.audit.heads()
        uow.audit.add_anchor(AuditAnchor(head.seq, head.hash, samples.NOW, b"signature", "audit-1"))
        uow.commit()


def test_without_its_head_nothing_can_be_written(database: TestDatabase, store: Store) -> None:
    append(store, 1)
    forger = Forger(database)
    forger.run(sa.text("DELETE FROM audit_head"))
    forger.close()
    with store.begin() as uow:
        uow.audit.append(kind="x", reference="R")
        with pytest.raises(StoreError) as refused:
            uow.commit()
    assert refused.value.code == "audit"


def test_times_are_hashed_as_utc(database: TestDatabase, store: Store) -> None:
    elsewhere = timezone(timedelta(hours=9))
    database.clock.time = samples.NOW.astimezone(elsewhere)
    append(store, 1)
    assert verify(store).intact
    with store.read() as uow:
        (event,) = uow.trail.newest(AuditQuery())
    assert event.at == samples.NOW
    assert event.at.utcoffset() == timedelta(0)
