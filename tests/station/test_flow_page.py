"""``docs/flow.md`` shows what ``step`` does, and the samples leave no state and event out."""

from __future__ import annotations

from pathlib import Path

from kiosk.contract.messages import Reply
from kiosk.station.events import Event
from kiosk.station.states import State
from tests.station.flow_page import moves, names, page, trigger
from tests.station.samples import EVENTS, REPLIES, STATES


def test_the_page_is_printed_anew() -> None:
    assert Path("docs/flow.md").read_text() == page(), "run `make flow`"


def test_the_samples_hold_every_state() -> None:
    assert {type(state).__name__ for state in STATES} == set(names(State))


def test_the_samples_hold_every_event_and_every_reply() -> None:
    assert {type(event).__name__ for event in EVENTS} == set(names(Event))
    replies = {type(reply).__name__ for reply in REPLIES}
    assert replies == set(names(Reply)) - {"VisitOpened"}, "VisitOpened comes with CardRead"


def test_every_state_is_reached_and_left_and_every_event_does_something() -> None:
    found = moves()
    reached = {target for by in found.values() for targets in by.values() for target in targets}
    assert reached == set(names(State))
    assert {source for by in found.values() for source in by} == set(names(State))
    assert set(found) == {trigger(event) for event in EVENTS}
