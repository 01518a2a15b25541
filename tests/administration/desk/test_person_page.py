"""A person's page: that it is true, complete, and as quick for whoever has a long story."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.people_desk import LocalPeopleDesk
from kiosk.administration.person_page import NEWEST
from kiosk.administration.views.people import CardLine, CodeLine, RegistrationLine, Standing
from kiosk.authority.audit import AuditKind
from kiosk.roles import Action, Role
from kiosk.store.records import Card, CardStatus, new_id
from kiosk.store.visit_records import UnblockEntry
from tests.administration.desk.estate import means_beside, unlocks
from tests.administration.desk.history import History
from tests.administration.desk.house import office_of
from tests.administration.desk.people import somebody
from tests.authority.sitting import Sitting
from tests.authority.world import World
from tests.store import samples
from tests.store.samples import NOW, Person
from tests.support.database import SetClock, TestDatabase

MINUTE = timedelta(minutes=1)


@pytest.fixture
def asha(means: Means) -> Person:
    return somebody(means)


@pytest.fixture
def desk(agent: Office) -> LocalPeopleDesk:
    return LocalPeopleDesk(agent)


# --- what is on it ---------------------------------------------------------------------


def test_a_page_shows_all_that_is_recorded(
    desk: LocalPeopleDesk, means: Means, agent: Office, asha: Person
) -> None:
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True, sent_to="")
    with means.store.begin() as uow:
        uow.questions.sync({n: f"Question {n}?" for n in range(1, 7)}, NOW)
        uow.codes.draft(given)
        uow.commit()
    person = desk.person(asha.holder.id)
    assert (person.number, person.name, person.email) == (
        "100000000001",
        "Asha Okafor",
        "asha@trust.nhs.uk",
    )
    assert (person.seen.holder_id, person.seen.revision) == (asha.holder.id, 0)
    assert person.registration == RegistrationLine(
        email="asha@trust.nhs.uk",
        confirmed=True,
        registered_at=NOW,
        questions=("Question 1?", "Question 2?", "Question 3?", "Question 4?"),
        failures=0,
        failures_allowed=3,
        blocked_at=None,
    )
    assert person.cards == (
        CardLine(
            card_id=asha.card.id,
            driver="piv",
            identifier=asha.card.identifier,
            revoked=False,
            expires_at=NOW + timedelta(days=300),
            has_secret=True,
            trouble="",
        ),
    )
    assert person.codes == (
        CodeLine(
            code_id=given.id,
            card_id=asha.card.id,
            holder_id=asha.holder.id,
            holder_name="Asha Okafor",
            by_mail=False,
            issued_by=agent.actor.name,
            issued_at=NOW,
            expires_at=NOW + 15 * MINUTE,
            waits_for_second=True,
        ),
    )


def test_a_card_that_has_to_prove_itself_is_told_of(
    means: Means, desk: LocalPeopleDesk, asha: Person
) -> None:
    assert [card.has_key for card in desk.person(asha.holder.id).cards] == [False]
    with means.store.begin() as uow:
        uow.cards.record_key(asha.card.id, b"a key")
        uow.commit()
    assert [card.has_key for card in desk.person(asha.holder.id).cards] == [True]


def test_the_station_of_a_block_is_named(
    desk: LocalPeopleDesk, means: Means, clock: SetClock, asha: Person
) -> None:
    history = History(means.store, clock)
    for station in ("Library", "Main entrance"):
        history.visit(AuditKind.REGISTRATION_BLOCKED, station=station, holder=asha.holder)
    with means.store.begin() as uow:
        uow.registrations.charge(asha.holder.id, "a1", 3)
        uow.registrations.block(asha.holder.id)
        uow.commit()
    person = desk.person(asha.holder.id)
    assert person.headline == (
        "Blocked since 09:30 today: one failed attempt, the last at Main entrance."
    )


def test_a_card_in_trouble_says_so_beside_it(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    bare = samples.card(asha.holder.id, sealed_secret=None)
    gone = samples.card(asha.holder.id, status=CardStatus.REVOKED)
    with means.store.begin() as uow:
        uow.cards.put([bare, gone])
        uow.commit()
    trouble = {card.card_id: card.trouble for card in desk.person(asha.holder.id).cards}
    assert trouble == {
        asha.card.id: "",
        bare.id: "No unblock secret is recorded for it.",
        gone.id: "It was revoked.",
    }


def test_a_code_is_shown_until_it_is_over(
    desk: LocalPeopleDesk, means: Means, clock: SetClock, agent: Office, asha: Person
) -> None:
    mailed = samples.code(asha)
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True)
    with means.store.begin() as uow:
        for code in (mailed, given):
            uow.codes.draft(code)
        uow.codes.activate(mailed.id, NOW, NOW + 15 * MINUTE)
        uow.commit()
    assert {code.by_mail for code in desk.person(asha.holder.id).codes} == {True, False}
    clock.forward(minutes=15)
    assert desk.person(asha.holder.id).codes == ()


def test_a_code_of_somebody_who_may_give_none_any_more_is_not_shown(
    desk: LocalPeopleDesk, means: Means, asha: Person
) -> None:
    giver = office_of(means, Role.AGENT, "Gwen").actor
    given = samples.code(asha, issued_by=giver.staff_id, needs_second=True)
    with means.store.begin() as uow:
        uow.codes.draft(given)
        uow.commit()
    assert len(desk.person(asha.holder.id).codes) == 1
    with means.store.begin() as uow:
        member = uow.staff.get(giver.staff_id)
        assert member is not None
        assert uow.staff.save(replace(member, role=Role.AUDITOR))
        uow.commit()
    assert desk.person(asha.holder.id).codes == ()


# --- what can be done ------------------------------------------------------------------

EDITS = {Action.CORRECT_NAME, Action.CORRECT_EMAIL, Action.MARK_LEAVER, Action.ADD_CARD}
CARDS = {Action.REPLACE_CARD, Action.REVOKE_CARD, Action.SET_SECRET}


def test_what_is_open_depends_on_how_they_stand(
    manager: Office, means: Means, asha: Person
) -> None:
    desk = LocalPeopleDesk(manager)

    def open_to() -> set[Action]:
        return set(desk.person(asha.holder.id).open_to) - {Action.ERASE_PERSON}

    assert open_to() == EDITS | CARDS | {Action.REVOKE_REGISTRATION, Action.ISSUE_CODE}
    with means.store.begin() as uow:
        uow.registrations.block(asha.holder.id)
        uow.commit()
    assert open_to() == EDITS | CARDS | {Action.REVOKE_REGISTRATION, Action.LIFT_BLOCK}
    with means.store.begin() as uow:
        uow.registrations.delete(asha.holder.id)
        uow.commit()
    assert open_to() == EDITS | CARDS
    with means.store.begin() as uow:
        uow.cards.revoke(asha.card.id)
        uow.commit()
    assert open_to() == EDITS
    with means.store.begin() as uow:
        uow.holders.save(replace(asha.holder, left_at=NOW))
        uow.commit()
    assert open_to() == {Action.MARK_LEAVER}


def test_what_is_open_depends_on_the_role(
    manager: Office, agent: Office, auditor: Office, asha: Person
) -> None:
    def open_to(office: Office) -> frozenset[Action]:
        return LocalPeopleDesk(office).person(asha.holder.id).open_to

    assert Action.ERASE_PERSON in open_to(manager)
    assert open_to(agent) == open_to(manager) - {Action.ERASE_PERSON}
    assert open_to(auditor) == frozenset()


def test_a_code_is_agreed_to_by_somebody_else_than_gave_it(
    manager: Office, agent: Office, means: Means, asha: Person
) -> None:
    given = samples.code(asha, issued_by=agent.actor.staff_id, needs_second=True)
    with means.store.begin() as uow:
        uow.codes.draft(given)
        uow.commit()
    agrees = {
        office.actor.role: Action.AGREE_CODE
        in LocalPeopleDesk(office).person(asha.holder.id).open_to
        for office in (manager, agent)
    }
    assert agrees == {Role.MANAGER: True, Role.AGENT: False}
    for office in (manager, agent):
        assert Action.WITHDRAW_CODE in LocalPeopleDesk(office).person(asha.holder.id).open_to


# --- that it agrees with the authority -------------------------------------------------

State = Callable[[World, Card], object]


def _change(**changes: object) -> State:
    def apply(world: World, card: Card) -> None:
        changed: Card = replace(card, **changes)  # type: ignore[arg-type]
        world.put_card(changed)

    return apply


def _write(write: Callable[[Any, Card], object]) -> State:
    def apply(world: World, card: Card) -> None:
        with world.store.begin() as uow:
            write(uow, card)
            uow.commit()

    return apply


def _leave(uow: Any, card: Card) -> None:
    uow.holders.save(replace(uow.holders.get(card.holder_id), left_at=uow.now))


def _use_up(uow: Any, card: Card) -> None:
    for attempt in ("a", "b", "c"):
        uow.registrations.charge(card.holder_id, attempt, 3)


def _expose(world: World, card: Card) -> None:
    _write(lambda uow, card: [uow.cards.expose_secret(card.id, assumed_limit=3) for _ in "1234"])(
        world, card
    )


def _without_questions(uow: Any, card: Card) -> None:
    registration = uow.registrations.of_holder(card.holder_id)
    uow.registrations.put(replace(registration, hashes=(), question_ids=()))


def _unconfirmed(uow: Any, card: Card) -> None:
    registration = uow.registrations.of_holder(card.holder_id)
    uow.registrations.put(replace(registration, unconfirmed_since=uow.now))


def _many_codes(world: World, card: Card) -> None:
    for _ in range(world.policy.codes_an_hour):
        sitting = world.insert(card, blocked=True)
        sitting.to_code()
        world.clock.forward(seconds=61)
        _write(lambda uow, card: uow.codes.revoke_live(card.id))(world, card)


STATES: dict[str, tuple[State, bool]] = {
    "ready": (lambda world, card: None, True),
    "left": (_write(_leave), False),
    "blocked": (_write(lambda uow, card: uow.registrations.block(card.holder_id)), False),
    "used up": (_write(_use_up), False),
    "not registered": (_write(lambda uow, card: uow.registrations.delete(card.holder_id)), False),
    "without questions": (_write(_without_questions), False),
    "unconfirmed": (_write(_unconfirmed), True),
    "revoked": (_change(status=CardStatus.REVOKED), False),
    "expired": (_change(expires_at=NOW), False),
    "without a secret": (_change(sealed_secret=None), False),
    "exposed": (_expose, False),
    "too many codes": (_many_codes, False),
}


@pytest.fixture
def world(database: TestDatabase, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, url=database.url)
    yield world
    world.store.close()


@pytest.mark.parametrize("name", STATES)
def test_the_page_says_what_the_authority_will_do(world: World, tmp_path: Path, name: str) -> None:
    desk = LocalPeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    put, expected = STATES[name]
    put(world, card)
    person = desk.person(card.holder_id)
    assert person.can_unlock is expected, person.headline
    assert unlocks(world, card) is expected, person.headline


def test_a_secret_that_did_not_open_is_told_from_then_on(world: World, tmp_path: Path) -> None:
    desk = LocalPeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    another = samples.card(card.holder_id).sealed_secret
    assert another is not None
    key_id = card.sealed_secret.key_id if card.sealed_secret else ""
    world.put_card(replace(card, sealed_secret=replace(another, key_id=key_id)))
    assert not unlocks(world, card)
    person = desk.person(card.holder_id)
    assert (person.standing, person.can_unlock) == (Standing.CARD_TROUBLE, False)
    assert person.headline == "The unblock secret of their card cannot be opened any more."


def test_an_unlock_without_an_outcome_does_not_stand_in_the_way(
    world: World, tmp_path: Path
) -> None:
    desk = LocalPeopleDesk(office_of(means_beside(world, tmp_path), Role.AGENT))
    card = world.registered_card()
    sitting: Sitting = world.insert(card, blocked=True)
    sitting.to_new_pin()
    sitting.grant()
    person = desk.person(card.holder_id)
    assert person.can_unlock
    assert "What became of the unlock of 09:30 today is not known." in person.headline
    world.clock.forward(minutes=2)
    assert unlocks(world, card)


# --- that it is quick ------------------------------------------------------------------


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
    assert len(few) < 20


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
