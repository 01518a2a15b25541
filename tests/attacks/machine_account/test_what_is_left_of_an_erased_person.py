"""Before: who read the disk found erased names in the database's log, and PUKs in the imports."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.estate import JO
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]

NAME, PUK = "Canary Erasable", "48271593"


def on_the_disk(place: Path) -> bytes:
    return b"".join(each.read_bytes() for each in (place / "state").glob("kiosk.db*"))


def test_the_log_is_emptied_once_nobody_reads(kiosk: Kiosk, place: Path) -> None:
    assert kiosk("import", "--remove", people(place, GOOD.replace("Jo Smith", NAME))) == 0
    database = place / "state" / "kiosk.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM cardholder").fetchone() == (2,)
        assert kiosk("people", "erase", JO, "--yes", "--reason", "asked for it") == 0
        assert NAME.encode() in on_the_disk(place), "the reader keeps the log from being emptied"
        reader.execute("COMMIT")
        assert kiosk("caretaker") == 0
        assert NAME.encode() not in on_the_disk(place)


def test_an_imported_file_is_removed_or_said_to_be_there(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(people(place, GOOD))
    assert kiosk("import", str(path)) == 0
    assert f"{path} holds unblock secrets in clear; delete it" in capsys.readouterr().out
    assert PUK in path.read_text()
    assert main(["import", "--remove", "--dry-run", str(path)]) == 0
    assert path.exists()
    assert main(["import", "--remove", str(path)]) == 0
    assert not path.exists()
