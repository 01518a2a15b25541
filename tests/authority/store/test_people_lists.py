"""Lists of people: whom each group has, in every order, page by page and by an index."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.records import (
    Card,
    Cardholder,
    CardStatus,
    UnblockEntry,
    UnblockState,
    new_id,
)
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.repositories.people import Listed
from kiosk.authority.store.tables import TableRow
from tests.authority.store.samples import NOW, card, registered_address, registration, visit
from tests.support.database import TestDatabase

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MONTH_END = datetime(2030, 6, 1, tzinfo=UTC)


class Estate:
    """Adds people one by one, in numbers that go up."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.number = 100

    def add(
        self,
        name: str,
        *,
        registered: bool = True,
        blocked_at: datetime | None = None,
        left_at: datetime | None = None,
        cards: tuple[dict[str, object], ...] = ({},),
    ) -> str:
        self.number += 1
        holder = Cardholder(new_id(), f"{self.number:012d}", name, None)
        with self.store.begin() as uow:
            uow.holders.put([holder])
            if left_at is not None:
                uow.holders.save(replace(holder, left_at=left_at))
            made: list[Card] = [card(holder.id, **changes) for changes in cards]
            if made:
                uow.cards.put(made)
            if registered:
                uow.registrations.put(replace(registration(holder.id), blocked_at=blocked_at))
            uow.commit()
        return holder.id


@pytest.fixture
def estate(store: Store) -> Estate:
    return Estate(store)


def listed(
    store: Store,
    group: PeopleGroup,
    order: PeopleOrder = PeopleOrder.NAME,
    *,
    descending: bool = False,
    page: int = 2,
) -> list[Listed]:
    """Return a whole list, read in pages of two."""
    every: list[Listed] = []
    after: PagePosition | None = None
    while True:
        with store.read() as uow:
            found = uow.lists.page(group, order, descending=descending, after=after, limit=page)
        every += found
        if len(found) < page:
            return every
        after = found[-1].place


def ids(rows: list[Listed]) -> list[str]:
    return [row.holder_id for row in rows]


def test_group_has_whom_it_names(store: Store, estate: Estate) -> None:
    fine = estate.add("Asha Fine")
    blocked = estate.add("Bo Blocked", blocked_at=NOW - DAY)
    new = estate.add("Cy New", registered=False)
    bare = estate.add("Di Bare", registered=False, cards=())
    gone = estate.add("Ed Gone", left_at=NOW - DAY, blocked_at=NOW - DAY)
    ends = estate.add("Fi Ends", cards=({"expires_at": MONTH_END}, {"expires_at": NOW + DAY}))
    estate.add("Gu Later", cards=({"expires_at": MONTH_END + DAY},))
    estate.add("Hy Over", registered=False, cards=({"expires_at": NOW - DAY},))
    revoked = {"expires_at": NOW + DAY, "status": CardStatus.REVOKED}
    estate.add("Io Revoked", registered=False, cards=(revoked,))
    assert ids(listed(store, PeopleGroup.BLOCKED)) == [blocked]
    assert ids(listed(store, PeopleGroup.NOT_REGISTERED)) == [new]
    assert ids(listed(store, PeopleGroup.NO_CARD)) == [bare]
    assert ids(listed(store, PeopleGroup.LEFT)) == [gone]
    assert ids(listed(store, PeopleGroup.EXPIRING)) == [ends]
    with store.begin() as uow:
        for holder_id, status in ((new, "5.1.1"), (bare, "4.4.1"), (gone, "5.1.1")):
            address = registered_address(holder_id)
            uow.addresses.add(address)
            uow.addresses.mark_bounced(address.id, status)
        uow.commit()
    assert ids(listed(store, PeopleGroup.MAIL_FAILS)) == [new]
    assert ids(listed(store, PeopleGroup.EVERYBODY))[:2] == [fine, blocked]
    assert len(listed(store, PeopleGroup.EVERYBODY)) == 9
    with store.read() as uow:
        counts = {group: uow.lists.count(group, 10) for group in PeopleGroup}
    assert counts == {group: len(listed(store, group)) for group in PeopleGroup}


