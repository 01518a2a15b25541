"""The service and the timer of `kiosk purge`, checked with systemd's own programs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from kiosk.app.cli.main import whole_parser
from tests.systemd.test_units import EXPOSURE_LIMIT, FILES, run

SERVICE, TIMER = FILES / "kiosk-purge.service", FILES / "kiosk-purge.timer"


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
    assert [line for line in done.stdout.splitlines() if "kiosk-purge" in line] == []


def test_the_service_is_little_exposed(units: Path) -> None:
    command = ("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}")
    done = run(*command, units / SERVICE.name)
    assert done.returncode == 0, done.stdout


def test_it_exports_before_it_purges_and_the_program_knows_both() -> None:
    lines = re.findall(r"^ExecStart=(.*)$", SERVICE.read_text(), re.MULTILINE)
    words = [shlex.split(line)[4:] for line in lines]
    parsed = [whole_parser().parse_args(each) for each in words]
    assert [args.command for args in parsed] == ["audit", "purge"]
    assert (parsed[0].part, parsed[0].format) == ("export", "chain")
