"""``kiosk keys`` and ``kiosk audit``, run as they are typed."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from kiosk.__main__ import main
from tests.app.cli.samples import GOOD, Kiosk, people
from tests.support.fresh_root import CHECKOUT, commands, shell_blocks

Capsys = pytest.CaptureFixture[str]


def test_keys_are_listed_and_rotated(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "rotate") == 0
    assert "2 secrets sealed anew" in capsys.readouterr().out
    assert kiosk("keys", "list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[2:] for row in rows if row[0] == "seal"] == [["older", "0"], ["current", "2"]]
    assert kiosk("keys", "rotate", "--purpose", "audit-sign") == 0
    assert "added audit-sign-" in capsys.readouterr().out


def test_a_copy_of_the_key_file_is_declared_and_worthless_after_a_rotation(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("keys", "backed-up") == 0
    assert "keys.json, as it is now" in capsys.readouterr().out
    assert kiosk("keys", "rotate") == 0
    assert "worthless now" in capsys.readouterr().out
    assert kiosk("keys", "backed-up") == 0
    assert kiosk("audit", "list", "--kind", "keys-backed-up") == 0
    assert capsys.readouterr().out.count("A copy of the key file was made") == 2


def test_an_auditor_without_the_key_file_verifies_with_public_keys(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    (place / "public").write_text(capsys.readouterr().out)
    (place / "state" / "keys.json").rename(place / "keys.json")
    without = "audit", "verify", "--without-key", "--anchors", str(place / "anchors")
    assert kiosk(*without, "--public-keys", str(place / "public")) == 0
    said = capsys.readouterr().out
    assert "1 anchor fit\nthe MACs of the rows were not checked" in said
    assert "signatures" not in said
    assert kiosk(*without) == 0
    assert "signatures of the anchors were not checked" in capsys.readouterr().out
    (place / "public").write_text("audit-sign-1 abcd\n")
    assert kiosk(*without, "--public-keys", str(place / "public")) == 2
    assert "line 1 is not a key" in capsys.readouterr().err
    assert kiosk("audit", "verify") == 2


def test_an_auditor_elsewhere_verifies_a_copy_by_the_documented_lines(
    kiosk: Kiosk, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    kiosk("import", people(place, GOOD))
    (block,) = (
        each for each in shell_blocks(CHECKOUT / "docs" / "security.md") if "copy.db" in each
    )
    backup, public, verify = (
        shlex.split(line.replace("/mnt/auditor", str(tmp_path)))[1:] for line in commands(block)
    )
    *words, _, file = public
    assert kiosk(*backup) == 0
    capsys.readouterr()
    assert main(words) == 0
    Path(file).write_text(capsys.readouterr().out)
    database, by_cp = place / "state" / "kiosk.db", place / "by_cp.db"
    with closing(sqlite3.connect(database)) as station:
        shutil.copyfile(database, place / "empty.db")
        station.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        station.execute("SELECT count(*) FROM card").fetchone()
        kiosk("import", people(place, GOOD.replace("Jo Smith", "Joan")))
        assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
        shutil.copyfile(database, by_cp)

    monkeypatch.setenv("KIOSK_SETTINGS", str(place / "nowhere.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(place / "nowhere"))
    assert kiosk(*verify) == 0
    said = capsys.readouterr().out
    assert "2 rows and 1 anchor fit" in said
    assert "the MACs of the rows were not checked" in said
    elsewhere = "--store", f"sqlite:///{by_cp}", "--anchors", str(place / "anchors")
    assert kiosk("audit", "verify", "--without-key", *elsewhere) == 1
    assert "make copies with `kiosk backup`" in capsys.readouterr().err
    assert kiosk("audit", "verify", "--store", f"sqlite:///{place}/copy.db") == 2
    assert "--store goes with --without-key" in capsys.readouterr().err
    for name, said in (("none", "there is no such file"), ("empty", "is not this program's")):
        url = f"sqlite:///{place}/{name}.db"
        assert kiosk("audit", "verify", "--without-key", "--store", url) == 2
        assert said in capsys.readouterr().err


def test_a_key_added_alone_is_finished_later(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("keys", "rotate", "--add-only") == 0
    assert kiosk("keys", "rotate") == 0
    said = capsys.readouterr().out
    assert "finished an earlier rotation" in said
    assert "2 secrets sealed anew" in said


def test_rotation_tells_of_a_secret_that_does_not_open(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    with closing(sqlite3.connect(place / "state" / "kiosk.db")) as connection:
        connection.execute(
            "UPDATE card SET sealed_secret = zeroblob(40) WHERE identifier LIKE '%1'"
        )
        connection.commit()
    assert kiosk("keys", "rotate") == 1
    said = capsys.readouterr()
    assert "1 secrets sealed anew" in said.out
    assert "its secret does not open" in said.err


def test_the_audit_is_verified_and_anchored(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "verify") == 0
    assert "1 row and 0 anchors fit\nsigned anchors cover nothing" in capsys.readouterr().out
    anchors = str(place / "anchors")
    assert kiosk("audit", "anchor", "--out", anchors) == 0
    assert kiosk("audit", "anchor", "--out", anchors) == 0
    assert "nothing was recorded since" in capsys.readouterr().out
    assert S_IMODE(os.stat(anchors).st_mode) == 0o600  # noqa: PTH116
    assert kiosk("audit", "verify", "--anchors", anchors) == 0
    assert capsys.readouterr().out == "1 row and 1 anchor fit\n"


def test_an_anchor_that_cannot_be_written_is_not_made_and_one_there_is_can_be_written_later(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "nowhere" / "anchors")) == 2
    kiosk("audit", "verify")
    assert "0 anchors fit" in capsys.readouterr().out
    assert kiosk("audit", "anchor") == 0
    anchors = place / "anchors"
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    assert len(anchors.read_text().splitlines()) == 1
    assert kiosk("audit", "verify", "--anchors", str(anchors)) == 0


SWAP = """
UPDATE audit_event SET seq = 9 WHERE seq = 2;
UPDATE audit_event SET seq = 2 WHERE seq = 3;
UPDATE audit_event SET seq = 3 WHERE seq = 9;
"""


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("UPDATE audit_event SET actor = 'somebody else' WHERE seq = 2", "row 2 (changed)"),
        ("UPDATE audit_event SET detail = '{}' WHERE seq = 3", "row 3 (changed)"),
        ("DELETE FROM audit_event WHERE seq = 2", "row 2 (removed)"),
        (SWAP, "row 2 (reordered)"),
    ],
    ids=["edited", "emptied", "deleted", "swapped"],
)
def test_a_tampered_audit_fails_and_names_the_row(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], script: str, named: str
) -> None:
    for name in ("Jo", "Joe", "Joey", "Joan"):
        kiosk("import", people(place, GOOD.replace("Jo Smith", name)))
    with closing(sqlite3.connect(place / "state" / "kiosk.db")) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.executescript(script)
    assert kiosk("audit", "verify") == 1
    said = capsys.readouterr().err
    assert named in said
    assert "NOT intact" in said


def test_an_altered_anchor_is_found_however_often_one_looks(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    kept, public = place / "anchors", place / "public"
    assert kiosk("audit", "anchor", "--out", str(kept)) == 0
    capsys.readouterr()
    assert main(["audit", "public-keys"]) == 0
    public.write_text(capsys.readouterr().out)
    line = kept.read_text()
    for digits in ("000000", "888888", "ffffff"):
        bad = place / f"anchors.{digits}"
        bad.write_text(line.replace('"hash": "', f'"hash": "{digits}'))
        for how in ((), ("--without-key",), ("--without-key", "--public-keys", str(public))):
            assert kiosk("audit", "verify", "--anchors", str(bad), *how) == 1
            said = capsys.readouterr().err
            assert f"row 1 ({'anchor' if how == ('--without-key',) else 'signature'})" in said
            assert digits in said
