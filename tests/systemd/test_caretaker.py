"""The caretaker's service and timer, checked with systemd's own programs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.systemd.test_units import EXPOSURE_LIMIT, FILES, run

SERVICE, TIMER = FILES / "kiosk-caretaker.service", FILES / "kiosk-caretaker.timer"


def setting(unit: Path, name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)
    assert found, name
    return found.group(1)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Both units in a folder, with an interpreter that is there."""
    text = SERVICE.read_text().replace("/opt/unlock-kiosk/bin/python", sys.executable)
    (tmp_path / SERVICE.name).write_text(text)
    (tmp_path / TIMER.name).write_text(TIMER.read_text())
    return tmp_path


@pytest.mark.parametrize("unit", [SERVICE, TIMER])
def test_the_units_have_no_mistake(units: Path, unit: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", units / unit.name)
    complaints = [line for line in done.stdout.splitlines() if "kiosk-caretaker" in line]
    assert complaints == []


@pytest.mark.parametrize(
    ("unit", "word", "wrong"),
    [(SERVICE, "TimeoutStartSec", "TimeoutStartSek"), (TIMER, "OnBootSec", "OnBotSec")],
)
def test_a_mistake_would_be_seen(units: Path, unit: Path, word: str, wrong: str) -> None:
    path = units / unit.name
    path.write_text(path.read_text().replace(word, wrong))
    assert wrong in run("systemd-analyze", "verify", "--man=no", path).stdout


def test_the_service_is_little_exposed(units: Path) -> None:
    command = ("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}")
    done = run(*command, units / SERVICE.name)
    assert done.returncode == 0, done.stdout


def test_the_command_it_starts_exists(capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(setting(SERVICE, "ExecStart"))
    assert words[1:5] == ["-I", "-m", "kiosk", "caretaker"]
    with pytest.raises(SystemExit):
        main(["caretaker", "--help"])
    offered = capsys.readouterr().out
    assert all(word in offered for word in words[5:] if word.startswith("--"))


def test_it_looks_once_a_minute_as_the_stations_account() -> None:
    assert setting(TIMER, "OnUnitActiveSec") == setting(TIMER, "OnBootSec") == "1min"
    assert TIMER.stem == SERVICE.stem  # a timer starts the service of its own name
    station = FILES / "kiosk-station.service"
    assert setting(SERVICE, "User") == setting(station, "User")
    assert setting(SERVICE, "StateDirectory") == setting(station, "StateDirectory")
