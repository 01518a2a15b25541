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
from hardware.virtual.making import new_card
from hardware.virtual.piv import VirtualCard
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


class Ears:
    """Collects what a monitor posts; ``deaf`` holds the monitor's thread up in the post."""

    def __init__(self) -> None:
        self._heard: queue.Queue[ReaderEvent] = queue.Queue()
        self.listening = threading.Event()
        self.listening.set()

    def post(self, event: ReaderEvent) -> None:
        self._heard.put(event)
        self.listening.wait(30)

    def hear(self, count: int = 1, seconds: float = 10.0) -> list[ReaderEvent]:
        return [self._heard.get(timeout=seconds) for _ in range(count)]

    def nothing_more(self) -> bool:
        return self._heard.empty()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def monitor(pcscd: HotplugPcscd, ears: Ears) -> Iterator[PcscMonitor]:
    start_empty(pcscd)
    monitor = PcscMonitor(ears.post, retry_s=0.05)
    yield monitor
    ears.listening.set()
    monitor.stop()
    pcscd.start()


def started(monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd) -> None:
    monitor.start()
    assert ears.hear(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]


def watching() -> bool:
    return any(thread.name == "readers" for thread in threading.enumerate())


def heard_until(ears: Ears, last: ReaderEvent) -> set[ReaderEvent]:
    """What was heard before ``last``; slots of one reader need not come or go at once."""
    before: set[ReaderEvent] = set()
    while (event := ears.hear()[0]) != last:
        before.add(event)
    return before


def card() -> VirtualCard:
    return new_card(holder_name="Ada Example")


def test_a_card_that_is_in_at_the_start(
    insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    seat = insert(card())
    started(monitor, ears, pcscd)
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    seat.remove()
    assert ears.hear() == [CardRemoved(seat.reader, 1)]


def test_two_readers(insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd) -> None:
    started(monitor, ears, pcscd)
    first, second = insert(card(), 0), insert(card(), 1)
    assert ears.hear(2) == [CardInserted(first.reader, 1), CardInserted(second.reader, 2)]
    first.remove()
    assert ears.hear() == [CardRemoved(first.reader, 1)]
    first.insert()
    assert ears.hear() == [CardInserted(first.reader, 3)]
    assert ears.nothing_more()


def test_a_swap_while_the_monitor_looked_away(
    insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    started(monitor, ears, pcscd)
    ears.listening.clear()
    seat = insert(card())
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    seat.remove()
    insert(card())
    assert ears.nothing_more()
    ears.listening.set()
    assert ears.hear(2) == [CardRemoved(seat.reader, 1), CardInserted(seat.reader, 2)]


def test_a_mute_card(insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd) -> None:
    started(monitor, ears, pcscd)
    seat = insert(MuteCard())
    assert ears.hear() == [CardMuteSeen(seat.reader, 1)]
    seat.remove()
    assert ears.hear() == [CardRemoved(seat.reader, 1)]


def test_the_reader_is_pulled_out_with_its_card_and_plugged_in_again(
    insert: Insert,
    monitor: PcscMonitor,
    ears: Ears,
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
    started(monitor, ears, pcscd)
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    for insertion in (1, 2):
        pcscd.unplug()
        assert CardRemoved(seat.reader, insertion) in heard_until(ears, ReadersChanged(()))
        pcscd.replug()
        everything = heard_until(ears, CardInserted(seat.reader, insertion + 1))
        assert ReadersChanged(pcscd.reader_names) in everything
    assert ears.nothing_more()
    assert len(waits) < 100, "it does not wait, it runs in circles"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_the_service_dies_and_comes_back(
    insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd, how: str
) -> None:
    seat = insert(card())
    started(monitor, ears, pcscd)
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    getattr(pcscd, how)()
    assert ears.hear(2) == [CardRemoved(seat.reader, 1), ServiceLost()]
    pcscd.start()
    assert ears.hear(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]
    assert ears.hear() == [CardInserted(seat.reader, 2)]
    assert ears.nothing_more()


def test_the_service_is_away_at_the_start(
    monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    pcscd.kill()
    monitor.start()
    assert ears.hear() == [ServiceLost()]
    pcscd.start()
    assert ears.hear(2) == [ServiceFound(), ReadersChanged(pcscd.reader_names)]


def test_a_post_that_raises_ends_nothing(insert: Insert, pcscd: HotplugPcscd) -> None:
    faults: queue.Queue[Exception] = queue.Queue()

    def post(event: ReaderEvent) -> None:
        raise LookupError(type(event).__name__)

    monitor = PcscMonitor(post, fault=faults.put)
    monitor.start()
    insert(card())
    named = [str(faults.get(timeout=10)) for _ in range(3)]
    monitor.stop()
    assert named == ["ServiceFound", "ReadersChanged", "CardInserted"]


def test_stop_is_prompt_and_final_and_numbers_go_on(
    insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    started(monitor, ears, pcscd)
    seat = insert(card())
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    monitor.stop()
    assert not watching()
    seat.remove()
    seat.insert()
    assert ears.nothing_more()
    started(monitor, ears, pcscd)
    assert ears.hear() == [CardInserted(seat.reader, 2)]


def test_stop_while_the_service_is_away(
    monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    pcscd.kill()
    monitor.start()
    assert ears.hear() == [ServiceLost()]
    monitor.stop()
    assert not watching()


def test_a_frozen_service_does_not_hold_the_caller_of_stop(
    monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    started(monitor, ears, pcscd)
    os.kill(pcscd.pid, signal.SIGSTOP)
    try:
        stopper = threading.Thread(target=monitor.stop)
        stopper.start()
        stopper.join(10)
        assert not stopper.is_alive()
    finally:
        os.kill(pcscd.pid, signal.SIGCONT)


def test_starting_twice_and_stopping_twice_do_nothing(
    insert: Insert, monitor: PcscMonitor, ears: Ears, pcscd: HotplugPcscd
) -> None:
    started(monitor, ears, pcscd)
    monitor.start()
    seat = insert(card())
    assert ears.hear() == [CardInserted(seat.reader, 1)]
    seat.remove()
    assert ears.hear() == [CardRemoved(seat.reader, 1)]
    assert ears.nothing_more()
    monitor.stop()
    monitor.stop()
