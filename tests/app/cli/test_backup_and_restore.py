"""``kiosk backup`` and ``kiosk restore``, run as they are typed, while somebody writes."""

from __future__ import annotations

import errno
import gc
import os
import re
import resource
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.app.cli.audit import print_gap
from kiosk.authority.administration import backup
from kiosk.authority.administration.backup import conclude_restore
from kiosk.authority.crypto.derivation import Derivation
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.sealing import Sealer, SealKind
from kiosk.authority.records import AuditGap, AuditQuery, GapKind, NamedKey
from kiosk.authority.store.sqlite_file import lock_exclusively
from kiosk.authority.unblock.stored_secrets import label_of
from kiosk.contract.ports import SystemClock
from tests.app.cli.samples import GOOD, Kiosk, people, store_of_settings
from tests.support.confined import obeying_modes, on_a_full_disk
from tests.support.database import PostgresServer
from tests.support.prepared import prepared_program


@pytest.fixture
def restore(kiosk: Kiosk) -> Kiosk:
    """Restore, after the connections of the commands before are closed, as their processes end."""

    def run(*words: str) -> int:
        gc.collect()
        return kiosk("restore", *words)

    return run


def write_until(done: threading.Event, written: list[int]) -> None:
    """Write to the audit as stations do, one transaction after the other."""
    store = store_of_settings()
    while not done.wait(0.005):  # SQLite lets writers in as they come: the others, too
        with store.begin() as uow:
            uow.audit.append(kind="step", reference="", detail={"n": len(written)})
            uow.commit()
        written.append(len(written))
    store.close()


