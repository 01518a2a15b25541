"""A person's page is as quick for whoever has a long story."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.people_desk import LocalPeopleDesk
from kiosk.administration.person_page import NEWEST
from kiosk.authority.audit import AuditKind
from kiosk.store.records import new_id
from kiosk.store.visit_records import UnblockEntry
from tests.store import samples
from tests.store.samples import NOW, Person

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(agent: Office) -> LocalPeopleDesk:
    return LocalPeopleDesk(agent)


def test_a_page_costs_the_same_few_statements_whatever_the_story(
    desk: LocalPeopleDesk, means: Means, agent: Office, asha: Person
) -> None:
    with statements() as few:
        desk.person(asha.holder.id)
    cards = [samples.card(asha.holder.id) for _ in range(5)]
    codes = [samples.code(asha, card_id=card.id) for card in cards]
    with means.store.begin() as uow:
        uow.cards.put(cards)
        for code in codes:
            uow.codes.draft(code)
            uow.codes.activate(code.id, NOW, NOW + 15 * MINUTE)
        uow.journal.open(UnblockEntry(new_id(), asha.visit.id, asha.card.id, NOW, was_blocked=True))
        uow.commit()
    tell(means, asha, 400, actor=agent.actor.staff_id)
    with statements() as many:
        person = desk.person(asha.holder.id)
    assert len(person.story) == NEWEST
    assert len(many) == len(few)
    assert len(few) <= 20


def test_a_page_is_quick_for_somebody_with_ten_thousand_rows(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    other = samples.stored_person(means.store, "100000000002")
    tell(means, asha, 10_000)
    tell(means, other, 10)
    took: dict[str, list[float]] = {asha.holder.id: [], other.holder.id: []}
    for _ in range(15):
        for holder_id, times in took.items():
            began = time.perf_counter()
            desk.person(holder_id)
            times.append(time.perf_counter() - began)
    long, short = (min(times) for times in took.values())
    assert long < 3 * short + 0.01


def tell(means: Means, person: Person, count: int, **columns: str) -> None:
    """Let so many things have happened to somebody; every other one is not told."""
    kinds = (AuditKind.ANSWERS_WRONG, AuditKind.ATTEMPT_CHARGED)
    with means.store.begin() as uow:
        for number in range(count):
            uow.audit.append(
                kind=kinds[number % 2].value,
                reference=f"R{number}",
                holder_id=person.holder.id,
                detail={"left": 2},
                **columns,
            )
        uow.commit()


@contextmanager
def statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
