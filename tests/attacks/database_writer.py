"""Somebody who may write every row of the database and has none of the keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from kiosk.authority.administration.verification import check_rows
from kiosk.authority.audit.events import AuditKind
from kiosk.contract.messages import Reason, Refusal
from tests.authority.world import World


def write(world: World, statement: str, *values: object) -> None:
    """Run one statement past the program; it has to change exactly one row."""
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        assert connection.execute(statement, values).rowcount == 1


def insert(world: World, table: str, **values: object) -> None:
    """Insert a row with the MAC of another one, and with empty text in what is not given."""
    with closing(sqlite3.connect(world.folder / "kiosk.db")) as connection, connection:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        empty = {name: "" for _, name, _, required, _, _ in columns if required}
        found = connection.execute(f"SELECT mac FROM {table} LIMIT 1").fetchone()
        values = empty | {"mac": found[0] if found else "row-mac-00000000.00"} | values
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            tuple(values.values()),
        )


def at(moment: datetime) -> str:
    """Return a time as SQLite keeps it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def refused_as_altered(world: World, reply: object, table: str) -> bool:
    """Tell whether a call was refused for a row of ``table``, and audit and doctor name it."""
    if not isinstance(reply, Refusal) or reply.reason is not Reason.RECORD_ALTERED:
        return False
    assert f"{table} " in check_rows(world.store).found
    events = [event for event in world.events() if event.kind == AuditKind.ROW_ALTERED]
    return any(event.detail["table"] == table for event in events)


@contextmanager
def opened(world: World) -> Iterator[Any]:
    """Open either database past the program: its triggers and foreign keys count for nothing."""
    if not world.url.startswith("postgresql"):
        with closing(sqlite3.connect(world.folder / "kiosk.db")) as connection, connection:
            yield connection
        return
    with psycopg.connect(world.url) as owner:
        owner.execute("SET session_replication_role = replica")
        yield owner


@dataclass(frozen=True)
class KeptRow:
    """One row as it was, with its MAC then."""

    table: str
    values: dict[str, Any]


def keep(world: World, *tables: str, where: str = "true") -> list[KeptRow]:
    """Copy rows, to put them back later."""
    kept = []
    with opened(world) as database:
        for table in tables:
            found = database.execute(f"SELECT * FROM {table} WHERE {where}")
            names = [column[0] for column in found.description]
            kept += [KeptRow(table, dict(zip(names, row, strict=True))) for row in found.fetchall()]
    assert kept
    return kept


_KEYS: dict[str, tuple[str, ...]] = {
    "registration": ("holder_id",),
    "policy_setting": ("name",),
    "station": ("name",),
    "staff_key": ("fingerprint",),
    "station_key": ("fingerprint",),
    "proof": ("visit_id", "factor"),
}


def put_back(world: World, kept: Sequence[KeptRow]) -> None:
    """Let each kept row take the place of what it has become, if that is still there."""
    mark = "%s" if world.url.startswith("postgresql") else "?"
    with opened(world) as database:
        for row in kept:
            keys = _KEYS.get(row.table, ("id",))
            this = " AND ".join(f"{key} = {mark}" for key in keys)
            named = tuple(row.values[key] for key in keys)
            database.execute(f"DELETE FROM {row.table} WHERE {this}", named)
            marks = ", ".join([mark] * len(row.values))
            names = ", ".join(row.values)
            database.execute(
                f"INSERT INTO {row.table} ({names}) VALUES ({marks})", tuple(row.values.values())
            )


def run(world: World, statement: str) -> None:
    """Run a statement past the program, on either database."""
    with opened(world) as database:
        assert database.execute(statement).rowcount > 0


def found_put_back(world: World, table: str) -> bool:
    """Return whether the audit names an older row of ``table`` that was put back."""
    events = [event for event in world.events() if event.kind == AuditKind.ROW_ALTERED]
    return any(event.detail["table"] == table and event.detail.get("older") for event in events)


def refused_as_put_back(world: World, reply: object, table: str) -> bool:
    """Tell whether a call was refused for an older row of ``table``, which the audit names."""
    refused = isinstance(reply, Refusal) and reply.reason is Reason.RECORD_ALTERED
    return refused and found_put_back(world, table)
