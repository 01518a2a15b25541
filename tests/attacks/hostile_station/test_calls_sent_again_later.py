"""Before: a station could ask for a card's new secret again months later, and report of an unblock.

Whoever has a station sends each call again that it ever made, in any order, after something that
came since: none gives a secret that it has not, none has a mail sent or changes what opens a card.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.authority.service import LocalAuthority
from kiosk.contract.errors import AuthorityError
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    Factor,
    Finished,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    UnblockUnknown,
    VisitId,
    VisitOpened,
)
from kiosk.contract.routes import routes
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.registering import OTHER, given
from tests.authority.station_visit import ANSWERS, StationVisit
from tests.authority.world import EMAIL, World

STOLEN = "A"
KEPT = {
    "registration": "address_id, hashes, asked, failures, unproven_failures, blocked_at, proven",
    "card": "status, sealed_secret, secret_exposure, secret_tries_left, set_aside_at, auth_key, "
    "pin_key",
    "kept_secret": "id, kind, sealed_secret, presented, refused",
    "address": "id, value, confirmed_at, effective_from, replaces",
    "email_code": "id, tries, sent_at, consumed_at, revoked_at",
    "unblock_journal": "id, state, closed_at",
    "pending_change": "id, email, owner_route",
    "stop_number": "id, used_at",
    "outbox_message": "id",
}


@dataclass
class Taped:
    """The authority as a station has it; each call is kept, and each answer."""

    authority: LocalAuthority
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    given: list[object] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.calls.append((name, args))
            reply = getattr(self.authority, name)(*args)
            self.given.append(reply)
            return reply

        assert name in routes()
        return call


@pytest.fixture
def card(world: World) -> Card:
    return world.add_card(world.add_holder(), secret_limit=10)


@pytest.fixture
def tape(world: World, card: Card, monkeypatch: pytest.MonkeyPatch) -> Taped:
    """Somebody registers, unlocks, and changes everything, at the station that will be stolen."""
    world.policy = replace(world.policy, codes_an_hour=9)
    taped, honest = Taped(world.at(STOLEN)), world.at
    monkeypatch.setattr(world, "at", lambda name: taped if name == STOLEN else honest(name))
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.REGISTER)
    visit.verify_pin()
    chosen = tuple(Answer(number, Sensitive(text)) for number, text in ANSWERS.items())
    visit.authority.save_questions(visit.visit, chosen)
    visit.email(EMAIL)
    assert isinstance(visit.enter(world.relay.code), Finished)
    visit.pull()
    world.clock.forward(minutes=10)
    visit = world.insert(card, blocked=True)
    visit.answer(visit.questions(), wrong=True)
    visit.to_new_pin()
    for outcome in (UnblockNotSent(), UnblockDone()):
        grant = visit.grant()
        visit.authority.record_outcome(visit.visit, grant.journal, outcome)
    assert visit.authority.rotate_secret(visit.visit, grant.journal) is not None
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockUnknown())
    visit.pull()
    world.clock.forward(minutes=10)
    for purpose in (Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL, Purpose.CHANGE_QUESTIONS):
        visit = world.insert(card)
        visit.authority.choose(visit.visit, purpose)
        visit.verify_pin()
        if purpose is Purpose.CHANGE_PIN:
            assert isinstance(visit.change_pin(), Finished)
        elif purpose is Purpose.CHANGE_EMAIL:
            visit.email(OTHER)
            assert isinstance(visit.enter(world.relay.code), Finished)
        else:
            done = visit.authority.save_questions(visit.visit, given())
            assert isinstance(done, Finished)
        visit.pull()
    return taped


def waits(world: World, _card: Card) -> None:
    world.clock.forward(hours=1)


def is_retired(world: World, _card: Card) -> None:
    world.retire_station(STOLEN)


def is_blocked(world: World, card: Card) -> None:
    for _ in range(3):
        visit = world.insert(card, blocked=True, station="B")
        task = visit.authority.choose(visit.visit, Purpose.UNLOCK)
        assert isinstance(task, AnswerQuestions)
        wrong = tuple(Answer(one.id, Sensitive("wrong")) for one in task.questions)
        visit.authority.submit(visit.visit, visit.attempt(), Answers(wrong))
    assert world.registration(card).blocked_at is not None


def registers_anew(world: World, card: Card) -> None:
    office = office_beside(world, Role.AGENT)
    AdminDesk(office).people.revoke_registration(as_seen(office, card), GROUNDS)


def is_lifted(world: World, card: Card) -> None:
    is_blocked(world, card)
    office = office_beside(world, Role.AGENT)
    AdminDesk(office).people.lift_block(as_seen(office, card), GROUNDS)


def reports_misuse(world: World, card: Card) -> None:
    office = office_beside(world, Role.AGENT)
    AdminDesk(office).people.report_misuse(as_seen(office, card), GROUNDS)


def unlocks_elsewhere(world: World, card: Card) -> None:
    """The holder has passed every factor at another station."""
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True, station="B")
    task = visit.authority.choose(visit.visit, Purpose.UNLOCK)
    assert isinstance(task, AnswerQuestions)
    right = tuple(one for one in given() if one.question in {each.id for each in task.questions})
    visit.authority.submit(visit.visit, visit.attempt(), Answers(right))
    visit.send()
    assert isinstance(visit.enter(world.relay.code), SetPin)


def is_unlocked_elsewhere(world: World, card: Card) -> None:
    unlocks_elsewhere(world, card)
    with world.store.read() as uow:
        (here,) = uow.visits.open_of_card(card.id)
    reader = world.known_reader_card(card)
    visit = StationVisit(world, VisitId(here.id), Refusal(Reason.FAULT), reader, "B")
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert visit.authority.rotate_secret(visit.visit, grant.journal) is not None
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockDone())


def gets_a_secret(world: World, card: Card) -> None:
    office, secret = office_beside(world, Role.AGENT), Sensitive("90817263")
    AdminDesk(office).cards.set_secret(as_seen(office, card), card.id, secret, GROUNDS)


def is_erased(world: World, card: Card) -> None:
    """Another person gets the card."""
    office = office_beside(world, Role.MANAGER)
    world.clock.forward(hours=1)
    AdminDesk(office).people.erase(as_seen(office, card), GROUNDS)
    other = world.add_holder(id="0" * 32, number="900000000009", name="Ben", email="ben@nhs.net")
    world.register(other, email="ben@nhs.net")
    world.add_card(other, identifier=card.identifier, secret_limit=10)


def policy_changes(world: World, _card: Card) -> None:
    world.policy = replace(world.policy, verification=((Factor.EMAIL_CODE,),))


GIVES_NONE = waits, is_retired, gets_a_secret, is_erased, is_unlocked_elsewhere
SINCE = (
    *GIVES_NONE, unlocks_elsewhere, is_blocked, is_lifted, registers_anew, reports_misuse,
    policy_changes,
)  # fmt: skip
"""Within the hour of a visit its station gets the same secret again: the answer may be lost."""


def kept(world: World) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as rows:
        return {
            table: sorted(rows.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in KEPT.items()
        } | {"visit": rows.execute("SELECT * FROM visit WHERE station <> ?", (STOLEN,)).fetchall()}


@pytest.mark.parametrize("since", SINCE)
def test_a_call_that_is_sent_again_changes_nothing(
    world: World, card: Card, tape: Taped, since: Callable[[World, Card], None]
) -> None:
    since(world, card)
    before, mails = kept(world), len(world.relay.sent)
    calls = [*tape.calls, *random.Random(7).sample(tape.calls, len(tape.calls))]
    for name, args in calls:
        reply: object = None
        with suppress(AuthorityError):
            reply = getattr(tape.authority, name)(*args)
        assert not isinstance(reply, Grant | VisitOpened), name
        if isinstance(reply, Sensitive):
            assert reply in tape.given, name
            assert since not in GIVES_NONE, name
        assert kept(world) == before, name
    assert len(world.relay.sent) == mails
