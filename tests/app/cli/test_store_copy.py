"""``kiosk store copy``: from a database file to a server, cut off anywhere, and refused."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kiosk.authority.store.tables import TableRow
from tests.app.cli.samples import GOOD, Kiosk, people, store_of_settings
from tests.support.database import PostgresServer
from tests.support.prepared import prepared_program

pytestmark = pytest.mark.postgresql

ROWS = 300

KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from kiosk.__main__ import main
from kiosk.authority.store import copying

copying.BATCH = 40
left = int(sys.argv[1])

@event.listens_for(Engine, "commit")
def count(connection):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.exit(main(["store", "copy", "--to", sys.argv[2]]))
"""


@pytest.fixture
def server(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    name = f"copied_{os.getpid()}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def filled(kiosk: Kiosk, place: Path) -> Path:
    """The file of a service with people and an audit, that nobody has open."""
    kiosk("import", people(place, GOOD))
    store = store_of_settings()
    with store.begin() as uow:
        for number in range(ROWS):
            uow.audit.append(kind="step", reference="", detail={"n": number})
        uow.commit()
    store.close()
    assert kiosk("audit", "anchor") == 0
    gc.collect()  # the connections of the commands before, as when their processes end
    return place / "state" / "kiosk.db"


def copy_killed_at(commit: int, server: str) -> None:
    words = ("-c", KILLED, str(commit), server)
    with prepared_program().start_python(words, os.environ) as process:
        assert process.ended() == (-signal.SIGKILL, "")


def counts_of_file(file: Path) -> dict[str, int]:
    connection = sqlite3.connect(file)
    tables = TableRow.metadata.tables
    found = {n: connection.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in tables}
    connection.close()
    return found


def counts_on(server: str) -> dict[str, int]:
    with psycopg.connect(server) as connection:
        tables = TableRow.metadata.tables
        rows = {n: connection.execute(f"SELECT count(*) FROM {n}".encode()) for n in tables}
        found = {name: cursor.fetchone() for name, cursor in rows.items()}
    return {name: row[0] for name, row in found.items() if row}


def test_a_service_goes_on_where_it_was_copied_to(
    kiosk: Kiosk,
    filled: Path,
    server: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = counts_of_file(filled)
    assert kiosk("store", "copy", "--to", server) == 0
    said = capsys.readouterr().out
    assert f"{sum(before.values()) - 1} rows copied to postgresql://kiosk@/copied" in said
    assert "set `url` in [store]" in said
    assert "`kiosk store roles` shows what makes the roles" in said
    after = counts_on(server)
    assert after.pop("audit_event") == before.pop("audit_event") + 1  # that it was copied
    assert after == before
    with psycopg.connect(server) as connection:
        # Every key is given by the program: there is no sequence that would have to be set.
        assert connection.execute("SELECT count(*) FROM pg_sequences").fetchone() == (0,)
        assert connection.execute("SELECT to_regclass('store_copy')").fetchone() == (None,)

    gc.collect()
    kiosk("doctor")
    assert "this database was copied to postgresql://kiosk@/copied" in capsys.readouterr().out
    monkeypatch.setenv("KIOSK_STORE__URL", server)
    kiosk("doctor")
    assert "answers, schema 0002 is current" in capsys.readouterr().out
    assert kiosk("audit", "verify") == 0
    assert kiosk("rows", "check") == 0
    assert kiosk("people", "search", "Jo Smith") == 0
    assert "900000000001" in capsys.readouterr().out
    assert kiosk("audit", "list", "--kind", "store-copied") == 0


def test_copy_leaves_programs_that_may_serve_as_they_were_in_the_file(
    kiosk: Kiosk, filled: Path, server: str
) -> None:
    """Only `kiosk store finish-upgrade` says that none of the version before serves any more."""
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE served_program SET least_program = '0001'")
    connection.commit()
    connection.close()
    copy_killed_at(2, server)
    assert kiosk("store", "copy", "--to", server) == 0
    with psycopg.connect(server) as there:
        found = there.execute("SELECT least_program FROM served_program").fetchall()
    assert found == [("0001",)]


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ("'a' || char(0)", "a text with a NUL in it, or one that is no UTF-8, cannot be stored"),
        ("CAST(x'41ff' AS TEXT)", "a stored value cannot be read"),
    ],
)
def test_a_row_that_no_server_takes_is_named(
    kiosk: Kiosk,
    filled: Path,
    server: str,
    capsys: pytest.CaptureFixture[str],
    value: str,
    because: str,
) -> None:
    connection = sqlite3.connect(filled)
    ((name,),) = connection.execute("SELECT max(id) FROM cardholder")
    connection.execute(f"UPDATE cardholder SET name = {value} WHERE id = ?", (name,))
    connection.commit()
    connection.close()
    assert kiosk("store", "copy", "--to", server) == 1
    told = f"kiosk: cardholder {name}: {because}; put it right from a backup, or delete it"
    assert told in capsys.readouterr().err


