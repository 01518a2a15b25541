from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator

import pytest

from screens.terminal.driver import OUTPUT_BACKLOG, Painter

PATIENCE_S = 60


class Canvas:
    """A terminal that is read only when the test says so, and the painter before it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.behind = threading.Event()
        self.painter = Painter(self.slave, self.behind.set)
        self.painter.start()

    def read_until(self, end: bytes) -> bytes:
        read = b""
        while not read.endswith(end):
            read += os.read(self.master, 65536)
        return read

    def wait_until_full(self) -> None:
        room = select.poll()
        room.register(self.slave, select.POLLOUT)
        while room.poll(0):
            pass

    def close(self) -> None:
        os.close(self.master)
        self.painter.stop(PATIENCE_S)
        assert not self.painter.is_alive()
        os.close(self.slave)


@pytest.fixture
def canvas() -> Iterator[Canvas]:
    canvas = Canvas()
    yield canvas
    canvas.close()


def test_all_is_written_in_turn(canvas: Canvas) -> None:
    pages = [f"{n}".rjust(9000, "é") for n in range(20)]
    for page in pages:
        number = canvas.painter.write(page)
    canvas.painter.write("END")
    assert canvas.read_until(b"END").decode() == "".join(pages) + "END"
    assert canvas.painter.has_written(number)


def test_a_terminal_that_is_not_read_keeps_nobody_waiting(canvas: Canvas) -> None:
    canvas.painter.write("x" * 1_000_000)
    canvas.wait_until_full()  # had its thread not begun, all would be left out, and drawn again
    for _ in range(1000):
        last = canvas.painter.write("x" * 9000)
    assert canvas.painter._size <= OUTPUT_BACKLOG
    assert not canvas.painter.has_written(last)
    assert not canvas.behind.is_set()
    reader = threading.Thread(target=canvas.read_until, args=(b"END",))
    reader.start()
    assert canvas.behind.wait(PATIENCE_S), "nobody was asked to draw the page again"
    canvas.painter.write("END")
    reader.join(PATIENCE_S)
    assert not reader.is_alive()


def test_what_waits_can_be_skipped(canvas: Canvas) -> None:
    for _ in range(20):
        canvas.painter.write("x" * 9000)
    canvas.painter.skip()
    canvas.painter.write("END")
    assert len(canvas.read_until(b"END")) < 20 * 9000


def test_a_terminal_that_is_not_read_does_not_keep_it_from_stopping() -> None:
    canvas = Canvas()
    for _ in range(20):
        canvas.painter.write("x" * 9000)
    canvas.painter.stop(0.1)
    canvas.close()


def test_a_terminal_that_is_gone_swallows_everything() -> None:
    canvas = Canvas()
    os.close(canvas.master)
    number = canvas.painter.write("picture")
    canvas.painter.stop(PATIENCE_S)
    assert canvas.painter.has_written(number)
    os.close(canvas.slave)


def test_scroll_lock_does_not_stop_the_bare_console(
    canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: one press, and the page stood still until the watchdog ended the station.

    The kernel stops the output as for Ctrl+S, whatever the modes of the terminal are.
    """
    monkeypatch.setenv("TERM", "linux")
    os.write(canvas.master, b"\x13")
    canvas.wait_until_full()
    canvas.painter.write("picture")
    shown, _, _ = select.select([canvas.master], [], [], PATIENCE_S)
    assert shown, "nothing is drawn any more"
    assert canvas.read_until(b"picture") == b"picture"


def test_the_terminal_of_others_still_blocks(canvas: Canvas) -> None:
    assert os.get_blocking(canvas.slave)


def test_painter_writes_to_what_is_no_terminal() -> None:
    there, here = os.pipe()
    painter = Painter(here, lambda: None)
    painter.start()
    painter.write("picture")
    assert os.read(there, 99) == b"picture"
    painter.stop(PATIENCE_S)
    os.close(there)
    os.close(here)


def test_what_is_drawn_before_it_starts_is_drawn_again_when_it_does() -> None:
    master, slave = os.openpty()
    behind = threading.Event()
    painter = Painter(slave, behind.set, held=True)
    painter.write("early")
    assert not behind.is_set()
    painter.start()
    assert behind.wait(PATIENCE_S)
    painter.write("END")
    painter.stop(PATIENCE_S)
    assert os.read(master, 100) == b"END"
    os.close(master)
    os.close(slave)


def test_painter_that_never_started_stops() -> None:
    master, slave = os.openpty()
    Painter(slave, lambda: None, held=True).stop(PATIENCE_S)
    os.close(master)
    os.close(slave)
