from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.authority.records import Cardholder, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.repositories.search import BATCH
from tests.authority.store.samples import (
    card,
    put_registered,
    recorded_addresses,
    registered_address,
    registration,
)
from tests.support.database import TestDatabase


def people(store: Store, *names: str, number: int = 100) -> list[Cardholder]:
    """Store so many people with an address each; nobody has made them found yet."""
    added = [Cardholder(new_id(), f"{number + n:012d}", name) for n, name in enumerate(names)]
    addresses = [
        one
        for n, holder in enumerate(added)
        for one in recorded_addresses(holder, f"{holder.name.split()[0].lower()}{n}@nhs.net")
    ]
    with store.begin() as uow:
        uow.holders.put(added, addresses)
        uow.search.refresh(holder.id for holder in added)
        uow.commit()
    return added


def found(store: Store, text: str, limit: int = 10) -> Sequence[str]:
    with store.read() as uow:
        return uow.search.find(text, limit)


def test_a_person_is_found_by_all_that_is_recorded_of_them(store: Store) -> None:
    someone = Cardholder(new_id(), "400000000017", "Asha Okafor")
    first, second = card(someone.id), card(someone.id)
    with store.begin() as uow:
        uow.holders.put([someone], recorded_addresses(someone))
        uow.cards.put([first, second])
        home = registered_address(someone.id, "home.address@mail.org")
        put_registered(uow, registration(someone.id), home)
        uow.search.refresh([someone.id])
        uow.commit()
    people(store, "Bo Nowak")
    for text in (
        "ash",
        "okafor",
        "4000000000",
        "400000000017",
        "asha@trust.nhs.uk",
        "address",
        "home.address@ma",
        first.identifier,
        second.identifier[:5],
        f"okaf {second.identifier[:3]} 4000",
    ):
        assert found(store, text) == (someone.id,), text


def test_nobody_is_found_by_nothing_or_by_what_nobody_has(store: Store) -> None:
    people(store, "Asha Okafor")
    assert found(store, "") == found(store, "  -'% _ ") == ()
    assert found(store, "zz") == found(store, "asha zz") == found(store, "%") == ()


def test_is_found_once_though_several_of_their_words_begin_so(store: Store) -> None:
    (jo, other) = people(store, "Jo Jones Jonas", "Joan Ng")
    assert sorted(found(store, "jo")) == sorted([jo.id, other.id])
    assert found(store, "jo jon") == (jo.id,)


def test_the_nearest_come_first_and_no_more_than_asked_for(store: Store) -> None:
    farther, near, nearer = people(store, "Smithson A", "Smithers B", "Smith C")
    assert found(store, "smith") == (nearer.id, near.id, farther.id)
    assert found(store, "smith", limit=2) == (nearer.id, near.id)


def test_the_rarest_word_leads_whatever_its_length(store: Store) -> None:
    people(store, *["Margaret Okafor"] * 30)
    (one,) = people(store, "Margaret Ng", number=900)
    assert found(store, "margaret ng") == found(store, "ng margaret") == (one.id,)


def test_what_changes_is_found_by_what_is_new_alone(store: Store) -> None:
    (someone,) = people(store, "Asha Okafor")
    token = card(someone.id)
    with store.begin() as uow:
        mbeki = replace(someone, name="Asha Mbeki")
        uow.holders.put([mbeki], recorded_addresses(mbeki, "mbeki@nhs.net"))
        uow.cards.put([token])
        uow.search.refresh([someone.id])
        uow.commit()
    assert found(store, "okafor") == found(store, "asha0@nhs.net") == ()
    assert found(store, "asha mbeki") == found(store, token.identifier) == (someone.id,)


def test_refreshing_again_changes_nothing_and_the_unknown_are_nobody(store: Store) -> None:
    (someone,) = people(store, "Asha Okafor")
    with store.begin() as uow:
        uow.search.refresh([someone.id, new_id(), someone.id])
        uow.commit()
    assert found(store, "okafor") == (someone.id,)


def test_more_than_a_batch_is_refreshed(store: Store) -> None:
    many = people(store, *(f"Person N{n}" for n in range(BATCH + 3)))
    assert found(store, f"n{BATCH + 2}") == (many[-1].id,)