def test_a_time_that_is_none_is_named(
    kiosk: Kiosk, filled: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a traceback with the value."""
    connection = sqlite3.connect(filled)
    ((name,),) = connection.execute("SELECT max(id) FROM card")
    connection.execute("UPDATE card SET expires_at = 'soon' WHERE id = ?", (name,))
    connection.commit()
    connection.close()
    assert kiosk("store", "copy", "--to", server) == 1
    assert f"kiosk: card {name}: a stored value cannot be read" in capsys.readouterr().err


def test_a_file_that_was_copied_takes_no_writes(
    kiosk: Kiosk, filled: Path, place: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: all but the doctor worked with it, so that what they wrote was lost."""
    assert kiosk("store", "copy", "--to", server) == 0
    before = counts_of_file(filled)
    reason = ("--reason", "moved")
    gc.collect()
    for words in (
        ("import", people(place, GOOD)),
        ("people", "add", "900000000009", "Eve Late", *reason),
        ("people", "search", "Jo Smith"),
        ("caretaker",),
        ("purge",),
        ("backup", str(place / "backup.db")),
        ("policy", "set", "max_failures", "5", *reason),
        ("setup", "authority"),
        ("setup", "authority", "--new-database"),
    ):
        assert kiosk(*words) == 1, words
        told = capsys.readouterr()
        (line,) = told.err.splitlines()
        assert "this database was copied to postgresql://kiosk@/copied" in line
        assert "let `url` in [store] name that" in line
        assert "made" not in told.out
    assert counts_of_file(filled) == before

    # A second copy to there was refused as if the server held something else.
    gc.collect()
    assert kiosk("store", "copy", "--to", server) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "this database was copied to postgresql://kiosk@/copied" in line
    assert "let `url` in [store] name that" in line


def test_a_copy_that_is_killed_goes_on(
    kiosk: Kiosk, filled: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts_of_file(filled)
    for left in (1, 2, 3, 5, 9):
        copy_killed_at(left, server)
        monkeypatch.setenv("KIOSK_STORE__URL", server)
        kiosk("doctor")
        monkeypatch.delenv("KIOSK_STORE__URL")
    with psycopg.connect(server) as connection:
        (why,) = connection.execute("SELECT least_program FROM served_program").fetchone() or ("",)
    assert why.startswith("it is being copied from a file")
    gc.collect()
    assert kiosk("store", "copy", "--to", server) == 0
    after = counts_on(server)
    assert after.pop("audit_event") == before.pop("audit_event") + 1
    assert after == before


def test_what_is_no_empty_database_or_no_file_alone_is_refused(
    kiosk: Kiosk, filled: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE theirs (id int)")
        assert kiosk("store", "copy", "--to", server) == 2
        assert "is not empty: it has theirs; make an empty one, as docs/" in capsys.readouterr().err
        connection.execute("DROP TABLE theirs")

    station = sqlite3.connect(filled)
    station.execute("SELECT count(*) FROM audit_event").fetchone()
    assert kiosk("store", "copy", "--to", server) == 1
    assert "is in use: end every station" in capsys.readouterr().err
    station.close()

    copy_killed_at(4, server)
    store = store_of_settings()
    with store.begin() as uow:
        uow.audit.append(kind="step", reference="")
        uow.commit()
    store.close()
    gc.collect()
    assert kiosk("store", "copy", "--to", server) == 2
    assert "the file was written to since this copy began" in capsys.readouterr().err


def test_a_row_that_differs_on_the_server_ends_the_copy(
    kiosk: Kiosk, filled: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_killed_at(12, server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # past the triggers
        changed = connection.execute("UPDATE audit_event SET reference = 'other' WHERE seq = 3")
        assert changed.rowcount == 1
    assert kiosk("store", "copy", "--to", server) == 1
    assert "audit_event 3 differs on the server" in capsys.readouterr().err


def test_a_server_elsewhere_that_tls_does_not_verify_gets_nothing(
    kiosk: Kiosk, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = "postgresql://kiosk@localhost:1/kiosk"
    for mode in ("", "?sslmode=require"):
        assert kiosk("store", "copy", "--to", elsewhere + mode) == 2
        said = capsys.readouterr().err
        assert "nothing shows that it is localhost which would get every record" in said
        assert "sslmode=verify-full" in said
    for words in ((f"{elsewhere}?sslmode=verify-full",), (elsewhere, "--unverified")):
        assert kiosk("store", "copy", "--to", *words) == 1
        assert "the database server does not answer" in capsys.readouterr().err
