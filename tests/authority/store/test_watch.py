"""Alarms and jobs: of many who run them at once, exactly one tells and exactly one works."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from kiosk.authority.records import Alarm, Job
from kiosk.authority.store.database import Store, UnitOfWork
from tests.authority.store import samples
from tests.support.database import TestDatabase

CALLERS = 8
MINUTE = timedelta(minutes=1)


def act(store: Store, do: Callable[[UnitOfWork], bool]) -> bool:
    with store.begin() as uow:
        done = do(uow)
        uow.commit()
    return done


def together(database: TestDatabase, do: Callable[[UnitOfWork], bool]) -> int:
    """Let several processes' worth of stores do it at the same moment; return how many did."""
    stores = [database.store(busy_timeout_s=30) for _ in range(CALLERS)]
    gate = threading.Barrier(CALLERS)

    def one(store: Store) -> bool:
        assert store.schema_serves()
        gate.wait()
        return act(store, do)

    with ThreadPoolExecutor(CALLERS) as pool:
        return sum(pool.map(one, stores))


def rings(uow: UnitOfWork) -> bool:
    return uow.alarms.begin("silent:A", "silent", {"station": "A"})


def test_an_alarm_is_new_once_while_it_lasts(database: TestDatabase, store: Store) -> None:
    assert act(store, rings)
    database.clock.forward(minutes=1)
    assert not act(store, rings)
    with store.read() as uow:
        told = Alarm("silent:A", "silent", samples.NOW, {"station": "A"})
        assert uow.alarms.standing() == (told,)


def test_an_alarm_that_comes_back_is_new_again(store: Store) -> None:
    act(store, rings)
    with store.begin() as uow:
        ended = uow.alarms.end("silent:A")
        assert ended is not None
        assert ended.since == samples.NOW
        assert uow.alarms.end("silent:A") is None
        uow.commit()
    assert act(store, rings)


def test_of_many_who_notice_at_once_one_tells(database: TestDatabase) -> None:
    assert together(database, rings) == 1


def test_of_many_who_see_it_end_one_tells(database: TestDatabase, store: Store) -> None:
    act(store, rings)
    assert together(database, lambda uow: uow.alarms.end("silent:A") is not None) == 1


def test_of_many_who_are_free_one_does_the_job(database: TestDatabase, store: Store) -> None:
    def claim(uow: UnitOfWork) -> bool:
        return uow.jobs.claim("watch", MINUTE)

    assert together(database, claim) == 1
    database.clock.forward(seconds=59)
    assert together(database, claim) == 0
    database.clock.forward(seconds=1)
    assert together(database, claim) == 1


def test_a_job_is_due_as_it_can_be_claimed(database: TestDatabase, store: Store) -> None:
    with store.begin() as uow:
        assert uow.jobs.get("daily") is None
        assert uow.jobs.is_due("daily", MINUTE)
        uow.jobs.claim("daily", MINUTE)
        assert not uow.jobs.is_due("daily", MINUTE)
        uow.commit()
    database.clock.forward(minutes=1)
    with store.read() as uow:
        assert uow.jobs.is_due("daily", MINUTE)


def test_a_clock_that_was_wrong_once_holds_up_nothing(database: TestDatabase, store: Store) -> None:
    def claim(uow: UnitOfWork) -> bool:
        return uow.jobs.claim("watch", MINUTE)

    database.clock.forward(days=3000)
    assert act(store, claim)
    database.clock.forward(days=-3000)
    with store.read() as uow:
        assert uow.jobs.is_due("watch", MINUTE)
    assert act(store, claim)
    assert not act(store, claim)
    with store.read() as uow:
        assert uow.jobs.get("watch") == Job("watch", uow.now, uow.now, "")


def test_a_long_pause_begins_anew(database: TestDatabase, store: Store) -> None:
    def claim(uow: UnitOfWork) -> bool:
        return uow.jobs.claim("watch", MINUTE)

    act(store, claim)
    for minutes, begins_anew in ((1, False), (4, False), (5, True)):
        now = database.clock.forward(minutes=minutes)
        act(store, claim)
        with store.read() as uow:
            job = uow.jobs.get("watch")
        since = now if begins_anew else samples.NOW
        assert job == Job("watch", since, now, "")


def test_a_job_in_pieces_keeps_its_place(database: TestDatabase, store: Store) -> None:
    place = json.dumps([2**40, "a" * 64])
    with store.begin() as uow:
        uow.jobs.claim("verify", MINUTE)
        uow.jobs.reach("verify", place)
        uow.commit()
    now = database.clock.forward(minutes=1)
    with store.begin() as uow:
        uow.jobs.claim("verify", MINUTE)
        assert uow.jobs.get("verify") == Job("verify", samples.NOW, now, place)
