"""A terminal that is handed over a socket: to one station after the other, and closed to keys."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

BETWEEN = "One moment, please."
TAKER = """
import os, sys
from kiosk.app.terminal_socket import receive_terminal
receive_terminal(sys.argv[1])
if os.fork():
    os.write(2, b"\\x1b[2J\\x1b[HI have it")
while True:
    key = os.read(0, 64)
    os.write(2, b" and read " + key.hex().encode())
"""


class Served(Terminal):
    """A terminal in which it is served at ``place``; ``beats`` is the supervisor's socket."""

    def __init__(self, folder: Path, *, answers: bool = True) -> None:
        self.reports_status = answers
        self.place = folder / "t"
        self.beats = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.beats.bind(str(folder / "b"))
        line = ["-I", "-m", "kiosk.app.terminal_socket", str(self.place), str(folder / "b")]
        super().__init__([sys.executable, *line], {"PATH": "/usr/bin"})

    def take(self) -> subprocess.Popen[bytes]:
        """Start a program that takes it and shows what it reads."""
        return subprocess.Popen(
            [sys.executable, "-c", TAKER, str(self.place)], start_new_session=True
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.kill()
    made.beats.close()


def test_stations_take_the_terminal_in_turn_with_an_empty_page_between(served: Served) -> None:
    for _ in range(2):
        served.wait_for(BETWEEN)
        served.send("typed before\x03\x1a\x1c")
        taker = served.take()
        served.wait_for("I have it")
        assert "typed" not in served.text
        assert "read" not in served.text
        served.send("k")
        served.wait_for("and read 6b")
        assert served.beats.recv(64) == b"WATCHDOG=1"
        os.killpg(taker.pid, signal.SIGKILL)
        taker.wait()
        served.wait_for(BETWEEN)
        assert "I have it" not in served.text


def test_terminal_is_given_back_once_its_last_process_is_gone(served: Served) -> None:
    taker = served.take()
    served.wait_for("I have it")
    taker.kill()
    taker.wait()
    served.send("k")
    served.wait_for("and read 6b")
    os.killpg(taker.pid, signal.SIGKILL)
    served.wait_for(BETWEEN)


def test_a_terminal_that_does_not_answer_has_no_beats_and_nobody_gets_it(tmp_path: Path) -> None:
    served = Served(tmp_path, answers=False)
    served.wait_for(BETWEEN)
    taker = served.take()
    while b"\x1b[5n" not in served.written:
        time.sleep(0.01)
    assert not select.select([served.beats], [], [], 0)[0]
    assert "I have it" not in served.text
    served.send("\x1b[0n")
    served.wait_for("I have it")
    assert served.beats.recv(64) == b"WATCHDOG=1"
    os.killpg(taker.pid, signal.SIGKILL)
    taker.wait()
    served.kill()
    served.beats.close()


def test_the_socket_is_for_the_account_and_its_group(served: Served) -> None:
    served.wait_for(BETWEEN)
    assert served.place.stat().st_mode & 0o777 == 0o660
