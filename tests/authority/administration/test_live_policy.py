"""The policy of a program that runs for months."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from kiosk.authority.policy import LivePolicy, policy_in_force
from kiosk.authority.records import PolicySetting
from kiosk.authority.store.database import Store
from kiosk.config.settings import PolicySettings
from tests.support.database import MACS, SetClock, TestDatabase

FILE = PolicySettings()


def put(store: Store, clock: SetClock, name: str, value: str | None, revision: int = 0) -> None:
    with store.begin() as uow:
        assert uow.policy_changes.save(
            PolicySetting(name, value, clock.now(), "somebody", "note", revision)
        )
        uow.commit()


def test_what_staff_set_counts_ten_seconds_later(store: Store, clock: SetClock) -> None:
    policy = LivePolicy(store, FILE, clock)
    assert policy() == FILE.policy()
    put(store, clock, "max_failures", "5")
    clock.forward(seconds=9)
    assert policy().max_failures == 3
    clock.forward(seconds=1)
    assert policy().max_failures == 5
    put(store, clock, "max_failures", None, 1)
    clock.forward(seconds=10)
    assert policy() == FILE.policy()


def test_policy_is_there_at_the_first_call_of_every_thread(store: Store, clock: SetClock) -> None:
    put(store, clock, "max_failures", "5")
    policy = LivePolicy(store, FILE, clock)
    with ThreadPoolExecutor(8) as pool:
        seen = {each.max_failures for each in pool.map(lambda _: policy(), range(64))}
    assert seen == {5}


def test_policy_can_be_read_within_a_unit_of_work_that_writes(
    store: Store, clock: SetClock
) -> None:
    put(store, clock, "max_failures", "5")
    policy = LivePolicy(store, FILE, clock)
    with store.begin() as uow:
        uow.audit.append(kind="test", reference="")
        assert policy().max_failures == 5
        uow.commit()


def test_the_last_good_one_counts_while_the_database_is_away(
    database: TestDatabase, store: Store, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, clock, "max_failures", "5")
    away = Store(database.url.replace("kiosk", "nowhere"), clock, MACS)
    policy = LivePolicy(store, FILE, clock)
    assert policy().max_failures == 5
    policy._store = away  # the same database, and it does not answer
    clock.forward(minutes=5)
    assert policy().max_failures == 5
    assert "could not be read" in caplog.text
    away.close()


def test_before_the_database_ever_answered_it_is_asked_each_time(
    database: TestDatabase, store: Store, clock: SetClock
) -> None:
    away = Store(database.url.replace("kiosk", "nowhere"), clock, MACS)
    policy = LivePolicy(away, FILE, clock)
    assert policy() == FILE.policy()
    put(store, clock, "max_failures", "5")
    policy._store = store
    assert policy().max_failures == 5
    away.close()


def test_what_does_not_fit_is_logged_once_and_does_not_count(
    store: Store, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, clock, "questions_asked", "4")
    put(store, clock, "questions_registered", "3")
    policy = LivePolicy(store, FILE, clock)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert policy() == FILE.policy()
            clock.forward(minutes=1)
    assert len([each for each in caplog.records if "questions_asked" in each.message]) == 2


@pytest.mark.parametrize("text", ["99", '"many"', "not json", "[1]", "null"])
def test_a_stored_value_that_cannot_be_read_is_that_settings_fault_alone(
    clock: SetClock, text: str
) -> None:
    stored = {
        name: PolicySetting(name, value, clock.now(), "somebody", "note")
        for name, value in (("max_failures", text), ("code_tries", "9"), ("gone", "1"))
    }
    found = policy_in_force(FILE, stored)
    assert set(found.faults) == {"max_failures"}
    assert (found.settings.max_failures, found.settings.code_tries) == (3, 9)
