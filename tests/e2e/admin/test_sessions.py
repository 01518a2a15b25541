"""Sessions that are forked from one process: as those that sshd starts, and lighter."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.admin.ssh_login import Door
from tests.e2e.records import events
from tests.e2e.world import SECONDS
from tests.support.sshd import PROGRAM

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]


def listens(place: Path) -> bool:
    """Return whether somebody accepts there; a socket that is only bound refuses connections."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    accepting = (words for words in map(str.split, lines) if words[3] == "00010000")
    return any(words[-1] == str(place) for words in accepting)


class Warm:
    """``kiosk sessions`` beside an sshd."""

    def __init__(self, door: Door) -> None:
        self.socket = door.sshd.sessions_socket
        self.log = door.world.folder / "sessions.log"
        words = PROGRAM, "sessions", self.socket
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*words, "--config", door.config, "--log", door.sshd.sessions_log],
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not listens(self.socket):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    def sessions(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def await_sessions(self, count: int) -> list[psutil.Process]:
        while len(found := self.sessions()) != count:
            time.sleep(0.05)
        return found

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0


@pytest.fixture
def warm(door: Door) -> Iterator[Warm]:
    made = Warm(door)
    yield made
    made.end()


def test_a_session_is_a_child_of_it_and_follows_the_terminal(door: Door, warm: Warm) -> None:
    key = door.staff("Asha Okafor", "agent")
    agent = door.log_in(key, 100, 30)
    agent.see("log out")
    (child,) = warm.await_sessions(1)
    assert os.getsid(child.pid) == child.pid
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    (client,) = [one for one in door.programs() if "kiosk-session" in one.cmdline()]
    assert client.memory_info().rss < child.memory_info().rss / 10
    agent.resize(130, 40)
    agent.wait_until(lambda shown: max(map(len, map(str.rstrip, shown.splitlines()))) > 120, "wide")
    agent.send("\x11")
    agent.wait_for("You are logged out.")
    assert agent.process.wait(SECONDS) == 0
    warm.await_sessions(0)
    assert [row.detail["how"] for row in events(door.world, "staff-logged-out")] == ["logged-out"]


def test_strangers_and_commands_are_turned_away_as_before(door: Door, warm: Warm) -> None:
    key = door.staff("Asha Okafor", "agent")
    done = door.try_to(key, "cat /etc/passwd")
    assert done.returncode == 1
    assert "Only the RA application runs here" in done.stderr
    assert door.told("staff-turned-away")


def test_a_lost_connection_ends_its_session_and_no_other(door: Door, warm: Warm) -> None:
    key = door.staff("Asha Okafor", "agent")
    lost, stays = door.log_in(key), door.log_in(key)
    lost.see("log out")
    stays.see("log out")
    warm.await_sessions(2)
    lost.process.send_signal(signal.SIGKILL)
    warm.await_sessions(1)
    stays.press("f2")
    stays.see("Find")
    assert len(events(door.world, "staff-logged-out")) == 1


def test_sessions_outlive_it_and_new_ones_need_it_not(door: Door, warm: Warm) -> None:
    """So that it can be replaced by that of a new version while staff work."""
    key = door.staff("Asha Okafor", "agent")
    before = door.log_in(key)
    before.see("log out")
    warm.end()
    after = door.log_in(key)
    after.see("log out")
    before.press("f2")
    before.see("Find")


def test_an_environment_that_was_handed_over_says_of_the_login_alone(
    door: Door, warm: Warm
) -> None:
    """Whatever runs as the account may hand a session over: it steers no library by that."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(warm.socket))
        said = {"LD_PRELOAD": "/x", "KIOSK_STORE__URL": "sqlite:////x", "TERM": "xterm"}
        (master, slave), nobody = os.openpty(), os.open(os.devnull, os.O_RDONLY)
        handed_over = [slave, slave, slave, nobody]
        socket.send_fds(connection, [json.dumps(said).encode() + b"\n"], handed_over)
        assert connection.recv(20).strip().isdigit()
        assert os.read(master, 1000)  # it was turned away: nobody logged in
        assert connection.recv(8) == b"1\n"
        os.close(master)
        os.close(slave)
        os.close(nobody)
    told = door.told("staff-turned-away")
    assert len(told) == 1


def test_what_hands_over_no_terminal_gets_no_session(door: Door, warm: Warm) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(warm.socket))
        connection.sendall(b"{}\n")
        assert connection.recv(8) == b"1\n"
    warm.await_sessions(0)


@pytest.mark.parametrize("said", [b"", b'{"TERM": '])
def test_a_login_that_ends_before_it_has_said_all_leaves_no_session(
    door: Door, warm: Warm, said: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(warm.socket))
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(8) == b"1\n"
    warm.await_sessions(0)
