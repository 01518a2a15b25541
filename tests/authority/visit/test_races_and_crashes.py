"""Forty at once from two processes, and a program that is killed at the worst moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kiosk.authority.records import Card
from kiosk.contract.messages import Reason, Refusal, VisitId
from tests.authority.card_in_reader import KeylessCard
from tests.authority.other_process import race
from tests.authority.world import World
from tests.support.prepared import ForkedPython, prepared_program
from tests.support.stored import live_code


@contextmanager
def _other(how: str, world: World, visit: VisitId) -> Iterator[ForkedPython]:
    """Run another process at the same database, set up and waiting for its line."""
    words = ("-m", "tests.authority.other_process", how, str(world.folder), visit)
    with prepared_program().start_python(words, os.environ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process


def _say_go(process: ForkedPython) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def _line(process: ForkedPython) -> str:
    return process.stdout.readline().strip()


def _both(how: str, world: World, visit: VisitId) -> int:
    """Let forty threads of two processes race; return how many looks there were in all."""
    with _other(how, world, visit) as process:
        here = race(how, world.folder, visit, lambda: _say_go(process))
        return here + int(_line(process))


def test_forty_sets_of_answers_three_are_looked_at(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.questions()
    assert _both("answers", world, station_visit.visit) == 3
    registration = world.registration(card)
    assert registration.failures == 3
    assert registration.blocked_at is not None
    assert world.kinds().count("attempt-charged") == 3
    assert world.kinds().count("registration-blocked") == 1
    assert len(world.outbox()) == 2
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_forty_codes_five_are_looked_at(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    assert _both("codes", world, station_visit.visit) == 5
    with world.store.read() as uow:
        live = live_code(uow, card.id)
    assert live is not None
    assert live.tries == 5


def test_forty_releases_one_is_granted(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    station_visit.to_new_pin()
    assert _both("releases", world, station_visit.visit) == 1
    assert world.card(card).secret_exposure == 1
    assert world.kinds().count("secret-released") == 1


def test_killed_between_charge_and_verdict_nothing_is_given_back(world: World, card: Card) -> None:
    for died in (1, 2, 3):
        station_visit = world.insert(card, blocked=True)
        station_visit.questions()
        with _other("dies", world, station_visit.visit) as process:
            _say_go(process)
            assert _line(process) == "looking"
            process.kill()
        assert world.registration(card).failures == died
        assert world.registration(card).blocked_at is None
    world.clock.forward(minutes=1)
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).blocked_at is not None
