"""Rows with a MAC: what it covers, and that a row which does not fit is not read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
from kiosk.authority.errors import RowAltered, StoreError
from kiosk.authority.records import Cardholder, JointHash, Registration, SavedCode, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.gateway import covered, encoded, mac_message
from kiosk.authority.store.repositories.mac_rows import KINDS
from kiosk.authority.store.tables import RegistrationRow
from tests.support.database import TestDatabase

NOW = datetime(2030, 5, 17, 9, 30, tzinfo=UTC)
HOLDER = Cardholder("h1", "900123456789", "Asha Okafor", "a1")

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


def kind_and_value(value: object) -> Any:
    """Tell 1 from True, which Python calls equal."""
    if isinstance(value, tuple):
        return ("tuple", *map(kind_and_value, value))
    return type(value).__name__, value


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_no_two_rows_have_the_same_bytes(one: list[object], other: list[object]) -> None:
    same = b"".join(map(encoded, one)) == b"".join(map(encoded, other))
    assert same == (kind_and_value(tuple(one)) == kind_and_value(tuple(other)))


def test_a_mac_is_what_earlier_releases_made() -> None:
    ring = KeyRing({each: (Key(f"{each}-1", bytes(range(32))),) for each in KeyPurpose})
    macs = KeyedRowMacs.of(ring)

    row = "row-mac-1.ac206df01f9720e30967cf6a7f1456cab4c873bb54e304650a8e5f65ac92af7d"
    number = "code-mac-1.87782014b468821f69f9301289e2f39de817bab6b83a7cb5bd60a0c95205527f"
    link = "6eccdf173953b65becea8afa5933f3f6084f0cb754429a445a99214823d11cdc"
    assert macs.make(b"a row") == row
    assert macs.number_digests("stop-number", "123") == (number,)
    assert AuditMacs(lambda: ring).tag(7, "ab" * 32) == (link, "audit-link-1")


def test_a_moment_has_one_form_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert encoded(NOW) == encoded(NOW.astimezone(tokyo))


def test_every_column_but_counters_and_seals_is_covered() -> None:
    uncovered = {table: kind.uncovered for table, kind in KINDS.items() if kind.uncovered}
    assert uncovered == {
        "cardholder": {"revision", "sort_name"},
        "card": {
            "sealed_secret",
            "sealed_key_id",
            "sealed_revision",
            "derived_from",
            "secret_generation",
            "secret_limit",
            "secret_exposure",
            "secret_tries_left",
            "secret_seen_at",
            "key_proven_revision",
            "key_exchanges",
            "key_exchanged_at",
        },
        "address": {"bounced_at", "bounce"},
        "registration": {"failures", "unproven_failures"},
        "email_code": {"tries"},
        "station": {"last_seen_at", "version", "reader_state"},
        "station_enrolment": {"tries"},
    }
    for kind in KINDS.values():
        assert kind.uncovered <= set(kind.model_fields)


def test_a_change_of_any_covered_column_changes_the_message() -> None:
    joint = JointHash((1, 2), "digest", "pepper")
    plain = Registration("h1", "a1", (1, 2), (joint,), NOW)
    other = Registration(
        "h2",
        "a2",
        (2, 1),
        (replace(joint, digest="another"),),
        NOW + timedelta(days=1),
        1,
        NOW,
        (1,),
        proven=True,
        unproven_until=NOW,
        language="cy",
        further=("a3",),
        saved_codes=(SavedCode("c1", 1, "digest", "pepper", NOW, "v1"),),
    )

    def message(registration: Registration) -> bytes:
        named = {each.name: getattr(registration, each.name) for each in fields(registration)}
        return mac_message(RegistrationRow, named)

    for name in covered(RegistrationRow):
        if hasattr(plain, name):
            changed = replace(plain, **{name: getattr(other, name)})
            assert message(changed) != message(plain), name
    assert message(replace(plain, failures=7)) == message(plain)


def put(store: Store, *holders: Cardholder) -> None:
    with store.begin() as uow:
        uow.holders.put(holders)
        uow.commit()


def write(database: TestDatabase, statement: str) -> None:
    engine = sa.create_engine(parse_url(database.url))
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def test_what_was_written_fits_on_either_database(database: TestDatabase, store: Store) -> None:
    put(store, HOLDER)
    with store.begin() as uow:
        assert uow.holders.touch(HOLDER.id, 0)
        uow.holders.save(replace(HOLDER, address_id=None, left_at=database.clock.now()))
        uow.commit()
    put(store, replace(HOLDER, name="Asha O'Kafor"))
    with store.read() as uow:
        found = uow.holders.get(HOLDER.id)
    assert found is not None
    assert (found.name, found.left_at) == ("Asha O'Kafor", database.clock.now())


@pytest.mark.parametrize(
    "change",
    [
        "address_id = 'a2'",
        "number = '900000000002'",
        "id = 'h2'",
        "mac = 'row-mac-gone.00'",
        "mac = ''",
    ],
)
def test_an_altered_row_is_not_read_and_nothing_is_committed(
    change: str, database: TestDatabase, store: Store
) -> None:
    put(store, HOLDER)
    write(database, f"UPDATE cardholder SET {change}")
    with store.begin() as uow:
        with pytest.raises(RowAltered) as caught:
            uow.holders.by_numbers([HOLDER.number, "900000000002"])
        assert caught.value.table == "cardholder"
        with pytest.raises(Exception, match="ended or failed"):
            uow.commit()


def test_a_row_that_cannot_be_read_is_named(database: TestDatabase, store: Store) -> None:
    """PostgreSQL stores times that Python has no form for, and the server seemed to be away."""
    put(store, HOLDER, replace(HOLDER, id="h2", number="2"))
    no_time = "infinity" if database.dialect == "postgresql" else "soon"
    write(database, f"UPDATE cardholder SET left_at = '{no_time}' WHERE id = 'h1'")
    with store.read() as uow:
        piece = uow.mac_rows.check("cardholder", None, 10)
    assert (piece.rows, piece.altered) == (2, ("h1",))
    with store.read() as uow, pytest.raises(StoreError, match="cannot be read"):
        uow.holders.get("h1")


@pytest.mark.postgresql
def test_a_text_with_a_nul_is_refused_as_such(postgres_database: TestDatabase) -> None:
    store = postgres_database.store()
    with store.begin() as uow, pytest.raises(StoreError, match="a text with a NUL"):
        uow.holders.put([replace(HOLDER, name="Asha\0Okafor")])


def test_a_row_of_another_ones_mac_does_not_fit(database: TestDatabase, store: Store) -> None:
    put(store, HOLDER, replace(HOLDER, id="h2", number="2"))
    write(
        database,
        "UPDATE cardholder SET mac = (SELECT mac FROM cardholder WHERE id = 'h1') WHERE id = 'h2'",
    )
    with store.read() as uow:
        assert uow.holders.get("h1") == HOLDER
        with pytest.raises(RowAltered):
            uow.holders.get("h2")


def test_an_import_does_not_launder_an_altered_row(database: TestDatabase, store: Store) -> None:
    put(store, replace(HOLDER, left_at=database.clock.now()))
    write(database, "UPDATE cardholder SET left_at = NULL")
    with pytest.raises(RowAltered):
        put(store, HOLDER)


def test_a_count_of_failures_is_not_covered(database: TestDatabase, store: Store) -> None:
    put(store, HOLDER)
    with store.begin() as uow:
        uow.registrations.put(Registration("h1", "a1", (1,), (), NOW))
        uow.commit()
    with store.begin() as uow:
        assert uow.registrations.attempts("h1", 3).charge(new_id())
        uow.commit()
    with store.read() as uow:
        found = uow.registrations.of_holder("h1")
    assert found is not None
    assert found.failures == 1


def test_an_unreadable_row_is_named_and_its_neighbours_are_not(
    sqlite_database: TestDatabase,
) -> None:
    store = sqlite_database.store()
    put(store, *(replace(HOLDER, id=f"h{each}", number=str(each)) for each in range(1, 8)))
    with closing(sqlite3.connect(parse_url(sqlite_database.url).database or "")) as connection:
        connection.execute("UPDATE cardholder SET left_at = 'nonsense' WHERE id = 'h4'")
        connection.commit()
    with store.read() as uow:
        first = uow.mac_rows.check("cardholder", None, 4)
        assert (first.rows, first.altered, first.last) == (4, ("h4",), ("h4",))
        rest = uow.mac_rows.check("cardholder", first.last, 4)
        assert (rest.rows, rest.altered, rest.last) == (3, (), None)


def test_a_key_that_another_process_added_is_found() -> None:
    rings = [KeyRing.fresh()]
    mine, theirs = (KeyedRowMacs(lambda: rings[-1]) for _ in range(2))
    assert mine.fits(b"row", mine.make(b"row"))
    rings.append(rings[0].with_new(KeyPurpose.ROW_MAC))
    made = theirs.make(b"row")
    assert theirs.current_key_id != mine.current_key_id
    assert mine.fits(b"row", made)
    assert not mine.fits(b"other", made)
    assert not mine.fits(b"row", KeyedRowMacs.of(KeyRing.fresh()).make(b"row"))
