"""A database without tables, and a file that is not there: each command says what to do."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.__main__ import main
from tests.app.cli.samples import Kiosk
from tests.support.database import PostgresServer

COMMANDS = [
    "audit verify",
    "audit export",
    "report",
    "purge",
    "people search jo",
]
BOTH_WAYS = "`kiosk setup authority` makes them", "`kiosk store copy` brings"


@pytest.fixture
def empty_server(
    postgres_server: PostgresServer, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The settings name a server's database without tables; the keys are there."""
    name = f"empty_{os.getpid()}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv("KIOSK_STORE__URL", postgres_server.url(name))
    yield
    gc.collect()
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgresql
@pytest.mark.usefixtures("empty_server")
@pytest.mark.parametrize("words", COMMANDS)
def test_a_server_without_tables_is_named_with_both_ways_to_them(
    kiosk: Kiosk, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """Before: "the database refused (SQLSTATE 42P01)"."""
    assert kiosk(*words.split()) == 1
    said = capsys.readouterr().err
    assert "kiosk: the database has no tables yet" in said
    assert all(way in said for way in BOTH_WAYS)
    assert "42P01" not in said


@pytest.mark.postgresql
@pytest.mark.usefixtures("empty_server")
def test_the_doctor_tells_a_new_service_from_one_that_moves(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a backup was to be restored, or a new database to be made."""
    kiosk("doctor")
    said = next(line for line in capsys.readouterr().out.splitlines() if "database " in line)
    assert "it has no tables, and the keys of a service are here" in said
    assert said.index("`kiosk store copy`") < said.index("restore") < said.index("--new-database")
    assert "`kiosk restore FILE`" not in said
    assert kiosk("setup", "authority") == 2
    assert "`kiosk store copy`" in capsys.readouterr().err

    (place / "state" / "keys.json").unlink()
    kiosk("doctor")
    said = next(line for line in capsys.readouterr().out.splitlines() if "database " in line)
    assert "it answers, and has no tables yet; `kiosk setup authority` makes them" in said
    assert "`kiosk store copy`" in said
    assert "restore" not in said


@pytest.mark.parametrize("words", COMMANDS[1:])
def test_a_file_without_tables_is_named_so(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    _remove_database(place)
    (place / "state" / "kiosk.db").touch(mode=0o600)
    assert kiosk(*words.split()) == 1
    assert "kiosk: the database has no tables yet" in capsys.readouterr().err


@pytest.mark.parametrize("words", COMMANDS[1:])
def test_a_file_that_is_not_there_is_to_be_restored(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    _remove_database(place)
    assert kiosk(*words.split()) == 1
    said = capsys.readouterr().err
    assert f"the database file is not there ({place / 'state' / 'kiosk.db'})" in said
    assert "`kiosk restore FILE`" in said


def test_what_many_parts_lack_is_said_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", "authority"])
    _remove_database(place)
    capsys.readouterr()
    main(["doctor"])
    said = capsys.readouterr().out
    assert said.count("cannot be looked at, for the reason at “") >= 2


def test_a_server_away_and_no_keys_may_be_a_new_service(
    kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: to put a copy of the key file back, which a new service does not have."""
    monkeypatch.setenv("KIOSK_STORE__URL", "postgresql://kiosk@127.0.0.1:1/kiosk")
    assert kiosk("people", "list") == 1
    said = capsys.readouterr().err
    assert said.splitlines()[1] == (
        'docs/database.md says what to do, under "When it does not work"'
    )
    (place / "state" / "keys.json").unlink()
    assert kiosk("people", "list") == 2
    said = capsys.readouterr().err
    assert "put your copy of the key file back" in said
    assert "for a new service `kiosk setup authority` makes one" in said


def _remove_database(place: Path) -> None:
    gc.collect()  # the connections of the commands before, as when their processes end
    for file in (place / "state").glob("kiosk.db*"):
        file.unlink()
