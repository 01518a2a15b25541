"""``kiosk run`` with settings that cannot be used: the journal says why, the display only that."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.app.cli.station import SHOWN_S
from tests.support.terminal import Terminal

KIOSK = Path(sys.executable).with_name("kiosk")
QUIET = "This station is out of service"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.toml"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def unit(settings: Path, journal: Path) -> Iterator[Terminal]:
    """The station as the unit starts it: standard output is the journal."""
    line = f"exec {KIOSK} run --config {settings} >{journal}"
    terminal = Terminal(["sh", "-c", line], {"PATH": "/usr/bin"})
    yield terminal
    terminal.process.kill()
    terminal.process.wait()


def test_a_missing_file_is_named_in_the_journal_and_not_on_the_display(
    unit: Terminal, settings: Path, journal: Path
) -> None:
    shown = unit.wait_for(QUIET)
    assert str(settings) not in shown
    (line,) = journal.read_text().splitlines()
    assert json.loads(line)["level"] == "error"
    assert f"there is no settings file {settings}; `kiosk setup authority` makes one" in line


def test_program_without_settings_ends_once_their_file_changes(
    unit: Terminal, settings: Path
) -> None:
    unit.wait_for(QUIET)
    settings.write_text("")
    assert unit.process.wait(SHOWN_S - 5) == 2  # sooner than it would end by itself


def test_a_wrong_setting_is_named_in_the_journal(settings: Path, journal: Path) -> None:
    settings.write_text("[mail]\nhots = 'relay'\n")
    line = f"exec {KIOSK} run --config {settings} >{journal}"
    terminal = Terminal(["sh", "-c", line], {"PATH": "/usr/bin"})
    try:
        assert "hots" not in terminal.wait_for(QUIET)
        assert "mail.hots: there is no such setting; did you mean host?" in journal.read_text()
    finally:
        terminal.process.kill()
        terminal.process.wait()


def test_run_by_hand_names_wrong_settings_in_the_terminal(settings: Path) -> None:
    terminal = Terminal([KIOSK, "run", "--config", settings], {"PATH": "/usr/bin"})
    assert terminal.process.wait(60) == 2
    end = time.monotonic() + 30
    while b"settings" not in terminal.written and time.monotonic() < end:
        time.sleep(0.01)
    said = bytes(terminal.written).decode().replace("\r\n", "")
    assert f"kiosk: there is no settings file {settings}; `kiosk setup authority` makes one" in said


@pytest.mark.parametrize("command", ["run", "station"])
def test_without_a_terminal_it_says_so_and_draws_nothing(settings: Path, command: str) -> None:
    """Before: it drew the first page into the pipe, and ended with a fault of the display."""
    settings.write_text("")
    done = subprocess.run(
        [KIOSK, command, "--config", settings], stdin=subprocess.DEVNULL, capture_output=True
    )
    assert done.returncode == 2
    assert not done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["message"] == (
        "the station cannot start: the station is shown in a terminal, and there is none"
    )
