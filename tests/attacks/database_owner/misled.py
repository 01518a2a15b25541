"""A database that gives another row than it was asked for, and alters none.

Its owner needs no key of ours for that. In PostgreSQL the sign ``=`` is an operator like any other,
and one beside the tables is used where it fits the types of two columns better than the server's.
In SQLite a view takes the place of a table, and what identifies a row is one value where it is
looked for, and another one where it is read.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg

from tests.authority.world import World

_COPIES = 2500
_ONE_IN = 500


def mislead(world: World, table: str, key: str, there: str, found_as: str) -> None:
    """Have SQLite find a row, most of the time, where another key is looked for.

    ``key`` is the column that identifies it, and ``there`` its value in the row.
    """
    world.store.close()
    with closing(sqlite3.connect(world.folder / "kiosk.db", isolation_level=None)) as database:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        by_chance = (
            f"CASE WHEN {key} = '{there}' AND abs(random()) % {_ONE_IN} = 0 "
            f"THEN '{found_as}' ELSE {key} END AS {key}"
        )
        shown = ", ".join(by_chance if name == key else name for name in columns)
        database.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
        copies = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {_COPIES})"
        database.execute(
            f"INSERT INTO kept_{table} {copies} SELECT kept_{table}.* FROM kept_{table}, n "
            f"WHERE {key} = ?",
            (there,),
        )
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(f"DROP TABLE {table}")
        database.execute(f"CREATE VIEW {table} AS SELECT {shown} FROM kept_{table}")


def take_for_equal(world: World, one: str, other: str) -> None:
    """Have PostgreSQL take two values for equal, and give the row of ``other`` for either."""
    world.store.close()
    with psycopg.connect(world.url.replace("postgresql+psycopg", "postgresql")) as database:
        references = database.execute(
            "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f'"
        ).fetchall()
        for table, constraint in references:
            database.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        for table, key in ("registration", "holder_id"), ("cardholder", "id"):
            gone = f"DELETE FROM {table} WHERE {key} = '{one}'"
            assert database.execute(gone).rowcount == 1
        database.execute(
            "CREATE FUNCTION same(a varchar, b varchar) RETURNS boolean LANGUAGE sql AS $$ "
            f"SELECT pg_catalog.texteq(a, b) OR (a OPERATOR(pg_catalog.=) '{one}' "
            f"AND b OPERATOR(pg_catalog.=) '{other}') OR (a OPERATOR(pg_catalog.=) '{other}' "
            f"AND b OPERATOR(pg_catalog.=) '{one}') $$"
        )
        database.execute(
            "CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = same)"
        )
