"""The monitor on a real PC/SC service with cards that go in and out."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hardware import pcsc
from hardware.monitor import PcscMonitor
from hardware.pcsc import PcscReaderState
from hardware.virtual.piv import VirtualCard, new_card
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from tests.support.faults import MuteCard
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, start_empty

pytestmark = pytest.mark.hardware


class Collector:
    """Collects what a monitor posts; ``deaf`` holds the monitor's thread up in the post."""

    def __init__(self) -> None:
        self._posted: queue.Queue[ReaderEvent] = queue.Queue()
        self.listening = threading.Event()
        self.listening.set()

    def post(self, event: ReaderEvent) -> None:
        self._posted.put(event)
        self.listening.wait(30)

    def take(self, count: int = 1, seconds: float = 60.0) -> list[ReaderEvent]:
        return [self._posted.get(timeout=seconds) for _ in range(count)]

    def nothing_more(self) -> bool:
        return self._posted.empty()


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def monitor(pcscd: HotplugPcscd, collector: Collector) -> Iterator[PcscMonitor]:
    start_empty(pcscd)
    monitor = PcscMonitor(collector.post, retry_s=0.05)
    yield monitor
    collector.listening.set()
    monitor.stop()
    pcscd.start()


def started(monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd) -> None:
    monitor.start()
    assert collector.take(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]


def watching() -> bool:
    return any(thread.name == "readers" for thread in threading.enumerate())


def events_until(collector: Collector, last: ReaderEvent) -> set[ReaderEvent]:
    """What was heard before ``last``; slots of one reader need not come or go at once."""
    before: set[ReaderEvent] = set()
    while (event := collector.take()[0]) != last:
        before.add(event)
    return before


def card() -> VirtualCard:
    return new_card(holder_name="Ada Example")


def test_a_card_that_is_in_at_the_start(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    seat = insert(card())
    started(monitor, collector, pcscd)
    assert collector.take() == [CardInserted(seat.reader, 1)]
    seat.remove()
    assert collector.take() == [CardRemoved(seat.reader, 1)]


def test_two_readers(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    first, second = insert(card(), 0), insert(card(), 1)
    assert collector.take(2) == [CardInserted(first.reader, 1), CardInserted(second.reader, 2)]
    first.remove()
    assert collector.take() == [CardRemoved(first.reader, 1)]
    first.insert()
    assert collector.take() == [CardInserted(first.reader, 3)]
    assert collector.nothing_more()


def test_a_swap_while_the_monitor_looked_away(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    collector.listening.clear()
    seat = insert(card())
    assert collector.take() == [CardInserted(seat.reader, 1)]
    seat.remove()
    insert(card())
    assert collector.nothing_more()
    collector.listening.set()
    assert collector.take(2) == [CardRemoved(seat.reader, 1), CardInserted(seat.reader, 2)]


def test_a_mute_card(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    seat = insert(MuteCard())
    assert collector.take() == [CardMuteSeen(seat.reader, 1)]
    seat.remove()
    assert collector.take() == [CardRemoved(seat.reader, 1)]


def test_the_reader_is_pulled_out_with_its_card_and_plugged_in_again(
    insert: Insert,
    monitor: PcscMonitor,
    collector: Collector,
    pcscd: HotplugPcscd,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[object] = []
    wait_for_change = pcsc.wait_for_change

    def counted(*call: Any) -> tuple[PcscReaderState, ...]:
        waits.append(call)
        return wait_for_change(*call)

    monkeypatch.setattr(pcsc, "wait_for_change", counted)
    seat = insert(card())
    started(monitor, collector, pcscd)
    assert collector.take() == [CardInserted(seat.reader, 1)]
    for insertion in (1, 2):
        pcscd.unplug()
        assert CardRemoved(seat.reader, insertion) in events_until(collector, ReadersChanged(()))
        pcscd.replug()
        everything = events_until(collector, CardInserted(seat.reader, insertion + 1))
        assert ReadersChanged(pcscd.reader_names) in everything
    assert collector.nothing_more()
    assert len(waits) < 100, "it does not wait, it runs in circles"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_the_service_dies_and_comes_back(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd, how: str
) -> None:
    seat = insert(card())
    started(monitor, collector, pcscd)
    assert collector.take() == [CardInserted(seat.reader, 1)]
    getattr(pcscd, how)()
    assert collector.take(2) == [CardRemoved(seat.reader, 1), ServiceLost()]
    pcscd.start()
    assert collector.take(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]
    assert collector.take() == [CardInserted(seat.reader, 2)]
    assert collector.nothing_more()


def test_the_service_is_away_at_the_start(
    monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    pcscd.kill()
    monitor.start()
    assert collector.take() == [ServiceLost()]
    pcscd.start()
    assert collector.take(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]


def test_a_post_that_raises_ends_nothing(
    insert: Insert, pcscd: HotplugPcscd, caplog: pytest.LogCaptureFixture
) -> None:
    posted: queue.Queue[ReaderEvent] = queue.Queue()

    def post(event: ReaderEvent) -> None:
        posted.put(event)
        raise LookupError("a secret")

    monitor = PcscMonitor(post)
    monitor.start()
    insert(card())
    named = [type(posted.get(timeout=60)).__name__ for _ in range(3)]
    monitor.stop()
    assert named == ["ServiceFound", "ReadersChanged", "CardInserted"]
    assert caplog.messages == ["an event was not taken: LookupError"] * 3


def test_stop_is_prompt_and_final(
    insert: Insert, monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    seat = insert(card())
    assert collector.take() == [CardInserted(seat.reader, 1)]
    monitor.stop()
    assert not watching()
    seat.remove()
    seat.insert()
    assert collector.nothing_more()


def test_stop_while_the_service_is_away(
    monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    pcscd.kill()
    monitor.start()
    assert collector.take() == [ServiceLost()]
    monitor.stop()
    assert not watching()


def test_a_frozen_service_does_not_hold_the_caller_of_stop(
    monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    os.kill(pcscd.pid, signal.SIGSTOP)
    try:
        stopper = threading.Thread(target=monitor.stop)
        stopper.start()
        stopper.join(60)
        assert not stopper.is_alive()
    finally:
        os.kill(pcscd.pid, signal.SIGCONT)


def test_stopping_twice_does_nothing(
    monitor: PcscMonitor, collector: Collector, pcscd: HotplugPcscd
) -> None:
    started(monitor, collector, pcscd)
    monitor.stop()
    monitor.stop()
    assert not watching()
