"""The table and ``step`` say the same, for every pair of a state and an event."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from kiosk.station.events import Event, Replied
from kiosk.station.states import State
from kiosk.station.step import step
from kiosk.station.table import EVERY, TABLE, document
from tests.station.samples import EVENTS, STATES

DECLARED = {(state, row.trigger): set(row.targets) for row in TABLE for state in row.states}


def trigger(event: Event) -> str:
    return type(event.reply if isinstance(event, Replied) else event).__name__


def measured() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for state in STATES:
        for event in EVENTS:
            following = step(state, event)
            if following.state != state or following.commands:
                found[type(state).__name__, trigger(event)].add(type(following.state).__name__)
    return found


@pytest.mark.parametrize("pair", sorted(DECLARED), ids=" on ".join)
def test_each_row_leads_where_it_says(pair: tuple[str, str]) -> None:
    # A state that an event leaves as it is does not show up as a move.
    quiet = {("OutOfService", "CardOut"), ("Attract", "CardOut")}
    found = measured()[pair]
    if pair == ("OutOfService", "Availability"):
        found |= {type(step(s, e).state).__name__ for s, e in _pairs(*pair)}
    if pair in quiet:
        found |= {type(step(s, e).state).__name__ for s, e in _pairs(*pair)}
    assert found == DECLARED[pair]


def test_nothing_moves_that_is_not_in_the_table() -> None:
    assert set(measured()) <= set(DECLARED)


def test_the_table_knows_every_state_and_the_samples_do_too() -> None:
    names = {kind.__name__ for kind in _members(State)}
    assert set(EVERY) == names
    assert {type(state).__name__ for state in STATES} == names


def test_the_samples_hold_every_event() -> None:
    assert {type(event) for event in EVENTS} == set(_members(Event))


def test_the_printed_diagrams_are_of_this_table() -> None:
    assert Path("docs/flow.md").read_text() == document(), "run `make flow`"


def _pairs(state: str, named: str) -> list[tuple[State, Event]]:
    return [
        (s, e) for s in STATES if type(s).__name__ == state for e in EVENTS if trigger(e) == named
    ]


def _members(union: object) -> tuple[type, ...]:
    members: tuple[type, ...] = union.__args__  # type: ignore[attr-defined]
    return members