def test_two_who_change_different_things_at_once_keep_both(store: Store) -> None:
    """Whoever comes second read the person before the first was done."""
    (someone,) = people(store, "Asha Okafor")
    token = card(someone.id)
    with store.begin() as uow:
        before = uow.holders.get(someone.id)
        uow.cards.put([token])
        uow.search.refresh([someone.id])
        uow.commit()
    assert before is not None
    with store.begin() as uow:
        uow.holders.put([replace(before, name="Asha Mbeki")])
        uow.search.refresh([someone.id])
        uow.commit()
    assert found(store, token.identifier[:9]) == found(store, "mbeki") == (someone.id,)


MANY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO cardholder (id, number, name, sort_name, revision, mac)
SELECT 'h' || i, i, 'x', 'x', 0, '' FROM n
"""
WORDS = """
INSERT INTO search_term (term, holder_id)
SELECT 'smith', id FROM cardholder WHERE id LIKE '%1' UNION ALL
SELECT 'okafor', id FROM cardholder WHERE id NOT LIKE '%1' UNION ALL
SELECT 'asha', id FROM cardholder UNION ALL SELECT number, id FROM cardholder
"""


@pytest.fixture
def crowded(database: TestDatabase) -> Iterator[sa.Connection]:
    """A connection to a database of twenty thousand people."""
    engine = sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        if database.dialect == "postgresql":  # of each word it would look for the person's row
            connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(MANY)
        connection.exec_driver_sql(WORDS.replace("%", "%%"))
        connection.commit()
        connection.exec_driver_sql("ANALYZE search_term")
        connection.commit()
        yield connection


def test_a_search_walks_indexes_in_order_and_never_the_table(
    crowded: sa.Connection, store: Store
) -> None:
    for typed in ("sm", "smith asha", "okafor a 1"):
        asked = statements(store, typed)
        for statement, parameters in (asked[0], asked[-1]):  # a first count, where there is one
            plan = explained(crowded, statement, parameters)
            for bad in ("SCAN search_term", "Seq Scan", "TEMP B-TREE", "Sort", "Bitmap"):
                assert bad not in plan, (typed, plan)


@pytest.mark.usefixtures("crowded")
def test_of_words_that_many_have_the_rarest_still_leads(store: Store) -> None:
    for typed in ("okafor 1", "1 okafor"):
        _, parameters = statements(store, typed)[-1]
        first = parameters[0] if isinstance(parameters, tuple) else parameters["term_1"]
        assert first == "1", typed


def statements(store: Store, typed: str) -> list[tuple[str, Any]]:
    """Return what the database is asked by a search."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        if "search_term" in statement:
            asked.append((statement, parameters))

    sa.event.listen(store._engine, "before_cursor_execute", note)
    found(store, typed)
    sa.event.remove(store._engine, "before_cursor_execute", note)
    return asked


def explained(connection: sa.Connection, statement: str, parameters: Any) -> str:
    how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{how} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in rows)


def test_a_number_is_found_as_it_is_printed_in_groups(store: Store) -> None:
    (someone, *_) = people(store, "Asha Okafor", "Bo Nowak", number=900000000001)
    reader_card = replace(card(someone.id), identifier="0123456789abcdef0123456789abcdef")
    with store.begin() as uow:
        uow.cards.put([reader_card])
        uow.search.refresh([someone.id])
        uow.commit()
    assert found(store, "9000 0000 0001") == (someone.id,)
    assert found(store, "0123 4567 89AB cdef") == (someone.id,)
    assert found(store, "01:23:45:67 89-ab") == (someone.id,)
    assert found(store, "asha 9000") == (someone.id,)


def test_whom_all_of_it_names_is_found_apart_from_others_that_begin_so(store: Store) -> None:
    plain, longer = people(store, "Jo Ng", "Jo Ngata")
    with store.begin() as uow:
        emails = recorded_addresses(plain, "jo.ng@nhs.net")
        emails += recorded_addresses(longer, "jo.ng@nhs.network")
        uow.holders.put([plain, longer], emails)
        uow.search.refresh([plain.id, longer.id])
        uow.commit()
    with store.read() as uow:
        assert uow.search.exact("jo.ng@nhs.net", 5) == (plain.id,)
        assert uow.search.exact("  ", 5) == ()


def test_a_given_name_finds_a_name_that_is_written_without_spaces(store: Store) -> None:
    (bruce, _other) = people(store, "李小龍", "王大明")
    assert found(store, "小龍") == (bruce.id,)
    assert found(store, "李") == (bruce.id,)
