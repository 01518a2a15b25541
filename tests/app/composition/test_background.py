"""An executor that cannot be built yet is an outage, not a crash; it is tried again."""

from __future__ import annotations

import threading

import pytest

from kiosk.app.composition.station import BackgroundExecutor, OpenExecutor, only_readers
from kiosk.authority.errors import StoreError
from kiosk.contract.errors import describe_fault
from kiosk.contract.messages import ReaderState, VisitEnd, VisitId
from kiosk.contract.ports import CardInserted, ReaderEvent, ReadersChanged, ServiceLost
from kiosk.station.commands import Command, EndVisit, OpenVisit, ReportMute
from kiosk.station.events import NoReply, ResultSide
from kiosk.station.states import Outage

VISIT = VisitId("a" * 32)
READY = ReaderState.READY


class Ready:
    def __init__(self) -> None:
        self.closed = self.stale = False
        self.looks: list[tuple[ReaderState, bool]] = []

    def perform(self, command: Command) -> ResultSide | None:
        return None

    def check_authority(self, reader: ReaderState, *, idle: bool) -> None:
        self.looks.append((reader, idle))

    def close(self) -> None:
        self.closed = True


def test_what_was_built_is_closed() -> None:
    ready = Ready()
    executor = BackgroundExecutor(lambda: ready)
    executor.close()
    assert not ready.closed
    executor.check_authority(READY, idle=True)
    executor.close()
    assert ready.closed


def test_what_is_stale_is_built_anew() -> None:
    first, second = Ready(), Ready()
    waiting = [second, first]
    executor = BackgroundExecutor(waiting.pop)
    executor.check_authority(READY, idle=True)
    first.stale = True
    executor.check_authority(READY, idle=True)
    assert first.closed
    assert waiting == []
    assert not second.closed


def test_nothing_is_built_anew_under_a_visit() -> None:
    first = Ready()
    executor = BackgroundExecutor(lambda: first)
    first.stale = True
    assert executor.check_authority(READY, idle=False) is None
    assert not first.closed
    assert first.looks == [(READY, False)]


class Recording(Ready):
    """Records an outcome until it is let go; the card is out, so the page is the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way, self.go = threading.Event(), threading.Event()
        self.was_closed: bool | None = None

    def perform(self, command: Command) -> ResultSide | None:
        self.under_way.set()
        assert self.go.wait(60)
        self.was_closed = self.closed
        return None


def test_nothing_is_built_anew_while_an_outcome_is_recorded() -> None:
    first, second = Recording(), Ready()
    waiting: list[OpenExecutor] = [second, first]
    executor = BackgroundExecutor(waiting.pop)
    work = threading.Thread(target=executor.perform, args=[OpenVisit(VISIT, "R")])
    work.start()
    assert first.under_way.wait(60)
    first.stale = True
    executor.check_authority(READY, idle=True)
    first.go.set()
    work.join()
    assert first.was_closed is False
    executor.check_authority(READY, idle=True)
    assert first.closed
    assert waiting == []


def test_a_database_that_is_away_at_the_start_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = [StoreError("away"), StoreError("away")]

    def build() -> OpenExecutor:
        if failures:
            raise failures.pop()
        return Ready()

    executor = BackgroundExecutor(build)
    assert executor.check_authority(READY, idle=True) is Outage.AUTHORITY_AWAY
    assert executor.perform(OpenVisit(VISIT, "R")) == NoReply(VISIT)
    assert [log.getMessage() for log in caplog.records] == [
        "the authority cannot be opened: away"
    ] * 2
    assert executor.check_authority(READY, idle=True) is None


@pytest.mark.parametrize("command", [EndVisit(VISIT, VisitEnd.LEFT), ReportMute(VISIT)])
def test_a_report_waits_for_nobody(command: Command) -> None:
    def build() -> OpenExecutor:
        raise StoreError("away")

    executor = BackgroundExecutor(build)
    assert executor.perform(command) is None


def test_readers_of_other_names_are_not_heard() -> None:
    heard: list[ReaderEvent] = []
    post = only_readers("Desk", heard.append)
    for event in (
        CardInserted("Desk 1", 1),
        CardInserted("Other", 2),
        ReadersChanged(("Desk 1", "Other")),
        ServiceLost(),
    ):
        post(event)
    assert heard == [CardInserted("Desk 1", 1), ReadersChanged(("Desk 1",)), ServiceLost()]


def test_a_described_fault_tells_where_and_not_what() -> None:
    pin = "482916"

    def inner() -> None:
        raise ValueError(pin)

    def outer() -> None:
        try:
            inner()
        except ValueError as cause:
            raise RuntimeError(f"with {pin}") from cause

    with pytest.raises(RuntimeError) as caught:
        outer()
    text = describe_fault(caught.value)
    assert pin not in text
    assert "RuntimeError" in text
    assert "ValueError" in text
    assert "test_background.py" in text