def cut(store: Store, holder_id: str, opened_at: datetime, state: UnblockState) -> None:
    """Leave an unblock of the holder's card open."""
    with store.begin() as uow:
        (found,) = uow.cards.of_holder(holder_id)
        of_visit = visit(found.id, holder_id)
        uow.visits.add(of_visit)
        entry = UnblockEntry(new_id(), of_visit.id, found.id, opened_at, was_blocked=True)
        uow.journal.open(entry)
        if state is UnblockState.UNKNOWN:
            uow.journal.note_unknown(entry.id, "card-gone")
        elif state is not UnblockState.INTENT:
            uow.journal.close(entry.id, state, "", NOW)
        uow.commit()


def test_cards_in_doubt_are_those_of_cut_unlocks_and_those_that_took_no_secret(
    store: Store, estate: Estate
) -> None:
    lost = estate.add("Al Lost")
    cut(store, lost, NOW - MINUTE, UnblockState.UNKNOWN)
    dead = estate.add("Bo Station Died")
    cut(store, dead, NOW - HOUR, UnblockState.INTENT)
    refused: dict[str, object] = {"set_aside_at": NOW - DAY}
    aside = estate.add("Cy Aside", cards=({}, refused, {"set_aside_at": NOW - MINUTE}))
    cut(store, estate.add("Di At This Moment"), NOW - MINUTE, UnblockState.INTENT)
    cut(store, estate.add("Ed Settled"), NOW - DAY, UnblockState.SETTLED)
    cut(store, estate.add("Fi Gone", left_at=NOW - MINUTE), NOW - DAY, UnblockState.UNKNOWN)
    revoked: dict[str, object] = {"status": CardStatus.REVOKED}
    cut(store, estate.add("Gu Revoked", cards=(revoked,)), NOW - DAY, UnblockState.UNKNOWN)
    estate.add("Hy Revoked", cards=(revoked | refused,))
    rows = listed(store, PeopleGroup.CARD_IN_DOUBT)
    assert [(row.holder_id, row.date) for row in rows] == [
        (lost, NOW - MINUTE),
        (dead, NOW - HOUR),
        (aside, NOW - DAY),
    ]
    assert ids(listed(store, PeopleGroup.CARD_IN_DOUBT, PeopleOrder.DATE)) == [aside, dead, lost]


def test_the_date_is_the_groups_own(store: Store, estate: Estate) -> None:
    estate.add("Bo Blocked", blocked_at=NOW - DAY)
    estate.add("Ed Gone", left_at=NOW - 2 * DAY)
    estate.add("Fi Ends", cards=({"expires_at": MONTH_END}, {"expires_at": NOW + DAY}))
    assert listed(store, PeopleGroup.BLOCKED)[0].date == NOW - DAY
    assert listed(store, PeopleGroup.LEFT)[0].date == NOW - 2 * DAY
    assert listed(store, PeopleGroup.EXPIRING)[0].date == NOW + DAY
    assert listed(store, PeopleGroup.EVERYBODY)[0].date is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", PeopleOrder)
def test_pages_follow_each_other_in_every_order(
    store: Store, estate: Estate, order: PeopleOrder, descending: bool
) -> None:
    """Names and dates repeat, so that pages end between equals."""
    people = {
        estate.add(name, blocked_at=NOW - days * DAY): (name, days)
        for name, days in [("Bo", 1), ("Al", 3), ("Al", 1), ("Cy", 3), ("Al", 3), ("Bo", 2)]
    }
    rows = listed(store, PeopleGroup.BLOCKED, order, descending=descending)
    assert sorted(ids(rows)) == sorted(people)
    keys = [row.place.key for row in rows]
    assert keys == sorted(keys, reverse=descending)


@pytest.mark.parametrize("descending", [False, True])
def test_names_sort_as_people_read_them(store: Store, estate: Estate, descending: bool) -> None:
    """Without marks and capitals, word by word, on both databases."""
    names = [
        "Al Zed", "Åse Berg", "Émile Roy", "李小龍", "Zoë Lind", "Ann Zorn", "alina okoro",
        "Łukasz Żółć", "Luka Mbeki", "Anna Berg", "Siân O'Brien", "Sian Obama", "Sian Oates",
    ]  # fmt: skip
    called = {estate.add(name): name for name in names}
    rows = listed(store, PeopleGroup.EVERYBODY, descending=descending)
    expected = [
        "Al Zed", "alina okoro", "Ann Zorn", "Anna Berg", "Åse Berg", "Émile Roy", "Luka Mbeki",
        "Łukasz Żółć", "Sian Oates", "Sian Obama", "Siân O'Brien", "Zoë Lind", "李小龍",
    ]  # fmt: skip
    found = [called[row.holder_id] for row in rows]
    assert found == (expected[::-1] if descending else expected)


