"""Files in folders of other accounts, and files that were replaced."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from kiosk.system.files import WatchedFile, other_owner, read_text, replace_text

ELSE = 12345


@pytest.fixture
def not_ours(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let a link be another account's than this process's: only root can give one away."""

    def given_away(link: Path) -> None:
        if os.geteuid() == 0:
            os.chown(link, ELSE, ELSE, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: ELSE)

    return given_away


def test_a_folder_is_reached_by_a_link_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    replace_text(tmp_path / "link" / "file", "ä", 0o640)
    assert read_text(tmp_path / "link" / "file") == "ä"
    assert (tmp_path / "real" / "file").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_not_reached_by_a_link_of_another_account(
    tmp_path: Path, not_ours: Callable[[Path], None]
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    not_ours(tmp_path / "link")
    with pytest.raises(NotADirectoryError):
        replace_text(tmp_path / "link" / "file", "text", 0o600)
    assert list((tmp_path / "real").iterdir()) == []


def test_what_a_killed_program_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_text("half")
    replace_text(tmp_path / "file", "whole", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_text(tmp_path / "file", "text", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said_of_the_file_that_was_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: no space left on device, and not on which."""
    place = tmp_path / "settings"
    replace_text(place, "old", 0o600)

    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("kiosk.system.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as failed:
        replace_text(place, "new", 0o600)
    assert failed.value.filename == str(place)
    assert [path.name for path in tmp_path.iterdir()] == ["settings"]
    assert place.read_text() == "old"


def test_a_folder_behind_a_link_of_another_account_is_not_ours(
    tmp_path: Path, not_ours: Callable[[Path], None]
) -> None:
    (tmp_path / "link").symlink_to("/etc")
    not_ours(tmp_path / "link")
    assert other_owner(tmp_path / "link" / "new") == ELSE
    assert other_owner(Path("/etc/new/folder")) is None


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
