"""The compositor's own process: what it takes as a sign of life."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.cli.display import has_beat
from tests.support.waiting import wait_for


def test_beats_that_came_before_do_not_count_for_a_terminal_that_stands_still() -> None:
    beats, server = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with beats, server:
        for _ in range(20):
            server.send(b"WATCHDOG=1")
        assert has_beat(beats, 0)
        assert not has_beat(beats, 0)
        server.send(b"WATCHDOG=1")
        assert has_beat(beats, 0)


def test_without_a_graphics_card_it_says_what_to_do_and_starts_no_compositor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hardware.display.CARDS", tmp_path)
    monkeypatch.setattr("kiosk.app.cli.display._CARD_S", 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    for backend in ("WLR_BACKENDS", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(backend, raising=False)
    settings, place = tmp_path / "station.toml", tmp_path / "terminal.sock"
    settings.write_text("")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert main(["display", "--config", str(settings), "--socket", str(place)]) == 2
    (said,) = capfd.readouterr().err.splitlines()
    assert said.startswith("kiosk: there is no graphics card that Linux has a driver for")
    assert said.endswith("`kiosk setup station --display console` does without one")
    assert not (tmp_path / "compositor").exists()


def test_a_driver_that_is_loaded_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended at once, and began anew every second."""
    monkeypatch.setattr("hardware.display.CARDS", tmp_path)
    for backend in ("WLR_BACKENDS", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(backend, raising=False)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            (tmp_path / "card0").touch()

    monkeypatch.setattr("time.sleep", sleep)
    (tmp_path / "cage").write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\n")
    (tmp_path / "cage").chmod(0o755)
    (tmp_path / "station.toml").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    words = ["--config", str(tmp_path / "station.toml"), "--socket", str(tmp_path / "s")]
    assert main(["display", *words]) == 1
    assert (tmp_path / "begun").exists()
    # The compositor ended before it answered: it is not begun anew at once.
    assert slept == [1, 1, 1, 10]


def test_the_keyboard_of_the_machine_is_the_compositors(tmp_path: Path) -> None:
    """The service manager reads /etc/default/keyboard, of keyboard(5): cage(1) has other names."""
    cage, place, kept = tmp_path / "cage", tmp_path / "terminal.sock", tmp_path / "environment"
    cage.write_text(f"#!/bin/sh\nenv > {kept}\n")
    cage.chmod(0o755)
    (tmp_path / "station.toml").write_text("")
    given = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "STATE_DIRECTORY": str(tmp_path),
        "WLR_BACKENDS": "headless",
        "XKBMODEL": "pc105",
        "XKBLAYOUT": "gb,cz",
        "XKBVARIANT": "",
        "XKBOPTIONS": "grp:alt_shift_toggle",
    }
    words = ["display", "--config", str(tmp_path / "station.toml"), "--socket", str(place)]
    with subprocess.Popen([sys.executable, "-m", "kiosk", *words], env=given) as process:
        wait_for(lambda: kept.exists() and "XKB_DEFAULT_OPTIONS" in kept.read_text(), "cage")
        process.terminate()
    found = [line for line in kept.read_text().splitlines() if line.startswith("XKB_")]
    assert sorted(found) == [
        "XKB_DEFAULT_LAYOUT=gb,cz",
        "XKB_DEFAULT_MODEL=pc105",
        "XKB_DEFAULT_OPTIONS=grp:alt_shift_toggle",
    ]
