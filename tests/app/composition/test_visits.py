"""The parent of the visits' processes, with small programs in place of a station."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest

from kiosk.app.composition.visits import FAULTS
from screens.terminal.closed_app import FAULT_CODE

PROGRAM = """
import os, select, signal, sys, time
from pathlib import Path
from kiosk.app.composition.visits import VisitProcesses

def live(turn, beat):
    os.eventfd_read(turn)
    with open(sys.argv[1], "a") as log:
        print(os.getpid(), file=log)
    {life}
    return 0

sys.exit(VisitProcesses(live, lambda: None, lambda: None, silent_s={silent_s}).run())
"""
FEW_PROCESSES = """
import errno, os

fork, forks = os.fork, []

def fork_twice():
    forks.append(1)
    if len(forks) > 2 and os.path.exists({few!r}):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return fork()

os.fork = fork_twice
"""
AT_EXIT = """
import atexit, os, sys
atexit.register(lambda: print(os.getpid(), file=open(sys.argv[1] + ".restored", "a")))
"""
LISTEN = """beat()
    first = Path(sys.argv[1]).read_text().count("\\n") == 1
    keys, _, _ = select.select([0], [], [], None if first else 0)
    print(len(keys), file=open(sys.argv[1] + ".heard", "a"))
    time.sleep(0.05)
"""
"""The first visit waits for a key, and leaves it; each later one sees whether there is one."""
SECONDS = 60


def started(
    life: str,
    log: Path,
    stdin: int | None = None,
    before: str = "",
    silent_s: float = SECONDS,
) -> subprocess.Popen[bytes]:
    program = before + PROGRAM.format(life=life, silent_s=silent_s)
    command = [sys.executable, "-c", program, str(log)]
    return subprocess.Popen(command, stdin=stdin, stderr=subprocess.DEVNULL)


def lived(log: Path, at_least: int) -> list[int]:
    """Return the processes that had their turn, once there are so many."""
    while not log.exists() or len(pids := log.read_text().split()) < at_least:
        time.sleep(0.02)
    return [int(pid) for pid in pids]


@pytest.mark.parametrize(
    "life", ["raise ValueError", "os._exit(3)", "os.kill(os.getpid(), 11)", "return 1"]
)
def test_processes_that_cannot_live_end_the_station(tmp_path: Path, life: str) -> None:
    log = tmp_path / "log"
    with started(life, log) as parent:
        assert parent.wait(SECONDS) == FAULT_CODE
    assert len(lived(log, FAULTS)) == FAULTS


def test_a_crash_after_a_beat_does_not_count_towards_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started("beat(); time.sleep(0.05); os._exit(3)", log) as parent:
        pids = lived(log, 2 * FAULTS)
        assert len(set(pids)) == len(pids)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(SECONDS) == 0


def test_visit_has_a_process_until_sigterm(tmp_path: Path) -> None:
    log, restored = tmp_path / "log", tmp_path / "log.restored"
    with started("beat(); time.sleep(0.01)", log, before=AT_EXIT) as parent:
        pids = lived(log, 5)
        assert len(set(pids)) == len(pids)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(SECONDS) == 0
    # A visit that restored the terminal at its end would open the keyboard for the next.
    assert restored.read_text().split() == [str(parent.pid)]


def test_keys_that_were_pressed_for_one_visit_do_not_reach_the_next(tmp_path: Path) -> None:
    log, heard = tmp_path / "log", tmp_path / "log.heard"
    outer, inner = pty.openpty()
    tty.setraw(inner)
    with started(LISTEN, log, stdin=inner) as parent:
        os.close(inner)
        lived(log, 1)
        os.write(outer, b"604918")
        lived(log, 3)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(SECONDS) == 0
    assert heard.read_text().split()[:2] == ["1", "0"]
    os.close(outer)


@pytest.mark.parametrize("ends_first", [False, True])
def test_without_another_process_a_visit_goes_on_and_the_next_one_comes_later(
    tmp_path: Path, *, ends_first: bool
) -> None:
    """Before: the station ended, and with it the visit that had just begun."""
    log, few = tmp_path / "log", tmp_path / "few"
    few.touch()
    refusing = FEW_PROCESSES.format(few=str(few))
    with started("beat(); time.sleep(0.3)", log, before=refusing) as parent:
        _, second = lived(log, 2)
        while Path(f"/proc/{second}").exists():
            time.sleep(0.02)
        assert parent.poll() is None
        if not ends_first:
            few.unlink()
            lived(log, 4)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(SECONDS) == 0


def test_a_process_that_stands_still_is_ended_and_the_next_has_its_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started("beat(); time.sleep(3600)", log, silent_s=2) as parent:
        first = lived(log, 1)[0]
        os.kill(first, signal.SIGSTOP)
        assert lived(log, 2)[0] == first
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(SECONDS) == 0


def test_a_process_that_is_silent_is_ended_and_the_next_has_its_turn(tmp_path: Path) -> None:
    log = tmp_path / "log"
    life = "beat(); time.sleep(3600)"
    with started(life, log, silent_s=2) as parent:
        first, *_ = lived(log, 2)
        assert not Path(f"/proc/{first}").exists()
        parent.kill()


def test_a_terminal_that_is_gone_ends_the_station(tmp_path: Path) -> None:
    log = tmp_path / "log"
    outer, inner = pty.openpty()
    life = "beat(); hung_up = select.poll(); hung_up.register(0, 0); hung_up.poll(); return 1"
    with started(life, log, stdin=inner) as parent:
        os.close(inner)
        lived(log, 1)
        os.close(outer)
        assert parent.wait(SECONDS) == FAULT_CODE
        assert len(lived(log, 1)) == 1
