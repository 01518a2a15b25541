"""Before: in the first tenth of a second Ctrl+C ended the program with a traceback on display."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import termios
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.admin.ssh_login import Door
from tests.e2e.station import Station
from tests.e2e.world import World
from tests.support.sshd import DROP_IN
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

UNIT = Path(__file__).parents[3] / "systemd" / "kiosk-station.service"
SHELL = re.compile(r"^(?:ExecStart=/bin/sh -c \"|    ForceCommand )(.*)\bexec /usr/", re.MULTILINE)
"""What the shell of the unit, or of sshd, does before it becomes the program."""
CHORDS = b"\x03\x1c\x1az"
PATIENCE_S = 240.0
SIGINT = 1 << (signal.SIGINT - 1)


def pester(station: Station, until: str) -> None:
    """Press Ctrl+C, Ctrl+\\, Ctrl+Z and a letter without a pause until something is drawn."""
    end, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while until not in station.read:
        assert station.process.poll() is None, f"it ended: {bytes(station.written)!r}"
        assert time.monotonic() < end, station.text
        station.send(CHORDS)
        pause.wait(0.002)


def started_as_by_the_unit(world: World, command: str) -> list[str]:
    """Return the unit's command line, with this machine's interpreter and settings."""
    found = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found
    line = found[1].replace("/usr/lib/unlock-kiosk-station/bin/python", sys.executable)
    line = re.sub(r"-m kiosk \w+", f"-m kiosk {command}", line)
    return shlex.split(re.sub(r"--config [^\s\"]+", f"--config {world.config}", line))


_LOOK = """
import signal, termios

def look(argv):
    print("echo" if termios.tcgetattr(0)[3] & termios.ECHO else "no-echo", end=" ")
    print("ignored" if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else "heard")
"""
_BEFORE_ANYTHING_IS_LOADED = f"""
import kiosk.app.cli.main
from kiosk.__main__ import main
{_LOOK}
kiosk.app.cli.main.run_command = look
main()
"""


@pytest.mark.parametrize("file", [UNIT, DROP_IN], ids=lambda file: file.name)
def test_the_keyboard_is_closed_before_python_starts(file: Path) -> None:
    found = SHELL.search(file.read_text())
    assert found
    program = shlex.join([sys.executable, "-ISc", f"{_LOOK}\nlook([])"])
    terminal = Terminal(["/bin/sh", "-c", f"{found[1]} exec {program}"], {"PATH": "/usr/bin"})
    terminal.wait_for("no-echo ignored")
    terminal.kill()


@pytest.mark.parametrize("command", ["run", "station", "admin"])
def test_the_keyboard_is_closed_before_the_command_is_loaded(command: str) -> None:
    """Before: `kiosk station` closed it only once all of it was imported."""
    terminal = Terminal([sys.executable, "-c", _BEFORE_ANYTHING_IS_LOADED, command], {})
    terminal.wait_for("no-echo ignored")
    terminal.kill()


@pytest.mark.parametrize("command", ["run", "station"])
def test_no_key_gets_through_to_a_station_that_comes_up(world: World, command: str) -> None:
    own = {"KIOSK_PCSC__READER": world.pcscd.reader_names[0]}
    station = Station(started_as_by_the_unit(world, command), {**world.environ, **own})
    world.stations.append(station)
    pause = threading.Event()
    # What the system does before the unit's shell has closed the keyboard is not the product's.
    while not _is_closed(station):
        pause.wait(0.001)
    pester(station, "Smartcard self-service")  # above each page; so many keys are noted below it
    written = bytes(station.written)
    assert b"Traceback" not in written
    assert b"^C" not in written
    assert b"zz" not in written


def _is_closed(station: Station) -> bool:
    """Whether the program ignores Ctrl+C, and its terminal prints no key."""
    status = Path(f"/proc/{station.process.pid}/status").read_text()
    terminal = os.open(station.tty, os.O_RDWR | os.O_NOCTTY)
    try:
        prints = termios.tcgetattr(terminal)[3] & termios.ECHO
    finally:
        os.close(terminal)
    return not prints and bool(int(status.partition("SigIgn:")[2].split()[0], 16) & SIGINT)


def test_no_key_gets_through_to_a_session_that_comes_up(door: Door) -> None:
    session = door.log_in(door.staff("Asha Okafor", "manager"))
    pause = threading.Event()
    # Before that moment the client hears the keys, or a shell that has not begun to read: either
    # ends, and nothing is shown.
    while not _has_begun(door):
        pause.wait(0.001)
    pester(session, "log out")
    written = bytes(session.written)
    assert b"Traceback" not in written
    assert b"^C" not in written


def _has_begun(door: Door) -> bool:
    """Whether the shell that sshd started has become the program."""
    try:
        return ["-I", "-m", "kiosk", "admin"] in [one.cmdline()[1:5] for one in door.programs()]
    except psutil.Error:  # one that has ended since
        return False
