"""Before: a trigger in a backup came with it, and took back each failed attempt, for ever."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.authority.store.sqlite_file import schema_of
from tests.app.cli.conftest import kiosk, place, set_up
from tests.app.cli.samples import GOOD, Kiosk, people

__all__ = ["kiosk", "place", "set_up"]

VIEW = (
    "ALTER TABLE audit_event RENAME TO real; CREATE VIEW audit_event AS SELECT * FROM real "
    "WHERE current_timestamp < '2900' OR seq > 2"
)
VIRTUAL = (
    "CREATE VIRTUAL TABLE other USING fts5(a); PRAGMA writable_schema = ON; UPDATE sqlite_schema "
    "SET sql = 'create /**/ virtual table other using fts5(a)' WHERE name = 'other'"
)
PROGRAMS = {
    "a trigger": "CREATE TRIGGER kind AFTER UPDATE OF failures ON registration "
    "WHEN NEW.failures > 0 BEGIN UPDATE registration SET failures = 0; END",
    "one of ours, altered": "DROP TRIGGER audit_event_no_delete; CREATE TRIGGER "
    "audit_event_no_delete BEFORE DELETE ON audit_event WHEN 0 BEGIN SELECT RAISE(IGNORE); END",
    "a view": "ALTER TABLE registration RENAME TO real; CREATE VIEW registration AS SELECT * FROM "
    "real; CREATE TRIGGER kind INSTEAD OF UPDATE ON registration BEGIN SELECT 1; END",
    "one of ours is gone": "DROP TRIGGER audit_event_no_delete",
    "a table that computes a column": "CREATE TABLE other (a, b AS (a + 1))",
    "a column that is computed": "ALTER TABLE registration ADD COLUMN other AS (failures * 0)",
    "one of our indexes, altered": "DROP INDEX ix_card_holder_id; "
    "CREATE UNIQUE INDEX ix_card_holder_id ON card (holder_id)",
    "a rule of a column": "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace("
    "sql, 'failures INTEGER NOT NULL', 'failures INTEGER NOT NULL ON CONFLICT IGNORE') "
    "WHERE name = 'registration'",
    "a virtual table in other words": VIRTUAL,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_backup_with_a_program_in_it_is_not_restored(
    program: str, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("backup", str(place / "backup.db")) == 0
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        backup.executescript(PROGRAMS[program])
    gc.collect()
    before = (place / "state" / "kiosk.db").read_bytes()
    assert kiosk("restore", str(place / "backup.db"), "--replace") == 1
    assert "take an older backup" in capsys.readouterr().err
    assert (place / "state" / "kiosk.db").read_bytes() == before


def test_a_backup_with_the_statistics_of_sqlite_is_restored(kiosk: Kiosk, place: Path) -> None:
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("backup", str(place / "backup.db")) == 0
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        backup.executescript("ANALYZE")
    gc.collect()
    assert kiosk("restore", str(place / "backup.db"), "--replace") == 0


INDEXES = [
    'CREATE INDEX "o\x1bwn" ON card (driver)',
    "CREATE INDEX own ON registration (abs(failures)) WHERE failures > 0",
    "CREATE UNIQUE INDEX own ON card (holder_id)",
]


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_that_somebody_added_is_left_out(
    index: str, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a backup was of no use after an administrator had made searches quicker."""
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("backup", str(place / "backup.db")) == 0
    ours = schema_of(place / "backup.db")
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        backup.executescript(index)
    gc.collect()
    assert kiosk("restore", str(place / "backup.db"), "--replace") == 0
    said = capsys.readouterr().out
    assert "an index that this program does not make is left out: o" in said
    assert "\x1b" not in said
    assert schema_of(place / "state" / "kiosk.db") == ours


def test_the_refusal_names_what_is_not_as_it_should_be(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("backup", str(place / "backup.db")) == 0
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        backup.executescript('CREATE VIEW own AS SELECT 1; CREATE VIEW "a\x1bb" AS SELECT 1')
    gc.collect()
    assert kiosk("restore", str(place / "backup.db"), "--replace") == 1
    said = capsys.readouterr().err
    assert "own: not as this program makes it" in said
    assert "\x1b" not in said


def test_backup_with_a_program_is_refused_whatever_the_databases_name(
    kiosk: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: called fresh.db, it was compared with itself."""
    gc.collect()
    for file in (place / "state").glob("kiosk.db*"):
        file.rename(file.with_name(file.name.replace("kiosk", "fresh")))
    monkeypatch.setenv("KIOSK_STORE__URL", f"sqlite:///{place / 'state' / 'fresh.db'}")
    assert kiosk("backup", str(place / "backup.db")) == 0
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        backup.executescript(PROGRAMS["a trigger"])
    gc.collect()
    assert kiosk("restore", str(place / "backup.db"), "--replace") == 1
    assert "take an older backup" in capsys.readouterr().err


@pytest.mark.parametrize("program", [VIEW, VIRTUAL])
def test_an_auditor_verifies_no_copy_that_may_show_other_rows_later(
    program: str, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A view stood in for the audit: what was verified today, another program did not show."""
    assert kiosk("import", people(place, GOOD)) == 0
    assert kiosk("backup", str(place / "copy.db")) == 0
    with closing(sqlite3.connect(place / "copy.db")) as copy:
        copy.executescript(program)
    words = "--without-key", "--store", f"sqlite:///{place / 'copy.db'}"
    assert kiosk("audit", "verify", *words) == 2
    assert "ask for a copy that `kiosk backup` made" in capsys.readouterr().err
