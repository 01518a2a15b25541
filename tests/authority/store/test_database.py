from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import AuditQuery
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError
from tests.authority.store import samples
from tests.support.database import MACS, SetClock, TestDatabase


def test_leaving_without_commit_rolls_back(store: Store) -> None:
    someone = samples.holder()
    with store.begin() as uow:
        uow.holders.put([someone])
        uow.audit.append(kind="import", reference="R1")
    with store.read() as uow:
        assert uow.holders.get(someone.id) is None
        assert uow.trail.newest(AuditQuery()) == ()


def test_an_exception_rolls_back_and_goes_on(store: Store) -> None:
    someone = samples.holder()

    def fail() -> None:
        with store.begin() as uow:
            uow.holders.put([someone])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with store.read() as uow:
        assert uow.holders.get(someone.id) is None


def test_commit_keeps_rows_and_audit_together(store: Store) -> None:
    someone = samples.holder()
    with store.begin() as uow:
        uow.holders.put([someone])
        uow.audit.append(kind="import", reference="R1")
        uow.commit()
    with store.read() as uow:
        assert uow.holders.get(someone.id) == someone
        assert [event.kind for event in uow.trail.newest(AuditQuery())] == ["import"]


def test_nothing_runs_after_the_commit(store: Store) -> None:
    with store.begin() as uow:
        uow.commit()
        with pytest.raises(StoreError):
            uow.holders.get("x")
        with pytest.raises(StoreError):
            uow.commit()


def test_nothing_is_committed_after_a_caught_error(store: Store) -> None:
    someone = samples.holder()
    with store.begin() as uow:
        uow.holders.put([someone])
        with pytest.raises(StoreError) as refused:
            uow.cards.put([samples.card("no such holder")])
        with pytest.raises(StoreError):
            uow.commit()
    assert refused.value.code in {"SQLITE_CONSTRAINT_FOREIGNKEY", "23503"}
    with store.read() as uow:
        assert uow.holders.get(someone.id) is None


def test_a_reading_one_cannot_write(store: Store) -> None:
    with store.read() as uow, pytest.raises(StoreError) as refused:
        uow.holders.put([samples.holder()])
    assert refused.value.code in {"SQLITE_READONLY", "25006"}
    with store.read() as uow, pytest.raises(StoreError):
        uow.commit()
    # The same connections write again afterwards.
    samples.stored_person(store)


def test_reading_sees_one_moment(store: Store) -> None:
    person = samples.stored_person(store)
    with store.read() as reading:
        before = reading.audit.heads()
        with store.begin() as uow:
            uow.audit.append(kind="visit-opened", reference="R1")
            uow.visits.save(person.visit)
            uow.commit()
        assert reading.audit.heads() == before
    with store.read() as reading:
        assert reading.audit.heads()[0].seq == before[0].seq + 1


def test_a_unit_of_work_has_one_time(database: TestDatabase, store: Store) -> None:
    with store.begin() as uow:
        database.clock.forward(seconds=5)
        assert uow.now == samples.NOW


def test_records_are_frozen_and_whole(store: Store) -> None:
    person = samples.registered_person(store)
    with store.read() as uow:
        known = uow.cards.find(person.card_id)
        registered = uow.registrations.of_holder(person.holder.id)
    assert known is not None
    assert (known.card, known.holder) == (person.card, person.holder)
    assert registered is not None
    expected = samples.registration(person.holder.id)
    assert registered == replace(expected, address_id=registered.address_id)
    with pytest.raises(FrozenInstanceError):
        known.card.secret_exposure = 9  # type: ignore[misc]


def test_a_database_that_is_not_there_gives_no_answer(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    missing = tmp_path_factory.mktemp("none") / "kiosk.db"
    store = Store(f"sqlite:///{missing}", SetClock(), MACS)
    with pytest.raises(StoreError) as refused:
        store.schema_serves()
    assert refused.value.code == "SQLITE_CANTOPEN"
    assert not missing.exists()
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "mysql://h/d", "not a url", "sqlite:///:memory:"])
def test_an_address_that_we_do_not_speak(url: str) -> None:
    with pytest.raises(ConfigError):
        Store(url, SetClock(), MACS)


def test_no_password_in_a_repr() -> None:
    store = Store("postgresql://kiosk:canary-7731@localhost/kiosk", SetClock(), MACS)
    assert "canary-7731" not in repr(store)
    store.close()


def test_a_lost_record_hides_no_error_of_the_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_named: object) -> None:
        raise StoreError("the disk is full", "SQLITE_FULL")

    monkeypatch.setattr(store, "record_event", fail)
    with (
        pytest.raises(LookupError),
        store.record_at_end("records-purged", detail=lambda: {"visits": 1}),
    ):
        raise LookupError
    with (
        pytest.raises(StoreError, match="full"),
        store.record_at_end("records-purged", detail=lambda: {"visits": 1}),
    ):
        pass
