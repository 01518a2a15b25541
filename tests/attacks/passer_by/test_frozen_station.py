"""Before: eight seconds of SIGWINCH froze the station for good, with a holder's name on it; SIGTERM
did not end it, and nothing noticed. The loop waited for a writer that did not go on, as it also
did before a terminal that nobody read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from screens.terminal.closed_app import FAULT_CODE
from screens.words import frame, waiting
from tests.attacks.passer_by.supervisor import PATIENCE_S, Supervisor
from tests.e2e.station import Station
from tests.e2e.test_one_process_a_visit import visits_of
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, PROGRAM, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

CAUGHT = ("SigCgt", "SigIgn")
SIGWINCH = 1 << (signal.SIGWINCH - 1)
_FLOOD = """
import os, signal, sys
while True:
    os.kill(int(sys.argv[1]), signal.SIGWINCH)
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    supervisor.close()


@pytest.fixture
def station(world: World, supervisor: Supervisor) -> Station:
    """A station under a watchdog, with a visitor's name on the display."""
    station = world.station(environ=supervisor.environ, program=HASTY)
    Visitor(world, world.ada, station).comes()
    station.see(world.ada.name)
    supervisor.wait_for_beats()
    return station


@contextmanager
def flood(station: Station) -> Iterator[None]:
    """Send SIGWINCH as fast as it goes, several hundred thousand times a second."""
    with subprocess.Popen([sys.executable, "-c", _FLOOD, str(station.process.pid)]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def pressing(station: Station, key: str) -> Iterator[None]:
    """Press ``key`` slowly enough that each is drawn."""
    stopped = threading.Event()

    def press() -> None:
        while not stopped.wait(0.1):
            station.press(key)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def answers(station: Station) -> None:
    """Press a key until it is heard."""
    pause, before = threading.Event(), frame.LIGHT_COLOURS in station.read
    for _ in range(200):
        station.press("f2")
        for _ in range(20):
            if (frame.LIGHT_COLOURS in station.read) != before:
                return
            pause.wait(0.02)
    raise AssertionError(station.text)


@pytest.mark.usefixtures("station")
def test_keep_alive_says_that_it_is_ready(supervisor: Supervisor) -> None:
    assert supervisor.said[:4] == ["READY=1", "WATCHDOG=1"] * 2


def test_a_flood_of_sigwinch_is_not_even_heard(
    world: World, station: Station, supervisor: Supervisor
) -> None:
    status = Path(f"/proc/{station.process.pid}/status").read_text()
    caught, ignored = (int(status.partition(f"{name}:")[2].split()[0], 16) for name in CAUGHT)
    assert not caught & SIGWINCH
    assert ignored & SIGWINCH
    with flood(station):
        supervisor.wait_for_beats(20)
        answers(station)
    answers(station)
    assert "fault" not in world.log.read_text()


def test_sigterm_ends_it_in_a_flood(station: Station) -> None:
    with flood(station):
        assert station.close() == 0


def test_a_terminal_that_nobody_reads_stops_the_keep_alive(
    station: Station, supervisor: Supervisor
) -> None:
    station.reads.clear()
    supervisor.wait_for_silence()
    station.reads.set()
    supervisor.wait_for_beats()
    answers(station)


def test_sigterm_ends_it_before_a_terminal_that_nobody_reads(station: Station) -> None:
    station.reads.clear()
    for _ in range(40):
        station.press("f2")  # each draws the whole page
    station.process.send_signal(signal.SIGTERM)
    assert station.process.wait(60) == 0


def test_a_terminal_that_never_answers_is_noticed_when_it_takes_no_more(
    world: World, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Station, "reports_status", False)
    station = world.station(environ=supervisor.environ, program=HASTY)
    supervisor.wait_for_beats()
    station.reads.clear()
    with pressing(station, "f2"):
        supervisor.wait_for_silence()
    station.reads.set()
    supervisor.wait_for_beats()
    station.see(waiting.ATTRACT_TITLE, frame.NEED_HELP)


def test_a_station_of_a_unit_is_not_ready_on_a_terminal_that_never_answers(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: one that froze in the first seconds of a visit was taken for one that is slow."""
    monkeypatch.setattr(Station, "reports_status", False)
    config = tmp_path / "station.toml"
    config.write_text(f'[authority]\nsocket = "{tmp_path / "none"}"\n')
    line = [PROGRAM, "station", "--config", config, "--log", tmp_path / "log"]
    station = Station(line, {"PATH": "/usr/bin", **supervisor.environ})
    assert station.process.wait(120) == FAULT_CODE
    assert supervisor.said == []


def test_a_visits_process_that_is_stopped_is_ended_and_the_next_takes_its_place(
    tmp_path: Path,
) -> None:
    """Its parent has to: a unit's watchdog hears the parent, and not the process of a visit."""
    config = tmp_path / "station.toml"
    config.write_text(f'[authority]\nsocket = "{tmp_path / "none"}"\n')
    line = [PROGRAM, "station", "--config", config, "--log", tmp_path / "log"]
    station = Station(line, {"PATH": "/usr/bin"})
    station.see(waiting.OUTAGE_TITLE)
    first, _next = visits_of(station)
    stopped = psutil.Process(first)
    stopped.suspend()
    _, goes_on = psutil.wait_procs([stopped], timeout=PATIENCE_S)
    assert not goes_on
    answers(station)
    assert station.close() == 0


def test_a_program_that_stands_still_sends_none_and_the_next_shows_nothing_of_the_visit(
    world: World, station: Station, supervisor: Supervisor
) -> None:
    station.process.send_signal(signal.SIGSTOP)
    supervisor.wait_for_silence()
    assert world.ada.name in station.read
    tty = os.open(station.tty, os.O_RDWR | os.O_NOCTTY)
    station.process.kill()  # as a service manager does now
    station.process.wait()
    world.remove(world.ada)
    mark = len(station.written)
    with subprocess.Popen(
        [PROGRAM, "run", "--config", world.config, "--log", world.log],
        stdin=tty,
        stdout=tty,
        stderr=tty,
        env={**world.environ, **supervisor.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    ) as again:
        try:
            station.see(waiting.ATTRACT_TITLE)
            assert world.ada.name not in station.read
            supervisor.wait_for_beats()
        finally:
            again.terminate()
            os.close(tty)
    assert bytes(station.written[mark:]).startswith(b"\x1b[?25l\x1b[H\x1b[2J")
