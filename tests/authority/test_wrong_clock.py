"""A clock that was wrong for a while, and is right again, leaves no harm behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    FactorEnd,
    FactorOver,
    SendCode,
    SetPin,
    VisitOpened,
)
from tests.attacks.hostile_station.test_secret_of_the_next_unlock import unlock_honestly
from tests.authority.world import World
from tests.support.database import SetClock

YEAR = timedelta(days=365)


@dataclass
class WrongClock(SetClock):
    """A clock whose time of day can be wrong; its seconds are right."""

    wrong_by: timedelta = timedelta()

    def now(self) -> datetime:
        return super().now() + self.wrong_by

    def monotonic(self) -> float:
        return super().now().timestamp()


@pytest.fixture
def clock() -> WrongClock:
    return WrongClock()


@pytest.fixture
def world(folder: Path, clock: WrongClock) -> Iterator[World]:
    world = World(folder, time=clock)
    yield world
    world.store.close()


# --- codes and visits ------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(hours=2), YEAR])
def test_codes_of_a_clock_that_was_ahead_hold_up_no_other(
    world: World, clock: WrongClock, ahead: timedelta
) -> None:
    """Before: the holder saw the page for a code, and could have another one in a year."""
    card = world.registered_card()
    clock.wrong_by = ahead
    visit = world.insert(card, blocked=True)
    visit.to_code()
    for _ in range(world.policy.codes_an_hour - 1):
        clock.forward(minutes=1)
        assert isinstance(visit.send(), EnterCode)
    visit.pull()
    clock.wrong_by = timedelta()
    visit = world.insert(card, blocked=True)
    assert isinstance(visit.opened, VisitOpened)
    assert visit.opened.resumed is None
    visit.to_code()
    assert isinstance(visit.enter(world.relay.code), SetPin)


def test_withdrawn_code_is_distinguished_from_one_of_a_clock_that_was_ahead(
    world: World, clock: WrongClock
) -> None:
    """Before: the station was refused the step, as the newest code was the other one."""
    card = world.registered_card()
    clock.wrong_by = YEAR
    visit = world.insert(card, blocked=True)
    visit.to_code()
    visit.pull()
    clock.wrong_by = timedelta()
    visit = world.insert(card, blocked=True)
    visit.to_code()
    with world.store.begin() as uow:
        uow.codes.revoke_all(card.id)
        uow.commit()
    reply = visit.enter(world.relay.code)
    assert isinstance(reply, FactorOver)
    assert reply.why is FactorEnd.WITHDRAWN


def test_a_code_is_dead_where_the_clock_was_put_back_behind_it(
    world: World, clock: WrongClock
) -> None:
    """Before: it lived until the clock had caught up."""
    card = world.registered_card()
    visit = world.insert(card, blocked=True)
    visit.to_code()
    clock.forward(minutes=4)
    clock.wrong_by = -timedelta(minutes=30)
    reply = visit.enter(world.relay.code)
    assert isinstance(reply, FactorOver)
    assert reply.why is FactorEnd.EXPIRED
    again = world.insert(card, blocked=True)
    assert isinstance(again.opened, VisitOpened)
    assert again.opened.resumed is None


def test_a_code_lives_on_where_the_clock_is_put_back_a_little(
    world: World, clock: WrongClock
) -> None:
    """As after a fail-over: the clock of the new database server is behind."""
    visit = world.insert(world.registered_card(), blocked=True)
    visit.to_code()
    clock.wrong_by = -timedelta(seconds=90)
    assert isinstance(visit.enter(world.relay.code), SetPin)


def test_a_visit_ends_where_the_clock_is_put_back_far_behind_it(
    world: World, clock: WrongClock
) -> None:
    """Before: it stayed open until the clock had caught up, with the answers given in it."""
    visit = world.insert(world.registered_card(), blocked=True)
    assert isinstance(visit.answer(visit.questions()), SendCode)
    clock.wrong_by = -timedelta(minutes=59)
    assert isinstance(visit.send(), EnterCode)
    clock.wrong_by = -timedelta(hours=1)
    with pytest.raises(StepRefused, match="too old"):
        visit.send()


def test_a_secret_is_changed_that_a_clock_which_was_ahead_saw_released(
    world: World, clock: WrongClock
) -> None:
    """Before: that unlock counted as one after every other for a year: no new secret was drawn."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    clock.wrong_by = YEAR
    first = unlock_honestly(world, card)
    clock.wrong_by = timedelta()
    assert unlock_honestly(world, card) != first
