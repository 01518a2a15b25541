from __future__ import annotations

import asyncio
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from textual import events
from textual.app import App
from textual.message import Message

from kiosk.contract.policy import MAX_ANSWER
from screens.terminal import driver as module
from screens.terminal.decoder import Decoder
from screens.terminal.driver import (
    BURST,
    INPUT_BACKLOG,
    HungUp,
    InputDropped,
    Key,
    KeysLost,
    RunOver,
    StationDriver,
    TokenBucket,
    VisitDriver,
)
from screens.terminal.lockdown import close_keyboard


class HeardDriver(StationDriver):
    """Keeps what it sends to the app."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.heard: list[Message] = []
        self.runs_over = list[int]()
        """After how many messages each run of characters was over."""
        self._loop_of_test = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def send_message(self, message: Message) -> None:
        if isinstance(message, RunOver):
            self.runs_over.append(len(self.heard))
            return
        self.heard.append(message)
        self._loop_of_test.call_soon_threadsafe(self._news.set)

    async def wait_for(self, count: int) -> list[Message]:
        """Return what was heard once there are ``count`` messages."""
        while len(self.heard) < count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 60)
        return self.heard


class HeardVisitDriver(HeardDriver, VisitDriver):
    """One for a visit, which keeps what it sends as well."""


class BusyApp:
    """An app, of which the driver asks how much waits for it."""

    message_queue_size = 0


class Wire:
    """A driver at a terminal, of which the test holds the other end."""

    def __init__(self, *, touch: bool = True, kind: type[HeardDriver] = HeardDriver) -> None:
        self.app = BusyApp()
        self.end, self.inside = os.openpty()
        self.driver = kind(cast(App[Any], self.app), mouse=touch)
        self.driver.fileno = self.inside

    def start(self) -> Message:
        """Take the terminal; return what is sent first."""
        with pytest.MonkeyPatch.context() as process, os.fdopen(os.dup(self.inside), "w") as output:
            process.setattr(sys, "__stderr__", output)
            self.driver.start_application_mode()
        return self.driver.heard.pop(0)

    async def wait_for(self, count: int) -> list[Message]:
        """Return what was heard after that once there are ``count`` messages."""
        return await self.driver.wait_for(count)

    def read_until(self, end: bytes) -> None:
        """Read what the terminal shows, up to ``end``."""
        read = b""
        while not read.endswith(end):
            read += os.read(self.end, 1)

    def close(self) -> None:
        """Give the terminal back."""
        self.driver.stop_application_mode()
        self.driver.close()
        os.close(self.inside)


@pytest.fixture
def _signals() -> Iterator[None]:
    """Put back what a driver does to the process's signals."""
    numbers = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


pytestmark = pytest.mark.usefixtures("_signals")


async def test_keys_and_touches_arrive() -> None:
    wire = Wire()
    wire.start()
    os.write(wire.end, b"7\x1b[<0;3;4M")
    key, touch = await wire.wait_for(2)
    wire.close()
    assert isinstance(key, events.Key)
    assert (key.key, key.character) == ("7", "7")
    assert isinstance(touch, events.MouseDown)
    assert (touch.x, touch.y, touch.button) == (2, 3, 1)


