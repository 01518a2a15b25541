"""What a private service cannot be made to do: readers that are plugged in and out live."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from itertools import islice

import pytest

from hardware import pcsc
from hardware.monitor import PcscMonitor, growing
from hardware.pcsc import STATE_PRESENT, Context, PcscError, PcscReaderState
from kiosk.contract.ports import (
    CardInserted,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)

GONE = 0x8
Answer = tuple[str, ...] | list[PcscReaderState] | PcscError


class Service:
    """A PC/SC service by script: lists of readers, and states or errors to wait for."""

    def __init__(self, *sights: Answer) -> None:
        self._answers: Iterator[Answer] = iter(sights)
        self.waited_with: list[list[PcscReaderState]] = []

    def list_readers(self, _context: Context) -> tuple[str, ...]:
        answer = self._next()
        assert isinstance(answer, tuple)
        return answer

    def wait(
        self, _context: Context, _timeout: int, known: Iterable[PcscReaderState]
    ) -> tuple[PcscReaderState, ...]:
        self.waited_with.append(list(known))
        answer = self._next()
        assert isinstance(answer, list)
        return tuple(answer)

    def _next(self) -> Answer:
        answer = next(self._answers, None)
        if answer is None:
            raise PcscError("script", 0x8010001D)
        if isinstance(answer, PcscError):
            raise answer
        return answer


def events_of(monkeypatch: pytest.MonkeyPatch, service: Service) -> tuple[ReaderEvent, ...]:
    """Run the thread on the service to the end of its script; return all that it posted."""
    monkeypatch.setattr(pcsc, "establish", lambda: Context(1))
    monkeypatch.setattr(pcsc, "release", lambda _context: None)
    monkeypatch.setattr(pcsc, "cancel", lambda _context: None)
    monkeypatch.setattr(pcsc, "list_readers", service.list_readers)
    monkeypatch.setattr(pcsc, "wait_for_change", service.wait)
    posted: queue.Queue[ReaderEvent] = queue.Queue()
    monitor = PcscMonitor(posted.put, retry_s=60)
    monitor.start()
    events: tuple[ReaderEvent, ...] = ()
    while ServiceLost() not in events:
        events = (*events, posted.get(timeout=60))
    monitor.stop()
    return events


def plugged(count: int) -> PcscReaderState:
    return PcscReaderState(pcsc.PLUG_AND_PLAY, count << 16)


def present(reader: str, count: int) -> PcscReaderState:
    return PcscReaderState(reader, count << 16 | STATE_PRESENT)


def test_a_service_that_does_not_start_is_asked_less_and_less_often() -> None:
    assert list(islice(growing(0.25), 6)) == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_a_reader_is_pulled_out_with_its_card_and_plugged_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service(
        ("a", "b"),
        [present("a", 1), PcscReaderState("b", 0x10), plugged(2)],
        ("a", "b"),
        [PcscReaderState("a", GONE), PcscReaderState("b", 0x10), plugged(3)],
        ("b",),
        [PcscReaderState("b", 0x10), plugged(4)],
        ("a", "b"),
        [present("a", 0), PcscReaderState("b", 0x10), plugged(4)],
    )
    assert events_of(monkeypatch, service) == (
        ServiceFound(),
        ReadersChanged(("a", "b")),
        CardInserted("a", 1),
        CardRemoved("a", 1),
        ReadersChanged(("b",)),
        ReadersChanged(("a", "b")),
        CardInserted("a", 2),
        CardRemoved("a", 2),
        ServiceLost(),
    )
    # A reader that is back is asked about anew, and plugging as it was told last.
    assert service.waited_with[3][0] == PcscReaderState("a", 0)
    assert [waited[-1] for waited in service.waited_with] == [plugged(n) for n in (0, 2, 3, 4)]


@pytest.mark.parametrize("code", [0x8010000A, 0x80100009, 0x80100002])
def test_a_wait_without_news_ends_nothing(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    service = Service(
        ("a",),
        [present("a", 1), plugged(1)],
        ("a",),
        PcscError("wait", code),
        ("a",),
        [present("a", 3), plugged(1)],
    )
    assert events_of(monkeypatch, service)[2:-2] == (
        CardInserted("a", 1),
        CardRemoved("a", 1),
        CardInserted("a", 2),
    )


def test_no_reader_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service((), [plugged(0)], ("a",), [PcscReaderState("a", 0x10), plugged(1)])
    assert events_of(monkeypatch, service) == (
        ServiceFound(),
        ReadersChanged(()),
        ReadersChanged(("a",)),
        ServiceLost(),
    )


def test_any_other_fault_counts_as_the_service_being_away(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(("a",), PcscError("wait", 0x80100006))
    assert events_of(monkeypatch, service) == (
        ServiceFound(),
        ReadersChanged(("a",)),
        ServiceLost(),
    )
