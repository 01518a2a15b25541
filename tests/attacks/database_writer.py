"""Somebody who may write every row of the database and has none of the keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime

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