def test_a_corrected_name_moves_to_its_new_place(store: Store, estate: Estate) -> None:
    ada, bo = estate.add("Ada Lund"), estate.add("Bo Lund")
    with store.begin() as uow:
        holder = uow.holders.get(ada)
        assert holder is not None
        uow.holders.save(replace(holder, name="Ździsława Lund"))
        uow.commit()
    assert ids(listed(store, PeopleGroup.EVERYBODY)) == [bo, ada]
    with store.begin() as uow:
        uow.holders.put([replace(holder, name="Ádá Lund")])
        uow.commit()
    assert ids(listed(store, PeopleGroup.EVERYBODY)) == [ada, bo]


def test_a_count_stops_at_the_most(store: Store, estate: Estate) -> None:
    for _ in range(3):
        estate.add("Bo Blocked", blocked_at=NOW)
    with store.read() as uow:
        assert uow.lists.count(PeopleGroup.BLOCKED, 10) == 3
        assert uow.lists.count(PeopleGroup.BLOCKED, 2) == 2
        assert uow.lists.count(PeopleGroup.LEFT, 2) == 0


# --- it stays quick ---------------------------------------------------------------------

MANY = 5000
INDEXED = {
    (PeopleGroup.EVERYBODY, PeopleOrder.NAME): "ix_cardholder_sort_name_id",
    (PeopleGroup.NOT_REGISTERED, PeopleOrder.NAME): "ix_cardholder_sort_name_id",
    (PeopleGroup.BLOCKED, PeopleOrder.NAME): "ix_registration_blocked",
    (PeopleGroup.EXPIRING, PeopleOrder.DATE): "ix_card_expires",
    (PeopleGroup.LEFT, PeopleOrder.DATE): "ix_cardholder_left",
    (PeopleGroup.CARD_IN_DOUBT, PeopleOrder.NAME): "ix_card_set_aside",
    (PeopleGroup.MAIL_FAILS, PeopleOrder.NAME): "ix_address_bounced",
}


@pytest.fixture(scope="module")
def filled(module_database: TestDatabase) -> sa.Engine:
    """So many people; of each group with a date there is one in a hundred."""
    tables = TableRow.metadata.tables
    people = [
        {"id": f"H{n}", "number": f"{n:012d}", "name": f"Name {n * 7919 % MANY:05d}",
         "sort_name": f"name {n * 7919 % MANY:05d}", "revision": 0, "mac": "",
         "left_at": NOW - DAY if n % 100 == 1 else None}
        for n in range(MANY)
    ]  # fmt: skip
    cards = [
        {"id": f"C{n}", "holder_id": f"H{n}", "driver": "piv", "identifier": f"{n}",
         "status": CardStatus.ACTIVE, "derived_from": "", "secret_exposure": 0,
         "auth_key_imported": False, "mac": "",
         "set_aside_at": NOW if n % 100 == 3 else None,
         "expires_at": NOW + DAY if n % 100 == 2 else NOW + 900 * DAY}
        for n in range(MANY)
    ]  # fmt: skip
    engine = sa.create_engine(parse_url(module_database.url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.insert(tables["cardholder"]), people)
        connection.execute(sa.insert(tables["card"]), cards)
    with module_database.store().begin() as uow:
        for n in range(0, MANY, 10):
            blocked_at = NOW if n % 100 == 0 else None
            uow.registrations.put(replace(registration(f"H{n}"), blocked_at=blocked_at))
            address = registered_address(f"H{n}")
            uow.addresses.add(address)
            if n % 100 == 0:
                uow.addresses.mark_bounced(address.id, "5.1.1")
        uow.commit()
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return engine


@pytest.mark.parametrize(("group", "order"), INDEXED)
def test_a_page_is_found_by_an_index(
    module_database: TestDatabase, filled: sa.Engine, group: PeopleGroup, order: PeopleOrder
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cur: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    with module_database.store().read() as uow:
        first = uow.lists.page(group, order, limit=20)
        assert first
        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            uow.lists.page(group, order, after=first[-1].place, limit=20)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if filled.dialect.name == "sqlite" else "EXPLAIN "
    statement, parameters = asked[-1]
    with filled.connect() as connection:
        plan = connection.exec_driver_sql(explain + statement, parameters)
        assert INDEXED[group, order] in "\n".join(" ".join(map(str, row)) for row in plan)
