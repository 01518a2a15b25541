"""What whoever reaches the monitoring port is told of trouble; the log has the rest."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.composition.authority import BuiltAuthority
from kiosk.app.composition.serving import OPENING, ProcessMonitor
from kiosk.authority.administration.keys import add_key
from kiosk.authority.crypto.keys import KeyPurpose
from kiosk.authority.errors import KeyMissing, KeysUnavailable, RowAltered, StoreError
from kiosk.config.loading import load_settings, settings_path
from kiosk.contract.errors import KioskError

DATABASE = "the database cannot be used: the log of this process says why"
KEYS = "the keys cannot be used: the log of this process says why"


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (StoreError("/srv/kiosk/kiosk.db is gone", "SQLITE_CANTOPEN"), DATABASE),
        (RowAltered("station", "ward 7"), DATABASE),
        (KeyMissing("key file: /srv/kiosk/keys.toml holds no key 'seal-00'"), KEYS),
        (KeysUnavailable("the token 'kiosk-1': CKR_PIN_INCORRECT"), KEYS),
    ],
)
def test_trouble_is_a_sentence_to_strangers_and_whole_in_the_log(
    trouble: KioskError, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    monitored = ProcessMonitor(asyncio.Event())
    with caplog.at_level(logging.ERROR):
        monitored.cannot_open(trouble)
    assert monitored.readiness() == (False, sentence)
    assert str(trouble) in caplog.text


def test_trouble_that_lasts_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried every two seconds."""
    monitored = ProcessMonitor(asyncio.Event())
    away, other = StoreError("the server is away"), StoreError("the password is wrong")
    for trouble in (away, away, other, away):
        monitored.cannot_open(trouble)
    monitored.closed_because = OPENING  # it served in between
    monitored.cannot_open(away)
    said = [record.getMessage().rpartition(": ")[2] for record in caplog.records]
    assert said == [str(each) for each in (away, other, away, away)]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BuiltAuthority]:
    monkeypatch.setenv("KIOSK_SETTINGS", str(tmp_path / "kiosk.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("KIOSK_MAIL__PORT", "1")
    assert main(("setup", "authority")) == 0
    made = BuiltAuthority(load_settings(settings_path(None, os.environ), os.environ), os.environ)
    yield made
    made.close()


@pytest.fixture
def monitored(built: BuiltAuthority) -> ProcessMonitor:
    made = ProcessMonitor(asyncio.Event())
    made.serving = built, None  # type: ignore[assignment]  # the server is not asked
    return made


def test_authority_whose_key_file_is_away_serves_and_says_so(
    monitored: ProcessMonitor, tmp_path: Path
) -> None:
    assert monitored.readiness() == (True, "ready")
    (tmp_path / "keys.json").rename(tmp_path / "away.json")
    away = "ready; but its key file is away, and without that it cannot be started again"
    assert monitored.readiness() == (True, away)
    (tmp_path / "away.json").rename(tmp_path / "keys.json")
    assert monitored.readiness() == (True, "ready")


def test_authority_whose_disk_is_full_is_not_ready(
    monitored: ProcessMonitor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Before: it was ready, as the database could be read; every visit failed."""
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=4096))
    assert monitored.readiness() == (False, DATABASE)
    assert f"{tmp_path}: the disk has 4 KiB left" in caplog.text
    monkeypatch.undo()
    assert monitored.readiness() == (True, "ready")


def test_authority_that_may_not_write_to_its_database_is_not_ready(
    monitored: ProcessMonitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may always, but on such a disk
    assert monitored.readiness() == (False, DATABASE)
    assert "kiosk.db: this account may not write to it" in caplog.text


@pytest.mark.parametrize("purpose", ["seal", "pepper", "code-mac", "row-mac", "audit-link"])
def test_authority_with_an_older_key_file_is_not_ready(
    built: BuiltAuthority,
    monitored: ProcessMonitor,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    purpose: str,
) -> None:
    """Before: it was ready, and opened nothing that another machine had sealed since."""
    newer = tmp_path / "on another machine.json"
    newer.write_bytes((tmp_path / "keys.json").read_bytes())
    newer.chmod(0o600)
    added = add_key(newer, KeyPurpose(purpose), built.store, "test")
    assert monitored.readiness() == (False, KEYS)
    assert f"the key file is an older copy, without {added}" in caplog.text
    assert str(tmp_path) not in KEYS


def test_authority_that_added_a_key_for_a_lost_one_is_ready(
    built: BuiltAuthority, monitored: ProcessMonitor, tmp_path: Path
) -> None:
    lost = tmp_path / "lost.json"
    lost.write_bytes((tmp_path / "keys.json").read_bytes())
    lost.chmod(0o600)
    add_key(lost, KeyPurpose.SEAL, built.store, "test")
    assert monitored.readiness() == (False, KEYS)
    add_key(tmp_path / "keys.json", KeyPurpose.SEAL, built.store, "test")
    again = BuiltAuthority(load_settings(settings_path(None, os.environ), os.environ), os.environ)
    monitored.serving = again, None  # type: ignore[assignment]
    assert monitored.readiness() == (True, "ready")
    again.close()
