"""Other programs at the same card: kept out, waited for, and the effect of their resets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.card_access import CardTimeouts
from hardware.connection import Exchange
from hardware.pcsc import PcscError
from kiosk.contract.errors import CardBusy, OutcomeUnknown
from tests.hardware.failing import (
    CHANGES,
    NEW,
    PUK,
    address,
    cards_with,
    chip,
    connect_shared,
    secrets_in,
    unblock,
)
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


Connect = Callable[[pcsc.Context, str], tuple[pcsc.Handle, int]]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the card to other programs, too: they can reset it."""
    monkeypatch.setattr(pcsc, "SHARE", scard.SCARD_SHARE_SHARED)


@contextmanager
def other_program(reader: str, connect: Connect = connect_shared) -> Iterator[pcsc.Handle]:
    context = pcsc.establish()
    handle, _ = connect(context, reader)
    try:
        yield handle
    finally:
        pcsc.disconnect(handle, reset=False)
        pcsc.release(context)


def test_a_card_that_another_program_holds_is_busy(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    with other_program(seat.reader), pytest.raises(CardBusy):
        cards_with().read(seat.reader)
    assert failing.apdus == []
    assert cards_with().read(seat.reader)


def test_a_card_is_waited_for_while_another_program_finishes(insert: Insert) -> None:
    seat = insert(chip())
    waiting, holding, leave = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with other_program(seat.reader, pcsc.connect):
            holding.set()
            leave.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert holding.wait(60)
    reports: list[object] = []
    cards = cards_with(CardTimeouts(busy_s=60.0, retry_s=0.01))

    def read() -> None:
        waiting.set()
        reports.append(cards.read(seat.reader))

    reading = threading.Thread(target=read)
    reading.start()
    assert waiting.wait(60)
    leave.set()
    reading.join(60)
    other.join(60)
    assert len(reports) == 1


def test_others_are_kept_out_while_we_work(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    refused: list[PcscError] = []

    def connect(_exchange: Exchange) -> None:
        with pytest.raises(PcscError) as raised, other_program(seat.reader):
            pass
        refused.append(raised.value)

    unblock(cards_with(trace=connect), address(seat, failing), PUK, NEW)
    assert refused
    assert all(error.busy for error in refused)


class ResettingProgram:
    """Resets the card, over another connection, after the n-th exchange it sees."""

    def __init__(self, reader: str, after: set[int]) -> None:
        self._reader = reader
        self._after = after
        self._seen = 0

    def __call__(self, exchange: Exchange) -> None:
        if exchange.status is not None:
            self._seen += 1
        if self._seen in self._after:
            self._after.discard(self._seen)
            context = pcsc.establish()
            handle, _ = connect_shared(context, self._reader)
            pcsc.disconnect(handle, reset=True)
            pcsc.release(context)


@pytest.mark.usefixtures("shared")
def test_a_reading_survives_a_reset_by_another_program(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    undisturbed = cards_with().read(seat.reader)
    for after in (1, 2, 3, 4):
        before = len(failing.apdus)
        cards = cards_with(trace=ResettingProgram(seat.reader, {after}))
        assert cards.read(seat.reader) == undisturbed
        selects = [apdu for apdu in failing.apdus[before:] if apdu[1] == 0xA4]
        assert len(selects) == 2


@pytest.mark.usefixtures("shared")
def test_a_card_that_is_reset_again_and_again_is_busy(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    cards = cards_with(trace=ResettingProgram(seat.reader, {1, 2, 3, 4, 5}))
    with pytest.raises(CardBusy):
        cards.read(seat.reader)


@pytest.mark.usefixtures("shared")
def test_a_change_is_not_sent_after_a_reset_by_another_program(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    for instruction, operation in CHANGES.items():
        cards = cards_with(trace=ResettingProgram(seat.reader, {2}))
        with pytest.raises(OutcomeUnknown) as raised:
            operation(cards, address(seat, failing))
        assert failing.count(instruction) == 0
        assert not secrets_in(raised.value)
