from __future__ import annotations

import asyncio
import fcntl
import os
import select
import signal
import struct
import termios
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from textual import events
from textual.app import App
from textual.message import Message

from screens.terminal import driver as module
from screens.terminal.decoder import Decoder
from screens.terminal.driver import INPUT_BACKLOG, HungUp, Painter, StationDriver, TokenBucket


class Listener:
    """Stands for the app: keeps what is posted to it."""

    def __init__(self) -> None:
        self.message_queue_size = 0
        self.heard: list[Message] = []
        self.news = asyncio.Event()

    async def _post_message(self, message: Message) -> bool:
        self.heard.append(message)
        self.news.set()
        return True

    async def wait_for(self, count: int) -> list[Message]:
        """Return what was heard once there are ``count`` messages."""
        while len(self.heard) < count:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.heard


class Wire:
    """A driver that reads from a pipe on its input thread."""

    def __init__(self, *, touch: bool = True) -> None:
        self.listener = Listener()
        self.driver = StationDriver(cast(App[Any], self.listener), mouse=touch)
        self.driver.fileno, self.end = os.pipe()
        self.thread = threading.Thread(target=self.driver._run_input_thread)

    def start(self) -> None:
        """Begin to read."""
        self.thread.start()

    def close(self) -> None:
        """Stop reading."""
        self.driver.exit_event.set()
        self.thread.join()


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
    key, touch = await wire.listener.wait_for(2)
    wire.close()
    assert isinstance(key, events.Key)
    assert (key.key, key.character) == ("7", "7")
    assert isinstance(touch, events.MouseDown)
    assert (touch.x, touch.y, touch.button) == (2, 3, 1)


async def test_touches_do_not_arrive_where_there_is_none() -> None:
    wire = Wire(touch=False)
    wire.start()
    os.write(wire.end, b"\x1b[<0;3;4M\x1b[<0;3;4m7")
    (key,) = await wire.listener.wait_for(1)
    wire.close()
    assert isinstance(key, events.Key)


async def test_a_lone_escape_arrives_after_a_moment() -> None:
    wire = Wire()
    wire.start()
    os.write(wire.end, b"\x1b")
    (key,) = await wire.listener.wait_for(1)
    wire.close()
    assert isinstance(key, events.Key)
    assert key.key == "escape"


async def test_the_end_of_input_is_a_hang_up() -> None:
    wire = Wire()
    wire.start()
    os.close(wire.end)
    (message,) = await wire.listener.wait_for(1)
    wire.close()
    assert isinstance(message, HungUp)


async def test_an_input_output_error_is_a_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_fd: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    wire = Wire()
    monkeypatch.setattr("os.read", fail)
    wire.start()
    os.write(wire.end, b"7")
    (message,) = await wire.listener.wait_for(1)
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
    await wire.listener.wait_for(1)
    os.write(wire.end, b"!")
    while wire.thread.is_alive() and not _drained(wire):
        await asyncio.sleep(0.01)
    os.write(wire.end, b"8")
    heard = await wire.listener.wait_for(2)
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
    (message,) = await wire.listener.wait_for(1)
    wire.close()
    assert isinstance(message, HungUp)


async def test_a_backlog_is_dropped() -> None:
    wire = Wire()
    wire.listener.message_queue_size = INPUT_BACKLOG
    wire.driver._pass_on(Decoder().feed(b"7"), TokenBucket(lambda: 0.0))
    wire.listener.message_queue_size = INPUT_BACKLOG - 1
    wire.driver._pass_on(Decoder().feed(b"8"), TokenBucket(lambda: 0.0))
    (key,) = await wire.listener.wait_for(1)
    assert isinstance(key, events.Key)
    assert key.key == "8"


async def test_the_size_is_asked_of_the_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "9999")
    monkeypatch.setenv("LINES", "9999")
    wire = Wire()
    outside, wire.driver.fileno = os.openpty()
    assert wire.driver._get_terminal_size() == (80, 24)  # a new one has no size
    os.close(outside)
    assert not wire.driver.can_suspend


async def test_a_new_size_is_noticed_without_a_signal() -> None:
    wire = Wire()
    outside, wire.driver.fileno = os.openpty()
    wire.driver._sized = wire.driver._get_terminal_size()
    wire.start()
    fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    (message,) = await wire.listener.wait_for(1)
    wire.close()
    os.close(outside)
    assert isinstance(message, events.Resize)
    assert message.size == (100, 30)


async def test_signals_of_the_terminal_have_no_handler() -> None:
    Wire()
    assert signal.getsignal(signal.SIGWINCH) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_IGN


async def test_the_display_works_while_it_writes_and_the_terminal_answers() -> None:
    wire = Wire()
    driver, terminal = wire.driver, os.pipe()
    driver._painter = Painter(terminal[1], lambda: None)
    driver._painter.start()
    wire.start()

    async def painting() -> None:
        while not driver.is_painting:
            await asyncio.sleep(0.01)

    driver.ask()
    assert os.read(terminal[0], 99) == b"\x1b[5n"
    await painting()  # a terminal that never answers is believed
    os.write(wire.end, b"\x1b[0n")
    while not driver._answers:
        await asyncio.sleep(0.01)
    driver.ask()
    assert os.read(terminal[0], 99) == b"\x1b[5n"
    assert not driver.is_painting, "it was not answered yet, by a terminal that answers"
    os.write(wire.end, b"\x1b[0n")
    await painting()
    wire.close()
    driver._painter.stop(10)
