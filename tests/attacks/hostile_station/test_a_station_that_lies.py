"""Before: a station, or a card whose VERIFY answers 9000, changed questions and addresses alone.

Whatever a station calls, in whatever order: without an old factor nothing that could open a card
later is altered, and no secret is released.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.attacks.hostile_station.lying import Liar, Old, People
from tests.authority.world import World, copy_template
from tests.support.campaigns import often
from tests.support.database import SetClock
from tests.support.databases import folder_in_memory

CALLS: Final = often(3_000, 200_000)
STEPS: Final = 100
"""Actions of one walk."""

CALLS_A_WALK: Final = 130
"""Fewer than a walk makes: some actions are two calls, and few make none."""

ACTIONS: Final = (
    *["go-on"] * 14, *["begin"] * 2, *["pin"] * 3, *["code"] * 3, *["email"] * 2,
    *["questions"] * 2, *["choose"] * 2, "answer", "send", "release", "admit", "record_outcome",
    "rotate_secret",
    "end", "wait", "other", "prove", *["holder"] * 6, *["copy"] * 3,
)  # fmt: skip
HAVING: Final = (
    *[frozenset[Old]()] * 4, frozenset({Old.MAILBOX}), frozenset({Old.ANSWERS}),
    frozenset({Old.PIN}), frozenset(Old),
)  # fmt: skip


@dataclass
class Estate:
    """One authority for all walks, whose database is put back before each."""

    world: World
    people: People
    pristine: sqlite3.Connection

    def anew(self) -> World:
        """Put everything back; the engine keeps the statements that it has compiled."""
        world = self.world
        live = sqlite3.connect(world.folder / "kiosk.db")
        self.pristine.backup(live)
        live.close()
        world.clock.time = SetClock().time
        world.relay.sent.clear()
        world.restart()
        return world


@pytest.fixture(scope="module")
def estate(sqlite_template: Path) -> Iterator[Estate]:
    with folder_in_memory() as folder:
        world = World(copy_template(sqlite_template, folder))
        world.policy = replace(world.policy, codes_an_hour=20)
        people, pristine = People.made(world), sqlite3.connect(":memory:")
        live = sqlite3.connect(world.folder / "kiosk.db")
        live.backup(pristine)
        live.close()
        yield Estate(world, people, pristine)
        pristine.close()
        world.store.close()


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    """Count the calls of all walks, and see that there were enough."""
    counted: Counter[str] = Counter()
    yield counted
    assert counted.total() >= CALLS, counted


@settings(
    max_examples=CALLS // CALLS_A_WALK + 10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    has=st.sampled_from(HAVING),
    steps=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11), st.integers(0, 23)),
        min_size=STEPS, max_size=STEPS,
    ),
)  # fmt: skip
def test_no_order_of_lies_changes_anything(
    estate: Estate, calls: Counter[str], has: frozenset[Old], steps: list[tuple[str, int, int]]
) -> None:
    liar = Liar(estate.anew(), estate.people, has)
    try:
        for step in steps:
            liar.act(*step)
    finally:
        calls.update(liar.calls)
        liar.close()
    if not has:
        assert not +liar.changed
    having = ", ".join(sorted(one.value for one in has)) or "nothing"
    event(f"having {having}")
    for call in liar.calls:
        event(f"call {call}")
    for change in +liar.changed:
        event(f"{change}, having {having}")
