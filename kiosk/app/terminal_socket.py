"""The terminal of a display, passed to the station over a Unix socket.

The station runs with another account than compositor and terminal, without access to devices.
``serve_terminal`` keeps running in the terminal: a station that ends leaves an empty page, and the
next one gets the same terminal.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kiosk.app.service_manager import ServiceManager
from screens.terminal.lockdown import close_keyboard, ignore_keyboard_signals

_BEAT_S = 1.0
_AGAIN_S = 0.1

_ONE_MOMENT = (
    b"\x1b[?2026l\x1b[?1000l\x1b[?1006l\x1b[?7l\x1b[?25l\x1b[?1049h\x1b[0m\x1b[2J\x1b[H"
    b"\r\n\r\n  One moment, please."
)
"""Ends a frame, the mouse and the wrapping of lines, and shows the page between two stations."""

_ARE_YOU_THERE, _YES = b"\x1b[5n", b"\x1b[0n"
"""Device status report (ECMA-48, 8.3.35)."""


def serve_terminal(terminal: int, listener: socket.socket, beat: Callable[[], None]) -> None:
    """Pass ``terminal`` to one caller after the other, until it is gone.

    A caller has it until its end of the connection is closed. ``beat`` is called every second in
    which the terminal answers, or a caller has it: the caller then monitors it.
    """
    while True:
        close_keyboard(terminal)
        os.write(terminal, _ONE_MOMENT)
        _await_answer(terminal)
        while not _can_be_read(listener, _BEAT_S):
            beat()
            _await_answer(terminal)
        caller, _ = listener.accept()
        termios.tcflush(terminal, termios.TCIFLUSH)  # keys that were meant for nobody
        with caller, suppress(ConnectionError):
            socket.send_fds(caller, [b"\0"], [terminal])
            while not _can_be_read(caller, _BEAT_S):
                beat()


def _await_answer(terminal: int) -> None:
    """Send a request, and wait until the terminal answers; input before that is dropped."""
    termios.tcflush(terminal, termios.TCIFLUSH)
    os.write(terminal, _ARE_YOU_THERE)
    answer = b""
    while _YES not in answer:
        answer = answer[-len(_YES) :] + os.read(terminal, 4096)


def _can_be_read(source: int | socket.socket, seconds: float) -> bool:
    return bool(select.select([source], [], [], seconds)[0])


def receive_terminal(path: str) -> None:
    """Make the terminal behind the socket ``path`` this process's input and display.

    Waits until one is served. It is returned when this process and its children have ended.
    """
    while True:
        wire = socket.socket(socket.AF_UNIX)
        with suppress(FileNotFoundError, ConnectionError):
            wire.connect(path)
            _, found, _, _ = socket.recv_fds(wire, 1, 1)
            if found:
                break
        wire.close()
        time.sleep(_AGAIN_S)
    for number in (0, 2):
        os.dup2(found[0], number)
    os.close(found[0])
    wire.detach()  # open until the end


def main(path: str, beats: str) -> None:
    """Serve the terminal of this process at ``path``; ``beats`` is a datagram socket."""
    ignore_keyboard_signals()
    manager = ServiceManager(beats)
    place = Path(path)
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        place.chmod(0o660)
        listener.listen()
        with suppress(OSError, termios.error):  # the terminal is gone
            serve_terminal(0, listener, lambda: manager.notify("WATCHDOG=1"))


if __name__ == "__main__":
    main(*sys.argv[1:])