def test_a_backup_under_load_is_restored_and_the_audit_shows_the_gap(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KIOSK_STORE__BUSY_TIMEOUT_S", "60")
    kiosk("import", people(place, GOOD))
    done, written = threading.Event(), list[int]()
    writer = threading.Thread(target=write_until, args=(done, written))
    writer.start()
    try:
        assert kiosk("backup", str(place / "backup.db")) == 0
        before = len(written)
        while len(written) < before + 20:
            writer.join(0.01)
    finally:
        done.set()
        writer.join()
    said = capsys.readouterr().out
    assert "not in it: the keys" in said
    assert (place / "backup.db").stat().st_mode & 0o777 == 0o600
    assert kiosk("backup", str(place / "backup.db")) == 2
    assert "give another name; a backup has its name only once" in capsys.readouterr().err
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0

    words = str(place / "backup.db"), "--anchors", str(place / "anchors")
    assert restore(*words) == 2
    assert "--replace puts it aside" in capsys.readouterr().err
    assert restore(*words, "--replace") == 0
    said = capsys.readouterr().out
    assert re.search(r"rows \d+ to \d+, and perhaps rows after them, were lost when a", said)
    assert "`kiosk keys copy`" in said
    assert len(list((place / "state").glob("kiosk.db.before-restore-*"))) == 1

    assert kiosk("audit", "verify", "--anchors", str(place / "anchors")) == 0
    assert "lost when a backup was restored" in capsys.readouterr().out
    assert kiosk("people", "search", "Jo Smith") == 0
    assert "900000000001" in capsys.readouterr().out
    with store_of_settings().read() as uow:
        (gap,) = uow.audit.gaps()
        (last,) = uow.trail.newest(AuditQuery(), limit=1)
    assert gap.kind is GapKind.RESTORED
    assert last.seq > gap.last > gap.first


def test_a_command_beside_a_restore_says_to_wait_for_it(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It said that the database is in use, and nothing else."""
    gc.collect()
    with lock_exclusively(place / "state" / "kiosk.db", ""):
        assert kiosk("import", people(place, GOOD)) == 1
    said = capsys.readouterr().err
    assert (
        "kiosk.db is in use: `kiosk restore` or `kiosk store copy` is at work on it: wait" in said
    )
    assert kiosk("import", people(place, GOOD)) == 0


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "rows from 8 on were lost when"),
        ([3, 8], "row 8, and perhaps rows after it, were lost when"),
        ([8, 12], "rows 8 to 12, and perhaps rows after them, were lost when"),
    ],
)
def test_what_was_lost_is_said_in_plain_words(
    known: list[int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: "rows from 8 on, up to 8 at least were lost"."""
    at = datetime(2026, 11, 26, 10, 41, tzinfo=UTC)
    print_gap(AuditGap(8, 10_000_008, "", GapKind.RESTORED, at, b"", ""), known)
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("fault", ["closed folder", "no folder", "full disk"])
def test_a_backup_that_was_not_made_is_not_audited_as_made(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    kiosk("import", people(place, GOOD))
    gc.collect()
    folder, file = place / "elsewhere", place / "state" / "kiosk.db"
    prefix = []
    if fault != "no folder":
        folder.mkdir()
    if fault == "closed folder":
        folder.chmod(0o500)
        prefix = obeying_modes()
    if fault == "full disk":
        prefix = on_a_full_disk(file.stat().st_size - 5000)
    command = [*prefix, sys.executable, "-m", "kiosk", "backup", str(folder / "backup.db")]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert f"{folder / 'backup.db'} was not written: " in tried.stderr
    assert "Traceback" not in tried.stderr
    assert not folder.exists() or list(folder.iterdir()) == []
    assert kiosk("audit", "list", "--kind", "store-backed-up") == 0
    assert "no row fits" in capsys.readouterr().out

    assert kiosk("backup", str(place / "backup.db")) == 0
    assert kiosk("audit", "list", "--kind", "store-backed-up") == 0
    assert capsys.readouterr().out.count("A backup of the database was made") == 1


def test_a_backup_whose_name_did_not_reach_the_disk_does_not_stay(
    kiosk: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fsync, folder = os.fsync, place / "elsewhere"
    folder.mkdir()

    def fail(handle: int) -> None:
        if os.path.samestat(os.fstat(handle), folder.stat()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fail)
        assert kiosk("backup", str(folder / "backup.db")) == 1
    assert "backup.db was not written: Input/output error" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert kiosk("backup", str(folder / "backup.db")) == 0


def rows_of(file: Path) -> dict[int, str]:
    with closing(sqlite3.connect(file)) as database:
        return dict(database.execute("SELECT seq, hash FROM audit_event"))


def test_the_rows_of_after_a_restore_stand_below_the_others(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(place / "backup.db")) == 0
    assert restore(str(place / "backup.db"), "--replace") == 0
    capsys.readouterr()
    assert kiosk("audit", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len({line.split()[0] for line in lines if len(line.split()[0]) > 7}) >= 1
    assert len({line.index(line.split()[1]) for line in lines}) == 1


@pytest.mark.parametrize("known_by", ["the file put aside", "anchors", "the time alone"])
def test_a_second_restore_gives_no_number_of_a_row_twice(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    known_by: str,
) -> None:
    backup, file, anchors = place / "backup.db", place / "state" / "kiosk.db", place / "anchors"
    now = datetime.now(UTC).replace(second=0)
    monkeypatch.setattr(SystemClock, "now", lambda self: now)
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(backup)) == 0
    assert restore(str(backup), "--replace") == 0
    assert kiosk("audit", "anchor", "--out", str(anchors)) == 0
    after_the_first = rows_of(file)

    now += timedelta(seconds=1)
    words = ["--replace"] if known_by == "the file put aside" else []
    gc.collect()
    if not words:
        file.rename(place / "lost.db")
    if known_by == "anchors":
        words = ["--anchors", str(anchors)]
    if known_by == "the time alone":
        now += timedelta(minutes=1)
    assert restore(str(backup), *words) == 0
    kiosk("import", people(place, GOOD))
    in_both = after_the_first.items() & rows_of(file).items()
    assert after_the_first.keys() & rows_of(file).keys() == {seq for seq, _ in in_both}
    assert len(in_both) < len(after_the_first)
    assert kiosk("audit", "verify", "--anchors", str(anchors)) == 0


def test_a_backup_from_before_a_rotation_is_restored_with_the_key_file_of_today(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: the audit got rows of the new keys under lost numbers, and anchors contradicted."""
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(place / "backup.db")) == 0
    assert kiosk("keys", "rotate") == 0
    assert kiosk("keys", "rotate", "--purpose", "audit-sign") == 0
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
    lost = max(rows_of(place / "state" / "kiosk.db"))
    words = str(place / "backup.db"), "--anchors", str(place / "anchors")
    capsys.readouterr()
    assert restore(*words, "--replace") == 0, capsys.readouterr()
    assert kiosk("audit", "verify", "--anchors", str(place / "anchors")) == 0
    assert kiosk("keys", "list") == 0
    with store_of_settings().read() as uow:
        (gap,) = uow.audit.gaps()
        added = uow.trail.newest(AuditQuery(kind="key-added"), limit=9)
    assert gap.first <= lost < gap.last
    assert len(added) == 2
    assert all(event.seq > gap.last for event in added)


def test_a_database_that_is_in_use_is_not_replaced(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kiosk("backup", str(place / "backup.db")) == 0
    holds = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT count(*) FROM audit_event').fetchone(); print('open', flush=True);"
        "sys.stdin.read()"
    )
    file = str(place / "state" / "kiosk.db")
    station = subprocess.Popen(
        [sys.executable, "-c", holds, file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert station.stdout is not None
    assert station.stdout.readline() == "open\n"
    assert restore(str(place / "backup.db"), "--replace") == 1
    assert "is in use: end every station" in capsys.readouterr().err
    station.communicate()
    assert restore(str(place / "backup.db"), "--replace") == 0


@pytest.mark.parametrize("removed", ["kiosk.db", "kiosk.db*"])
def test_a_deleted_database_that_is_in_use_is_not_restored(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    removed: str,
) -> None:
    backup, state = place / "backup.db", place / "state"
    assert kiosk("backup", str(backup)) == 0
    gc.collect()
    authority = prepared_program().start_python(("-c", HOLDS_THE_STORE), os.environ)
    assert authority.stdout.readline() == "open\n"
    for file in state.glob(removed):
        file.unlink()
    left = sorted(file.name for file in state.iterdir())
    assert restore(str(backup)) == 1
    assert "is in use: end every station" in capsys.readouterr().err
    assert sorted(file.name for file in state.iterdir()) == left
    _, said = authority.ended("read\n")
    assert "gone, or another" in said

    assert restore(str(backup)) == 0
    assert not (state / "kiosk.db-wal").exists()
    assert len(list(state.glob("*before-restore*-wal"))) == (removed == "kiosk.db")
    assert kiosk("audit", "verify") == 0
    with closing(sqlite3.connect(state / "kiosk.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


HOLDS_THE_STORE = """
import sys
from kiosk.authority.errors import StoreError
from tests.app.cli.samples import store_of_settings
store = store_of_settings()
with store.begin() as uow:
    uow.audit.append(kind="step", reference="", detail={})
    uow.commit()
print("open", flush=True)
sys.stdin.readline()
try:
    store.schema_serves()
except StoreError as error:
    print(error, flush=True)
sys.stdin.read()
"""


def test_a_damaged_database_gives_way(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup, file = place / "backup.db", place / "state" / "kiosk.db"
    assert kiosk("backup", str(backup)) == 0
    gc.collect()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE audit_head")
    assert restore(str(backup), "--replace") == 0
    assert "give --anchors with all that were kept elsewhere" in capsys.readouterr().err
    assert kiosk("audit", "verify") == 0

    gc.collect()
    file.write_bytes(b"no database" * 1000)
    assert restore(str(backup), "--replace") == 1
    assert "if it is damaged, move it away" in capsys.readouterr().err
    for left in (place / "state").glob("kiosk.db*"):
        left.rename(place / left.name)
    assert restore(str(backup)) == 0
    assert kiosk("audit", "verify") == 0


def test_a_restored_database_has_its_name_on_the_disk_before_that_is_said(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a power cut could bring the other database back."""
    assert kiosk("backup", str(place / "backup.db")) == 0
    file, fsync = place / "state" / "kiosk.db", os.fsync
    before, synced = file.stat().st_ino, list[bool]()

    def synchronise(handle: int) -> None:
        fsync(handle)
        if os.path.samestat(os.fstat(handle), file.parent.stat()):
            synced.append(file.stat().st_ino != before)

    monkeypatch.setattr(os, "fsync", synchronise)
    assert restore(str(place / "backup.db"), "--replace") == 0
    assert synced == [True]


def test_two_restores_within_a_second_keep_both_of_what_was_there(
    kiosk: Kiosk, restore: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kiosk("backup", str(place / "backup.db")) == 0
    now = SystemClock().now()
    monkeypatch.setattr(SystemClock, "now", lambda _self: now)
    for _ in range(3):
        assert restore(str(place / "backup.db"), "--replace") == 0
    aside = {file.name for file in (place / "state").glob("kiosk.db.before-restore-*")}
    assert {name.partition(f"{now:%H%M%S}")[2] for name in aside} == {"", "-2", "-3"}


def test_a_backup_that_was_changed_is_not_restored(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(place / "backup.db")) == 0
    with closing(sqlite3.connect(place / "backup.db")) as backup:
        name = "audit_event_no_update"
        kept = "SELECT sql FROM sqlite_schema WHERE name = ?"
        (trigger,) = backup.execute(kept, (name,)).fetchone()
        backup.execute(f"DROP TRIGGER {name}")
        backup.execute("UPDATE audit_event SET reference = 'other' WHERE seq = 1")
        backup.execute(trigger)
        backup.commit()
    gc.collect()
    before = (place / "state" / "kiosk.db").read_bytes()
    assert restore(str(place / "backup.db"), "--replace") == 1
    assert "this backup is not restored" in capsys.readouterr().err
    assert (place / "state" / "kiosk.db").read_bytes() == before
    (place / "torn.db").write_bytes((place / "backup.db").read_bytes()[:9000])
    assert restore(str(place / "torn.db"), "--replace") == 1
    assert restore(str(place / "nothing.db"), "--replace") == 1
    assert list((place / "state").glob(".kiosk.db*")) == []


@pytest.mark.parametrize("unfit", ["missing", "text", "empty", "of another program", "damaged"])
def test_a_file_that_is_no_backup_is_refused_in_words(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    unfit: str,
) -> None:
    """Before: "cannot be copied (SQLITE_NOTADB)"; an empty file became the database."""
    kiosk("import", people(place, GOOD))
    file, said = place / "given.db", "is no backup of a Kiosk database"
    if unfit == "missing":
        said = "there is no such file"
    if unfit == "text":
        file.write_text("127.0.0.1 localhost\n" * 100)
    if unfit == "empty":
        file.touch()
    if unfit == "of another program":
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE theirs (id int)")
    if unfit == "damaged":
        said = "is damaged: take an older backup"
        assert kiosk("backup", str(file)) == 0
        whole = file.read_bytes()
        file.write_bytes(whole[:8192] + b"\xff" * 20_000 + whole[28_192:])
    gc.collect()
    before = rows_of(place / "state" / "kiosk.db")
    assert restore(str(file), "--replace") == 1
    assert f"{file}: {said}" in capsys.readouterr().err
    assert rows_of(place / "state" / "kiosk.db") == before


def test_a_backup_of_other_keys_is_not_restored(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(place / "backup.db")) == 0
    (place / "state" / "keys.json").unlink()
    gc.collect()
    for left in (place / "state").glob("kiosk.db*"):
        left.unlink()
    assert kiosk("setup", "authority") == 0
    assert restore(str(place / "backup.db"), "--replace") == 2
    assert "filled under other keys" in capsys.readouterr().err


@pytest.mark.parametrize("purpose", ["seal", "pepper", "derive"])
def test_a_backup_is_not_restored_with_an_older_copy_of_the_key_file(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    purpose: str,
) -> None:
    """It ended with 0 and said nothing, and no secret could be opened."""
    keys, backup = place / "state" / "keys.json", str(place / "backup.db")
    kiosk("import", people(place, GOOD))
    old = keys.read_bytes()
    assert kiosk("keys", "rotate", "--purpose", purpose) == 0
    if purpose == "derive":
        derive_one(keys)
    assert kiosk("backup", backup) == 0
    gc.collect()
    new, before = keys.read_bytes(), rows_of(place / "state" / "kiosk.db")
    keys.write_bytes(old)
    assert restore(backup, "--replace") == 1
    said = capsys.readouterr().err
    assert f"the key file is an older copy, without {purpose}-" in said
    assert "--older-keys" in said
    assert rows_of(place / "state" / "kiosk.db") == before
    assert list((place / "state").glob("*before-restore*")) == []

    assert restore(backup, "--replace", "--older-keys") == 0
    keys.write_bytes(new)
    assert restore(backup, "--replace") == 0


def derive_one(keys: Path) -> None:
    """Let a card's secret derive from the master key, as an unlock does."""
    sealer, store = Sealer(KeyRing.load(keys)), store_of_settings()
    with store.begin() as uow:
        card, *_others = uow.cards.naming_others(NamedKey.SEAL, "none", after="")
        assert card.sealed_secret is not None
        old = card.sealed_secret.revision
        anew = label_of(card, SealKind.UNBLOCK, old + 1)
        sealed = sealer.seal(Derivation(sealer.masters.current()), anew)
        assert uow.cards.replace_secret(card.id, old, sealed)
        uow.commit()
    store.close()


def test_a_backup_without_its_key_file_says_to_put_the_copy_back(
    kiosk: Kiosk, restore: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kiosk("import", people(place, GOOD))
    assert kiosk("backup", str(place / "backup.db")) == 0
    gc.collect()
    for left in (place / "state").glob("kiosk.db*"):
        left.unlink()
    (place / "state" / "keys.json").rename(place / "copy.json")
    assert restore(str(place / "backup.db")) == 2
    said = capsys.readouterr().err
    assert "put your copy of the key file back" in said
    assert "kiosk setup" not in said
    (place / "copy.json").rename(place / "state" / "keys.json")
    assert restore(str(place / "backup.db")) == 0


@pytest.mark.postgresql
def test_what_remains_after_a_server_was_restored(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    postgres_server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kiosk("restore", "--server") == 2
    assert "the database of these settings is a file" in capsys.readouterr().err
    monkeypatch.setenv("KIOSK_STORE__URL", postgres_server.fresh())
    assert kiosk("restore", str(place / "backup.db")) == 2
    assert kiosk("backup", str(place / "backup.db")) == 2
    assert "pg_basebackup" in capsys.readouterr().err
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "anchor", "--out", str(place / "anchors")) == 0
    assert restore("--server", "--anchors", str(place / "anchors")) == 0
    assert "the audit goes on after row" in capsys.readouterr().out
    kiosk("import", people(place, GOOD))
    assert kiosk("audit", "verify", "--anchors", str(place / "anchors")) == 0
    assert "were lost when a backup was restored" in capsys.readouterr().out


@pytest.mark.postgresql
def test_a_server_that_is_in_use_is_not_restored(
    kiosk: Kiosk,
    restore: Kiosk,
    postgres_server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KIOSK_STORE__URL", postgres_server.fresh())
    store = store_of_settings()
    assert store.schema_serves()
    assert restore("--server") == 1
    assert "is in use (1 session): end every station" in capsys.readouterr().err
    store.close()
    assert restore("--server") == 0


def test_a_restore_that_the_disk_has_no_room_for_leaves_what_was_there(
    kiosk: Kiosk,
    restore: Kiosk,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was written last is in a log, which has to be written back before the file is moved."""
    assert kiosk("backup", str(place / "backup.db")) == 0
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def conclude(*given: Any) -> Any:
        done = conclude_restore(*given)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        return done

    monkeypatch.setattr(backup, "conclude_restore", conclude)
    try:
        assert restore(str(place / "backup.db"), "--replace") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "full" in capsys.readouterr().err
    assert not list((place / "state").glob("*before-restore*"))
    assert kiosk("audit", "list", "--kind", "store-restored") == 0
    assert "no row fits" in capsys.readouterr().out
    assert kiosk("audit", "verify") == 0
