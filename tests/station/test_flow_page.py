"""``docs/flow.md`` shows what ``step`` does, and the samples leave no state and event out."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.contract.messages import Reply
from kiosk.station.events import Event
from kiosk.station.states import State
from tests.station import flow_page
from tests.station.flow_page import main, moves, names, page, trigger
from tests.station.samples import EVENTS, REPLIES, STATES


def test_the_page_is_printed_anew() -> None:
    assert Path("docs/flow.md").read_text() == page(), "run `make flow`"


def test_nothing_is_printed_while_a_sample_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flow_page, "STATES", STATES[1:2])
    monkeypatch.setattr(flow_page, "EVENTS", EVENTS[1:])
    with pytest.raises(SystemExit, match=r"no sample of OutOfService, Reading, .*, CardIn: add"):
        main()
    assert not capsys.readouterr().out


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
