"""What is not installed is named in one line, with the package that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from kiosk.__main__ import main

WITHOUT = """\
import sys
sys.modules[sys.argv[1]] = None
from kiosk.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
AUTHORITY = "install the package unlock-kiosk-authority"


def run_without(lacking: str, *command: str) -> subprocess.CompletedProcess[str]:
    started = [sys.executable, "-c", WITHOUT, lacking, *command]
    return subprocess.run(started, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("kiosk")
@pytest.mark.parametrize(
    ("lacking", "command", "said"),
    [
        ("sqlalchemy", "people list", AUTHORITY),
        ("sqlalchemy", "setup authority", AUTHORITY),
        ("cryptography", "audit verify", AUTHORITY),
        ("kiosk.authority", "people list", AUTHORITY),
        ("kiosk.authority", "audit verify", AUTHORITY),
        ("kiosk.authority", "demo", "runs from a checkout: `make demo`"),
        ("msgspec", "doctor", "install the package unlock-kiosk-station"),
    ],
)
def test_missing_part_and_its_package_are_named_in_one_line(
    lacking: str, command: str, said: str
) -> None:
    """Before: a traceback, and for a command of the authority the list of the others."""
    done = run_without(lacking, *command.split())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("kiosk: ")
    assert said in line
    assert (lacking if lacking != "kiosk.authority" else command.split()[0]) in line


def test_the_help_of_a_station_names_what_its_package_has() -> None:
    """Before: it said to begin with the demo, and named the folder of the other package."""
    done = run_without("kiosk.authority", "--help")
    assert done.returncode == 0
    assert "Begin with `kiosk setup station`." in done.stdout
    assert "/usr/share/doc/unlock-kiosk-station." in done.stdout
    for absent in ("kiosk demo", "unlock-kiosk-authority"):
        assert absent not in done.stdout


def test_the_set_up_of_a_station_offers_no_authority() -> None:
    """Its usage named both, whatever was installed."""
    done = run_without("kiosk.authority", "setup")
    assert done.returncode == 2
    usage, error = done.stderr.splitlines()
    assert usage == "usage: kiosk setup [-h] station ..."
    assert error == "kiosk setup: error: the following arguments are required: station"


def test_the_help_of_an_authority_begins_with_what_its_package_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before: it said to begin with the demo, whose libraries the package does not have."""
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "Begin with `kiosk setup`" in said
    assert said.index("\n    setup ") < said.index("\n    doctor ") < said.index("\n    demo ")


@pytest.mark.parametrize("part", ["authority", "station"])
@pytest.mark.parametrize("words", [["--dry-run"], []])
def test_a_checkout_sets_up_no_machine(
    part: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a traceback, for want of the account that the package makes."""

    def no_such(name: str) -> NoReturn:
        raise KeyError(f"getpwnam(): name not found: {name!r}")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv("KIOSK_SETTINGS", raising=False)
    monkeypatch.setattr("kiosk.app.setup.steps.pwd.getpwnam", no_such)
    assert main(["setup", part, *words]) == 2
    said = capsys.readouterr()
    assert f"install the package unlock-kiosk-{part}" in said.err
    assert not said.out


def test_a_part_of_the_program_itself_that_is_gone_is_a_fault(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "kiosk.contract.families", "doctor"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" in done.stderr
