"""A person's page asks the database as little for somebody with a long story."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.person_page import NEWEST
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.records import UnblockEntry, new_id
from tests.authority.store import samples
from tests.authority.store.samples import NOW, Person
from tests.authority.store.test_audit_trail import explained, statements
from tests.support.database import TestDatabase

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


def test_a_page_costs_the_same_few_statements_whatever_the_story(
    desk: PeopleDesk, means: StaffDependencies, agent: Office, asha: Person
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


def test_no_statement_of_a_page_walks_the_whole_audit(
    desk: PeopleDesk, database: TestDatabase, means: StaffDependencies, asha: Person
) -> None:
    tell(means, asha, 10)
    with statements() as seen:
        desk.person(asha.holder.id)
    asked = [(text, given) for text, given in seen if "FROM audit_event" in text]
    assert asked
    for text, given in asked:
        plan = explained(database, text, given)
        assert "SCAN audit_event" not in plan
        assert "Seq Scan" not in plan


def tell(means: StaffDependencies, person: Person, count: int, **columns: str) -> None:
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
