"""The compositor's own process: what it takes as a sign of life."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.cli.display import has_beat


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
