"""A file that was replaced is noticed."""

from __future__ import annotations

from pathlib import Path

from kiosk.system.file_stamp import WatchedFile


def test_a_file_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    file, new = tmp_path / "keys.json", tmp_path / "new"
    file.write_text("one")
    watched = WatchedFile(file)
    assert not watched.was_replaced
    new.write_text("two")
    new.replace(file)
    assert watched.was_replaced


def test_a_file_that_is_away_for_a_moment_was_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("one")
    watched = WatchedFile(file)
    file.rename(tmp_path / "elsewhere")
    assert not watched.was_replaced
