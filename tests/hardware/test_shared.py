"""Other programs at the same card: kept out, waited for, and the effect of their resets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.card_access import CardTimeouts
from hardware.connection import Exchange
from hardware.pcsc import PcscError
from hardware.virtual.piv import VirtualCard, new_card
from kiosk.contract.errors import CardBusy, OutcomeUnknown
from tests.hardware.failing import (
    CHANGES,
    NEW,
    PUK,
    FailingCard,
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
    assert all(error.code == pcsc.BUSY for error in refused)


class SlowToWake(FailingCard):
    """A card that can be asleep: it then keeps the reader, which asks for its ATR, waiting."""

    def __init__(self, card: VirtualCard) -> None:
        super().__init__(card)
        self._asked, self._awake = threading.Event(), threading.Event()
        self._awake.set()

    @property
    def atr(self) -> bytes:
        self._asked.set()
        self._awake.wait()
        return super().atr

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Sleep within the block, from the moment on in which the reader waits."""
        self._awake.clear()
        self._asked.clear()
        self._asked.wait()
        try:
            yield
        finally:
            self._awake.set()


def test_a_program_that_connects_in_the_same_moment_is_waited_for(
    insert: Insert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pcscd checks who else is connected, then waits for the reader, then connects.

    Two that wait there together both get in, and the exclusive one may not reset the card.
    """
    slow = SlowToWake(new_card(holder_name="Ada Example"))
    seat = insert(slow)
    cards = cards_with(CardTimeouts(answer_s=20.0, busy_s=60.0, retry_s=0.02))
    at = address(seat, slow)
    refused: list[PcscError] = []
    reconnect = pcsc.reconnect

    def watched(handle: pcsc.Handle, *, reset: bool) -> int:
        try:
            return reconnect(handle, reset=reset)
        except PcscError as error:
            refused.append(error)
            raise

    def come_in() -> None:
        with suppress(PcscError), other_program(seat.reader):
            pass

    monkeypatch.setattr(pcsc, "reconnect", watched)
    with ThreadPoolExecutor(2) as pool:
        while not refused:
            with slow.asleep():
                ours = pool.submit(cards.hold, at, lambda _card: None)
                theirs = pool.submit(come_in)
                for _ in range(5):
                    pcsc.release(pcsc.establish())  # pcscd serves others meanwhile
            ours.result()
            theirs.result()
    assert {error.code for error in refused} == {pcsc.BUSY}


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
