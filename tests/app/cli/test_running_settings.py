"""What ``kiosk doctor`` says of units that were started before their settings were changed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.app.cli.doctor import check_running
from kiosk.contract.findings import Condition

UNITS = ("kiosk-authority.service", "kiosk-sessions.service")
CHANGED = datetime(2026, 11, 29, 8, 0, 0, 700_000, UTC).timestamp()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    made = tmp_path / "kiosk.toml"
    made.touch()
    os.utime(made, (CHANGED, CHANGED))
    return made


@pytest.fixture(autouse=True)
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``systemctl`` that prints a file; as it is asked, so the file is worded."""
    answer, program = tmp_path / "answer", tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    asked = (
        f"show {' '.join(UNITS)} --timestamp=unix --property=Id,ActiveState,ExecMainStartTimestamp"
    )
    program.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] && exec cat {answer}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return answer


def states(*units: tuple[str, str, float | None]) -> str:
    """Word units as ``systemctl show`` does: name, state, seconds after the change."""
    return "\n".join(
        f"Id={name}\nActiveState={state}\n"
        f"ExecMainStartTimestamp={'' if after is None else f'@{int(CHANGED + after)}'}\n"
        for name, state, after in units
    )


def test_units_that_started_since_have_the_settings(settings: Path, manager: Path) -> None:
    authority, sessions = UNITS
    manager.write_text(states((authority, "active", 60), (sessions, "inactive", None)))
    finding = check_running(settings, UNITS)
    assert finding is not None
    assert (finding.condition, finding.found) == (
        Condition.OK,
        f"{authority} has these settings",
    )


def test_a_unit_that_started_before_is_named_with_what_to_do(settings: Path, manager: Path) -> None:
    authority, sessions = UNITS
    manager.write_text(states((authority, "active", -3600), (sessions, "active", 60)))
    finding = check_running(settings, UNITS)
    assert finding is not None
    assert (finding.condition, finding.found, finding.advice) == (
        Condition.WARN,
        f"{settings} was changed since {authority} started: that goes on with the old settings",
        f"as root, `systemctl restart {authority}`",
    )


def test_a_start_in_the_second_of_the_change_is_no_reason_to_warn(
    settings: Path, manager: Path
) -> None:
    manager.write_text(states((UNITS[0], "active", 0)))
    finding = check_running(settings, UNITS)
    assert finding is not None
    assert finding.condition is Condition.OK


@pytest.mark.parametrize(
    "answer",
    [
        states((UNITS[0], "inactive", -3600)),
        states((UNITS[0], "failed", -3600)),
        states((UNITS[0], "active", None)),
        "",
        None,
    ],
)
def test_nothing_is_said_where_nothing_runs_or_nothing_is_known(
    settings: Path, manager: Path, answer: str | None
) -> None:
    if answer is not None:
        manager.write_text(answer)
    assert check_running(settings, UNITS) is None
