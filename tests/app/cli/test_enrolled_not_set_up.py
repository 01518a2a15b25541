"""A machine on which `kiosk enrol` was run and `kiosk setup station` was not."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest
import trustme

from kiosk.__main__ import main
from kiosk.app.cli import doctor, enrol
from kiosk.config import loading


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state directory as `kiosk enrol` leaves it, with an authority that is away."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority-ca.pem")
    issued = authority.issue_cert("station.example")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "station.pem")
    (tmp_path / loading.ENROLMENT).write_text(
        '[authority]\nsocket = ""\naddresses = ["127.0.0.1:1"]\n'
        f'certificate = "{tmp_path}/station.pem"\nca = "{tmp_path}/authority-ca.pem"\n'
    )
    return tmp_path


def said_by_doctor(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    args = argparse.Namespace(config=str(path / "none.toml"), json=False)
    assert doctor.run(args, lambda _settings: ()) == 1
    return capsys.readouterr().out.splitlines()


def test_the_doctor_says_that_it_is_to_be_set_up_and_looks_at_the_rest(
    enrolled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: there is no settings file, and nothing else was looked at."""
    settings, *rest = said_by_doctor(enrolled, capsys)
    assert "there is no settings file" in settings
    assert "this machine was enrolled, and was not set up as a station" in settings
    assert [line.split()[2] for line in rest] == ["certificate", "authority", "clock"]
    assert "good until" in rest[0]
    assert "127.0.0.1:1 does not answer" in rest[1]


def test_the_doctor_names_what_a_station_shows_of_the_example(
    enrolled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set up without a terminal, it is asked nothing, and showed the example's telephone number."""
    settings = enrolled / "station.toml"
    settings.write_text('[service]\ntrust = "Royal Wexbridge Hospitals"\n')
    args = argparse.Namespace(config=str(settings), json=False)
    doctor.run(args, lambda _settings: ())
    said = capsys.readouterr().out
    left = "ra_contact in [service], ra_hours in [service], ra_email in [service]"
    assert f"! warn  example     still the example's: {left}; set each in {settings}" in said
    assert "name in [station]" not in said


def test_the_doctor_says_of_one_that_did_not_enrol_that_it_looked_no_further(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    (line,) = said_by_doctor(tmp_path, capsys)
    assert "nothing else was looked at" in line


def test_root_is_sent_to_the_command_that_does_all_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main(["enrol", "authority.example:8444 7QKX"]) == 2
    assert 'kiosk setup station --enrol "LINE"' in capsys.readouterr().err


def test_what_is_left_is_said_after_the_enrolment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.app.setup.station.present_display", lambda: None)
    assert "as root, `kiosk setup station`" in enrol._what_is_next(loading.STATION_STATE)
    assert "Start the station" in enrol._what_is_next(Path("/somewhere/else"))
