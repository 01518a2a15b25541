from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from kiosk.authority.records import Charge, Verdict, new_id
from kiosk.authority.store.database import Store
from tests.authority.store import samples
from tests.authority.store.racer import CALLERS, KINDS, race
from tests.support.database import TestDatabase
from tests.support.prepared import ForkedPython, prepared_program


def charge(store: Store, holder_id: str, attempt: str) -> Charge | None:
    with store.begin() as uow:
        charged = uow.registrations.attempts(holder_id, 3).charge(attempt)
        uow.commit()
    return charged


def failures(store: Store, holder_id: str) -> int:
    with store.read() as uow:
        found = uow.registrations.of_holder(holder_id)
    assert found is not None
    return found.failures


def test_three_attempts_and_no_fourth(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    left = [charge(store, who, new_id()) for _ in range(3)]
    assert [one.left for one in left if one] == [2, 1, 0]
    assert charge(store, who, new_id()) is None
    assert failures(store, who) == 3


def test_nobody_to_charge(store: Store) -> None:
    assert charge(store, "nobody", new_id()) is None


def test_a_blocked_registration_is_not_charged(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    with store.begin() as uow:
        assert uow.registrations.block(who)
        assert not uow.registrations.block(who)
        uow.commit()
    assert charge(store, who, new_id()) is None
    assert failures(store, who) == 0


def test_a_repeated_attempt_is_charged_once_and_keeps_its_verdict(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    attempt = new_id()
    assert charge(store, who, attempt) == Charge(attempt, 2, fresh=True)
    assert charge(store, who, attempt) == Charge(attempt, 2, fresh=False)
    with store.begin() as uow:
        assert uow.registrations.attempts(who, 3).conclude(attempt, Verdict.WRONG)
        assert not uow.registrations.attempts(who, 3).conclude(attempt, Verdict.WRONG)
        assert not uow.registrations.attempts(who, 3).conclude(attempt, Verdict.RIGHT)
        uow.commit()
    again = charge(store, who, attempt)
    assert again == Charge(attempt, 2, fresh=False, verdict=Verdict.WRONG)
    assert failures(store, who) == 1


def test_the_last_attempt_repeated_is_still_answered(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    attempts = [new_id() for _ in range(3)]
    for attempt in attempts:
        charge(store, who, attempt)
    again = charge(store, who, attempts[-1])
    assert again == Charge(attempts[-1], 0, fresh=False)


def test_an_attempt_id_is_the_subjects_own(store: Store) -> None:
    first = samples.registered_person(store, "100000000001").holder.id
    second = samples.registered_person(store, "100000000002").holder.id
    attempt = new_id()
    charge(store, first, attempt)
    assert charge(store, second, attempt) == Charge(attempt, 2, fresh=True)


def test_giving_back_takes_off_one_and_only_once(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    wrong, right = new_id(), new_id()
    charge(store, who, wrong)
    charge(store, who, right)
    with store.begin() as uow:
        assert uow.registrations.attempts(who, 3).conclude(right, Verdict.RIGHT)
        assert not uow.registrations.attempts(who, 3).conclude(right, Verdict.RIGHT)
        assert not uow.registrations.attempts(who, 3).conclude(new_id(), Verdict.RIGHT)
        uow.commit()
    assert failures(store, who) == 1
    with store.begin() as uow:
        uow.registrations.clear_failures(who)
        uow.commit()
    assert failures(store, who) == 0


def test_a_charge_that_was_not_committed_did_not_happen(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    with store.begin() as uow:
        uow.registrations.attempts(who, 3).charge("attempt")
    assert failures(store, who) == 0
    assert charge(store, who, "attempt") == Charge("attempt", 2, fresh=True)


def test_lifting_a_block_gives_all_attempts_back(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    charge(store, who, new_id())
    with store.begin() as uow:
        assert not uow.registrations.unblock(who)
        uow.registrations.block(who)
        assert uow.registrations.unblock(who)
        uow.commit()
    assert failures(store, who) == 0


# --- races -----------------------------------------------------------------------------


@contextmanager
def another_process(database: TestDatabase, kind: str, subject: str) -> Iterator[ForkedPython]:
    words = ("-m", "tests.authority.store.racer", database.url, kind, subject)
    with prepared_program().start_python(words, os.environ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.parametrize(("kind", "allowed"), [("answers", 3), ("code", 5)])
def test_forty_callers_in_two_processes(database: TestDatabase, kind: str, allowed: int) -> None:
    store = database.store(busy_timeout_s=30)
    person = samples.registered_person(store)
    subject = person.holder.id
    if kind == "code":
        subject = live_code(store, person)
    with another_process(database, kind, subject) as other:
        other.stdin.write("\n")
        other.stdin.flush()
        here = race(store, KINDS[kind], subject)
        there = int(other.stdout.readline())
    assert CALLERS * 2 == 40
    assert here + there == allowed


def test_attempt_from_many_threads_is_evaluated_once(database: TestDatabase) -> None:
    store = database.store(busy_timeout_s=30)
    who = samples.registered_person(store).holder.id
    passed = race(store, lambda uow, _: uow.registrations.attempts(who, 3).charge("same"), who)
    assert passed == 1
    assert failures(store, who) == 1


def live_code(store: Store, person: samples.Person) -> str:
    code = samples.code(person)
    with store.begin() as uow:
        uow.codes.draft(code)
        uow.codes.activate(code.id, samples.NOW, samples.NOW + timedelta(minutes=15))
        uow.commit()
    return code.id
