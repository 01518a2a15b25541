"""Before: who writes to the folder of backups had a backup written into a file of their own."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]


def test_a_backup_is_written_into_no_file_that_was_put_in_its_place(
    kiosk: Kiosk,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    folder, theirs = place / "shared", place / "theirs"
    folder.mkdir()
    connect = sqlite3.connect

    def swapped_before(path: str, **more: Any) -> sqlite3.Connection:
        part = folder / ".backup.db.part"
        if part.name in str(path):
            part.unlink()
            theirs.touch()
            part.hardlink_to(theirs)
        made: sqlite3.Connection = connect(path, **more)
        return made

    monkeypatch.setattr(sqlite3, "connect", swapped_before)
    assert kiosk("backup", str(folder / "backup.db")) == 1
    assert "another file was put in its place" in capsys.readouterr().err
    assert theirs.read_bytes() == b""
    assert not (folder / "backup.db").exists()
