"""Altered rows: swept, told of, taken as they are; and MACs that are made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.authority.administration import keys as key_rotation
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.keys import list_keys, rotate_rows
from kiosk.authority.administration.verification import accept, check_rows, sweep
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
from kiosk.authority.errors import NotFound, NotTaken, RowAltered, StoreError
from kiosk.authority.records import AuditQuery, Card, Cardholder, Station
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.mac_rows import TABLES
from kiosk.authority.store.tables import TableRow
from kiosk.config.settings import NoticeSettings
from kiosk.contract.findings import Condition
from tests.support.database import SetClock, sqlite_url

MANY = 25


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    KeyRing.create(path)
    return path


def open_store(folder: Path, clock: SetClock) -> Store:
    def load() -> KeyRing:
        return KeyRing.load(folder / "keys.json")

    url = sqlite_url(folder / "kiosk.db")
    return Store(url, clock, KeyedRowMacs(load), audit_macs=AuditMacs(load))


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(tmp_path: Path, keys: Path, clock: SetClock) -> Iterator[Store]:
    store = open_store(tmp_path, clock)
    store.migrate()
    holders = [Cardholder(f"h{each:02}", f"{each:012}", "Asha") for each in range(MANY)]
    cards = [Card(f"c{each:02}", f"h{each:02}", "piv", f"{each:032x}") for each in range(MANY)]
    with store.begin() as uow:
        uow.holders.put(holders)
        uow.cards.put(cards)
        uow.stations.seen(Station("Ward 7", uow.now, "0.1.0", "ready"))
        uow.commit()
    yield store
    store.close()


def write(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "kiosk.db")) as connection, connection:
        connection.execute(statement)


def alter(folder: Path) -> None:
    write(folder, "UPDATE card SET holder_id = 'h01' WHERE id = 'c07'")
    write(folder, "UPDATE cardholder SET address_id = 'another' WHERE id = 'h03'")


ALTERED = [("card", "c07"), ("cardholder", "h03")]


def test_every_table_with_a_mac_is_swept(store: Store) -> None:
    with_macs = {name for name, table in TableRow.metadata.tables.items() if "mac" in table.c}
    assert with_macs - {"audit_event"} == set(TABLES)


def test_doctor_names_what_was_altered(store: Store, tmp_path: Path) -> None:
    finding = check_rows(store)
    assert (finding.condition, finding.found) == (Condition.OK, "51 fit their MACs")
    alter(tmp_path)
    finding = check_rows(store)
    assert finding.condition is Condition.FAIL
    assert finding.found.endswith(": card c07, cardholder h03")
    assert sweep(store).altered == ALTERED


def test_a_text_that_is_no_utf_8_is_an_altered_row(store: Store, tmp_path: Path) -> None:
    """The driver raises its own error for it, and no row after it was checked."""
    write(tmp_path, "UPDATE card SET driver = CAST(x'ff41' AS TEXT) WHERE id = 'c07'")
    write(tmp_path, "UPDATE cardholder SET name = CAST(x'41ff' AS TEXT) WHERE id = 'h03'")
    finding = check_rows(store)
    assert finding.condition is Condition.FAIL
    assert finding.found.endswith(": card c07, cardholder h03")


def test_a_key_that_is_no_utf_8_hides_no_other_table(store: Store, tmp_path: Path) -> None:
    alter(tmp_path)
    write(tmp_path, "UPDATE card SET id = CAST(x'6331ff' AS TEXT) WHERE id = 'c11'")
    assert sweep(store).altered == [
        ("card", "c07"),
        ("card", "(a key that cannot be read)"),
        ("cardholder", "h03"),
    ]


def test_the_caretaker_names_a_row_of_the_audit_that_is_no_utf_8(
    store: Store, tmp_path: Path
) -> None:
    caretaker = Caretaker(
        store, AnchorSigner(KeyRing.load(tmp_path / "keys.json")), NoticeSettings(), "ra@nhs.uk"
    )
    for _ in range(2):
        store.record_event("step", detail={})
    write(tmp_path, "DROP TRIGGER audit_event_no_update")
    write(tmp_path, "UPDATE audit_event SET kind = CAST(x'ff41' AS TEXT) WHERE seq = 2")
    assert caretaker.run()
    with store.read() as uow:
        names = {alarm.name for alarm in uow.alarms.standing()}
    assert "audit-broken:2" in names


def test_doctor_tells_a_missing_key_from_an_altered_row(
    store: Store, tmp_path: Path, keys: Path
) -> None:
    """With an older copy of the key file it said that all had been altered."""
    older = keys.read_bytes()
    rotate_rows(keys, store, "root")
    lost = store.macs.current_key_id
    keys.write_bytes(older)
    store.macs.reload()
    finding = check_rows(store)
    assert finding.condition is Condition.FAIL
    missing = f"have a MAC of a key that the key file lacks ('{lost}')"
    assert finding.found.startswith(f"51 {missing}: card c00, ")
    assert "altered" not in finding.found
    assert finding.advice == (
        "restore the newest copy of the key file; only if no copy ever had that key were they "
        "altered"
    )
    accept(store, "card", "c01", "root", "compared with the paper form")
    write(tmp_path, "UPDATE card SET holder_id = 'h02' WHERE id = 'c01'")
    finding = check_rows(store)
    assert "1 was altered outside of the service: card c01" in finding.found
    assert f"50 {missing}: card c00, card c02, " in finding.found


def test_an_altered_row_can_be_taken_as_it_is(store: Store, tmp_path: Path) -> None:
    alter(tmp_path)
    for table, row in ALTERED:
        accept(store, table, row, "root", "compared with the paper form")
    assert sweep(store).altered == []
    with store.read() as uow:
        card, (event, *_) = uow.cards.get("c07"), uow.trail.newest(AuditQuery(), limit=1)
    assert card is not None
    assert card.holder_id == "h01"
    assert (event.kind, event.detail["row"]) == ("row-accepted", "h03")


def test_what_is_not_there_or_has_no_reason_is_not_taken(store: Store) -> None:
    with pytest.raises(NotFound):
        accept(store, "card", "c99", "root", "compared with the paper form")
    with pytest.raises(NotFound):
        accept(store, "outbox_message", "m", "root", "compared with the paper form")
    with pytest.raises(NotTaken):
        accept(store, "card", "c07", "root", "48271593")


def test_the_caretaker_tells_staff_within_a_day(
    store: Store, tmp_path: Path, clock: SetClock
) -> None:
    caretaker = Caretaker(
        store, AnchorSigner(KeyRing.load(tmp_path / "keys.json")), NoticeSettings(), "ra@nhs.uk"
    )
    alter(tmp_path)
    for _ in range(40):
        assert caretaker.run()
        clock.forward(minutes=1)
    with store.read() as uow:
        names = {alarm.name for alarm in uow.alarms.standing()}
        told = [
            event
            for event in uow.trail.newest(AuditQuery(), limit=99)
            if event.kind == "row-altered"
        ]
    assert {name for name in names if name.startswith("row-")} == {
        "row-altered:card c07",
        "row-altered:cardholder h03",
    }
    assert len(told) == 2


def test_an_altered_station_does_not_silence_the_caretaker(
    store: Store, tmp_path: Path, clock: SetClock
) -> None:
    write(tmp_path, "UPDATE station SET site = 'elsewhere'")
    caretaker = Caretaker(
        store, AnchorSigner(KeyRing.load(tmp_path / "keys.json")), NoticeSettings(), "ra@nhs.uk"
    )
    for _ in range(40):
        assert caretaker.run()
        clock.forward(minutes=1)
    with store.read() as uow:
        names = {alarm.name for alarm in uow.alarms.standing()}
    assert {"row-altered:station Ward 7", "station-silent:Ward 7"} <= names


def test_a_station_that_cannot_be_read_does_not_silence_the_caretaker(
    store: Store, tmp_path: Path, clock: SetClock
) -> None:
    write(tmp_path, "UPDATE station SET last_seen_at = 'soon'")
    caretaker = Caretaker(
        store, AnchorSigner(KeyRing.load(tmp_path / "keys.json")), NoticeSettings(), "ra@nhs.uk"
    )
    for _ in range(40):
        with pytest.raises(StoreError, match="cannot be read"):
            caretaker.run()
        clock.forward(minutes=1)
    with store.read() as uow:
        names = {alarm.name for alarm in uow.alarms.standing()}
        anchors = uow.audit.anchors()
    assert "row-altered:station Ward 7" in names
    assert anchors


def test_a_rotation_makes_every_mac_anew(store: Store, keys: Path, clock: SetClock) -> None:
    before = store.macs.current_key_id
    done = rotate_rows(keys, store, "root")
    assert (done.restamped, done.altered) == (51, ())
    assert done.added == store.macs.current_key_id != before
    counts = {key.id: key.secrets for key in list_keys(KeyRing.load(keys), store)}
    assert (counts[before], counts[done.current]) == (0, 51)
    assert check_rows(store).condition is Condition.OK
    other = open_store(keys.parent, clock)
    with other.read() as uow:
        assert uow.cards.get("c07") is not None
    other.close()


def test_an_interrupted_rotation_is_finished_without_another_key(
    store: Store, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "ROWS_A_PIECE", 10)

    def interrupt(done: int, total: int) -> None:
        assert total == 51
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_rows(keys, store, "root", interrupt)
    assert "31 of 51" in check_rows(store).found
    done = rotate_rows(keys, store, "root")
    assert (done.added, done.restamped) == (None, 31)
    with store.read() as uow:
        events = uow.trail.newest(AuditQuery(kind=ServiceKind.ROWS_RESTAMPED.value))
    assert [event.detail["rows"] for event in events] == [31, 20]
    assert len(KeyRing.load(keys).ids(KeyPurpose.ROW_MAC)) == 2


def test_a_rotation_does_not_launder_an_altered_row(
    store: Store, keys: Path, tmp_path: Path
) -> None:
    alter(tmp_path)
    done = rotate_rows(keys, store, "root")
    assert (done.restamped, list(done.altered)) == (49, ALTERED)
    again = rotate_rows(keys, store, "root")
    assert again.added is not None
    assert list(again.altered) == ALTERED
    with store.read() as uow, pytest.raises(RowAltered):
        uow.cards.get("c07")


def test_a_row_that_cannot_be_read_does_not_end_a_rotation(
    store: Store, keys: Path, tmp_path: Path
) -> None:
    write(tmp_path, "UPDATE card SET expires_at = 'soon' WHERE id = 'c07'")
    write(tmp_path, "UPDATE cardholder SET name = CAST(x'41ff' AS TEXT) WHERE id = 'h03'")
    done = rotate_rows(keys, store, "root")
    assert (done.restamped, list(done.altered)) == (49, ALTERED)
