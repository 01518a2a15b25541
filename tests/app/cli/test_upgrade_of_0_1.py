"""``kiosk setup authority`` and ``kiosk restore`` with a database of version 0.1."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.cli.samples import Kiosk
from tests.support.release_0_1 import HERE, load_file


@pytest.fixture
def database(kiosk: Kiosk, place: Path) -> Path:
    """The database file of an authority whose keys are those of 0.1."""
    gc.collect()  # the connections of the set-up
    (place / "state" / "keys.json").write_bytes((HERE / "keys.json").read_bytes())
    for each in (place / "state").glob("*kiosk.db*"):
        each.unlink()
    return place / "state" / "kiosk.db"


def ended(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM visit WHERE how = 'upgraded' AND closed_at IS NOT NULL"
        return int(connection.execute(query).fetchone()[0])


def test_set_up_upgrades_a_database_of_0_1(
    kiosk: Kiosk, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_file(database)
    database.chmod(0o600)
    assert kiosk("setup", "authority") == 0
    assert "changed       database" in capsys.readouterr().out
    assert ended(database) == 5
    assert kiosk("rows", "check") == 0
    assert kiosk("audit", "verify") == 0


def test_set_up_without_the_keys_changes_nothing_in_a_database_of_0_1(
    kiosk: Kiosk, database: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_file(database)
    database.chmod(0o600)
    (place / "state" / "keys.json").unlink()
    assert kiosk("setup", "authority") == 1
    assert "put your copy of the key file back" in capsys.readouterr().err
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_backup_of_0_1_is_restored(kiosk: Kiosk, database: Path, place: Path) -> None:
    load_file(place / "backup.db")
    gc.collect()
    assert kiosk("restore", str(place / "backup.db")) == 0
    assert ended(database) == 5
    assert kiosk("rows", "check") == 0
    assert kiosk("audit", "verify") == 0
