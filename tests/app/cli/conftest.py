"""A place of its own for each test, and the command line run in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.samples import Kiosk


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIOSK_SETTINGS", str(tmp_path / "etc" / "kiosk.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("KIOSK_MAIL__PORT", "1")  # nobody listens there
    return tmp_path


@pytest.fixture
def kiosk(place: Path, capsys: pytest.CaptureFixture[str]) -> Kiosk:
    def run(*words: str) -> int:
        capsys.readouterr()
        return main(words)

    run("setup", "authority")
    return run