async def test_a_line_that_is_there_at_once_arrives_whole() -> None:
    wire = Wire()
    wire.start()
    line = "".join(f"{number:02}" for number in range(MAX_ANSWER // 2))
    os.write(wire.end, line.encode())
    keys = await wire.wait_for(len(line))
    wire.close()
    assert "".join(key.key for key in keys if isinstance(key, events.Key)) == line


async def test_touches_do_not_arrive_where_there_is_none() -> None:
    wire = Wire(touch=False)
    wire.start()
    os.write(wire.end, b"\x1b[<0;3;4M\x1b[<0;3;4m7")
    (key,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(key, events.Key)


async def test_a_lone_escape_arrives_after_a_moment() -> None:
    wire = Wire()
    wire.start()
    os.write(wire.end, b"\x1b")
    (key,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(key, events.Key)
    assert key.key == "escape"


async def test_the_end_of_input_is_a_hang_up() -> None:
    wire = Wire()
    wire.start()
    os.close(wire.end)
    (message,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(message, HungUp)


async def test_an_input_output_error_is_a_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    wire = Wire()
    monkeypatch.setattr("os.read", fail)
    wire.start()
    os.write(wire.end, b"7")
    (message,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(message, HungUp)


async def test_a_fault_of_the_decoder_costs_its_input_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Brittle(Decoder):
        def feed(self, data: bytes) -> Iterator[Any]:
            if b"!" in data:
                raise OverflowError
            return super().feed(data)

    monkeypatch.setattr(module, "Decoder", Brittle)
    wire = Wire()
    wire.start()
    os.write(wire.end, b"7")
    await wire.wait_for(1)
    os.write(wire.end, b"!")
    while not _drained(wire):
        await asyncio.sleep(0.01)
    os.write(wire.end, b"8")
    heard = await wire.wait_for(2)
    wire.close()
    assert [message.key for message in heard if isinstance(message, events.Key)] == ["7", "8"]


def _drained(wire: Wire) -> bool:
    return not select.select([wire.driver.fileno], [], [], 0)[0]


async def test_any_other_fault_ends_the_program_rather_than_the_keyboard_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(Decoder):
        def feed(self, data: bytes) -> Iterator[Any]:
            raise RuntimeError

    monkeypatch.setattr(module, "Decoder", Broken)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    wire = Wire()
    wire.start()
    os.write(wire.end, b"7")
    (message,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(message, HungUp)


async def test_a_backlog_is_dropped() -> None:
    wire = Wire()
    wire.app.message_queue_size = INPUT_BACKLOG
    wire.driver._pass_on(Decoder().feed(b"7"), TokenBucket(lambda: 0.0))
    wire.app.message_queue_size = INPUT_BACKLOG - 1
    wire.driver._pass_on(Decoder().feed(b"8"), TokenBucket(lambda: 0.0))
    key, lost = await wire.wait_for(2)
    assert isinstance(key, events.Key)
    assert key.key == "8"
    assert isinstance(lost, KeysLost)


async def test_of_a_burst_that_is_too_long_the_program_hears_once_and_last() -> None:
    """Before: the keys beyond the hundredth were gone, and nobody was told."""
    wire = Wire()
    wire.driver._pass_on(Decoder().feed(b"7" * (BURST + 50)), TokenBucket(lambda: 0.0))
    heard = await wire.wait_for(BURST + 1)
    assert [type(one) for one in heard] == [Key] * BURST + [KeysLost]


async def test_end_of_a_run_is_said_once_and_after_its_keys() -> None:
    driver, decoder = Wire().driver, Decoder()
    bucket = TokenBucket(lambda: 0.0)
    driver._pass_on(decoder.feed(b"12"), bucket)
    assert driver.runs_over == []
    driver._pass_on(decoder.expire(), bucket)
    driver._pass_on(decoder.expire(), bucket)
    driver._pass_on(decoder.feed(b"\t345\r"), bucket)
    assert driver.runs_over == [2, 6]
    keys = [key for key in driver.heard if isinstance(key, Key)]
    assert [key.run for key in keys] == [1, 2, 0, 1, 2, 3, 0]


async def test_end_of_a_run_whose_keys_were_dropped_is_not_said() -> None:
    wire, decoder = Wire(), Decoder()
    wire.app.message_queue_size = INPUT_BACKLOG
    wire.driver._pass_on(decoder.feed(b"1\t2\t"), TokenBucket(lambda: 0.0))
    assert wire.driver.runs_over == []


async def test_the_size_is_asked_of_the_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "9999")
    monkeypatch.setenv("LINES", "9999")
    wire = Wire()
    first = wire.start()
    wire.close()
    assert isinstance(first, events.Resize)
    assert first.size == (80, 24)  # a new terminal has no size
    assert not wire.driver.can_suspend


@pytest.mark.parametrize(("size", "taken"), [((100, 30), (100, 30)), ((65535, 65535), (500, 500))])
async def test_a_new_size_is_noticed_without_a_signal(
    size: tuple[int, int], taken: tuple[int, int]
) -> None:
    """One that no display has would take all memory."""
    wire = Wire()
    wire.start()
    fcntl.ioctl(wire.end, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(size), 0, 0))
    (message,) = await wire.wait_for(1)
    wire.close()
    assert isinstance(message, events.Resize)
    assert message.size == taken


async def test_signals_of_the_terminal_have_no_handler() -> None:
    Wire()
    assert signal.getsignal(signal.SIGWINCH) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_IGN


async def test_the_display_works_while_it_writes_and_the_terminal_answers() -> None:
    wire = Wire()
    wire.start()
    driver = wire.driver

    async def painting() -> None:
        while not driver.is_painting:
            await asyncio.sleep(0.01)

    driver.ask()
    wire.read_until(b"\x1b[5n")
    await painting()  # a terminal that never answers is believed
    os.write(wire.end, b"\x1b[0n")
    while not driver._answers:
        await asyncio.sleep(0.01)
    driver.ask()
    wire.read_until(b"\x1b[5n")
    assert not driver.is_painting, "it was not answered yet, by a terminal that answers"
    os.write(wire.end, b"\x1b[0n")
    await painting()
    wire.close()


async def test_a_process_that_waits_for_its_turn_neither_draws_nor_reads() -> None:
    HeardVisitDriver.turn = os.eventfd(0)
    wire = Wire(kind=HeardVisitDriver)
    close_keyboard(wire.inside)  # as the parent has done
    wire.start()
    wire.driver.write("early")
    assert wire.driver.heard == []
    assert not select.select([wire.end], [], [], 0.2)[0]
    os.eventfd_write(HeardVisitDriver.turn, 1)
    assert isinstance((await wire.wait_for(1))[0], InputDropped)  # the whole page is drawn
    wire.driver.write("END")
    wire.read_until(b"END")
    os.write(wire.end, b"7")
    heard = await wire.wait_for(2)
    assert isinstance(heard[1], events.Key)
    wire.close()


async def test_a_process_leaves_the_terminal_as_it_is_for_the_next() -> None:
    HeardVisitDriver.turn = os.eventfd(1)
    wire = Wire(kind=HeardVisitDriver)
    wire.start()
    await wire.wait_for(1)
    wire.close()
    shown = b""
    while select.select([wire.end], [], [], 0)[0]:
        try:
            shown += os.read(wire.end, 4096)
        except OSError:
            break
    assert shown in (b"", b"\x1b[?2026$p")


async def test_a_process_ends_without_ever_having_had_its_turn() -> None:
    HeardVisitDriver.turn = os.eventfd(0)
    wire = Wire(kind=HeardVisitDriver)
    wire.start()
    wire.close()
    assert wire.driver.heard == []


FILL_AND_LEAVE = """
import os
from screens.terminal.driver import leave_display, open_display
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(2, True)
open_display(touch=True)
leave_display()
"""


def test_a_display_of_another_account_that_takes_nothing_does_not_hold_the_end_up() -> None:
    """Before: a station waited for a frozen terminal that it could not open a second time."""
    with subprocess.Popen([sys.executable, "-c", FILL_AND_LEAVE], stderr=subprocess.PIPE) as done:
        assert done.wait(60) == 0
