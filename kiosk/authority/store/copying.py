"""Copies a database file to a PostgreSQL server; an interrupted copy can be continued.

The file is locked exclusively during the copy. Each batch of rows and the progress are one
transaction on the server, and no program serves with the server's database before every row was
compared with the file's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    Row,
    Select,
    StaticPool,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.errors import StoreError, ValueUnreadable
from kiosk.authority.records import Progress
from kiosk.authority.store.engine import moved_to, open_engine, parse_url, translated
from kiosk.authority.store.gateway import table_of
from kiosk.authority.store.schema import migrate
from kiosk.authority.store.tables import REVISION, AuditHeadRow, ServedProgramRow, TableRow
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import SystemClock

BATCH: Final = 500
COPYING: Final = "it is being copied from a file; `kiosk store copy` goes on with it"

_REPAIR: Final = "put it right from a backup, or delete it, as `kiosk rows --help` says"
_DATA_EXCEPTION: Final = "22"
"""How a SQLSTATE begins of a value that its column may not hold."""

_SERVED: Final = table_of(ServedProgramRow)
_HEADS: Final = table_of(AuditHeadRow)
_MADE_BY_MIGRATING: Final = {_HEADS.name: 1, _SERVED.name: 1}

_STATE: Final = Table(
    "store_copy",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("last_key", Text),
    Column("rows", BigInteger),
)
"""The progress of the copy of each table; the row without a name identifies the file, and that of
the table that is not copied has what its row will be."""


def copy_store(locked: sqlite3.Connection, to: str, moved: str, progress: Progress) -> int:
    """Copy every row of a locked database file to the server at ``to``; return how many.

    ``moved`` is the message that a program gets which uses the file afterwards. Raises
    ``ConfigError`` where the server holds anything else, ``StoreError``.
    """
    url = parse_url(to)
    if url.get_backend_name() != "postgresql":
        raise ConfigError("a database file is copied to a PostgreSQL server: postgresql://...")
    source = create_engine("sqlite://", creator=lambda: locked, poolclass=StaticPool)
    target, _ = open_engine(url, 60.0, 1, SystemClock())
    try:
        with source.connect() as rows:
            tables = [each for each in TableRow.metadata.sorted_tables if each is not _SERVED]
            total = sum(_count(rows, table) for table in tables)
            least = str(rows.scalar(select(_SERVED.c.least_program)))
            was_copied = " " in least  # to a server that is lost, maybe, and is copied again
            least = REVISION if was_copied else least
            _begin(target, _fingerprint(rows), moved_to(locked), least)
            _copy(rows, target, tables, lambda done: progress(done, 2 * total))
            _compare(rows, target, tables, lambda done: progress(total + done, 2 * total))
            _mark(locked, moved)
            with target.begin() as connection:
                (of_file, _) = _reached(connection, _SERVED.name)
                connection.execute(_SERVED.update().values(least_program=of_file))
                _STATE.drop(connection)
    except SQLAlchemyError as error:
        failure = translated(error)
    else:
        return total
    finally:
        target.dispose()
    raise failure


_NOT_EMPTY = "the database on the server is not empty"
_MAKE_EMPTY = "make an empty one, as docs/database.md says, and name that"


def _begin(target: Engine, fingerprint: str, before: str, least: str) -> None:
    """Create the tables, or find an interrupted copy of the same file.

    ``before`` is the server to which the file was copied already. ``least`` is the oldest program
    that may serve with the file, as it may with the copy once that is complete.
    """
    there = set(inspect(target).get_table_names())
    if _STATE.name in there:
        with target.connect() as connection:
            (source, _) = _reached(connection, "")
        if source != fingerprint:
            raise ConfigError(
                "the file was written to since this copy began, or it is another file: drop the "
                "database on the server, make an empty one, and copy again"
            )
        return
    ours = {*TableRow.metadata.tables, "alembic_version"}
    if foreign := sorted(there - ours):
        raise ConfigError(f"{_NOT_EMPTY}: it has {foreign[0]}; {_MAKE_EMPTY}")
    with target.connect() as connection:
        for table in TableRow.metadata.sorted_tables:
            made = _MADE_BY_MIGRATING.get(table.name, 0)
            if table.name in there and _count(connection, table) > made:
                raise ConfigError(before or f"{_NOT_EMPTY}: see {table.name}; {_MAKE_EMPTY}")
    migrate(target)
    with target.begin() as connection:
        _STATE.create(connection)
        begun = {"": fingerprint, _SERVED.name: least}
        state = [{"name": name, "last_key": key, "rows": 0} for name, key in begun.items()]
        connection.execute(_STATE.insert(), state)
        connection.execute(_HEADS.delete())
        connection.execute(_SERVED.update().values(least_program=COPYING))


def _reached(connection: Connection, name: str) -> tuple[str | None, int]:
    state = select(_STATE.c.last_key, _STATE.c.rows).where(_STATE.c.name == name)
    found = connection.execute(state).first()
    return (found[0], found[1]) if found else (None, 0)


def _copy(
    rows: Connection, target: Engine, tables: Sequence[Table], progress: Callable[[int], None]
) -> None:
    done = 0
    for table in tables:
        with target.connect() as connection:
            reached, copied = _reached(connection, table.name)
        done += copied
        for batch in _batches(rows, table, reached):
            copied, done = copied + len(batch), done + len(batch)
            names = table.c.keys()
            written = [dict(zip(names, row, strict=True)) for row in batch]
            last = _key(table, batch[-1])
            as_json = [one.isoformat() if isinstance(one, datetime) else one for one in last]
            state = {"last_key": json.dumps(as_json), "rows": copied}
            upsert = insert(_STATE).values(name=table.name, **state)
            reached_here = upsert.on_conflict_do_update(index_elements=["name"], set_=state)
            try:
                with target.begin() as connection:
                    connection.execute(table.insert(), written)
                    connection.execute(reached_here)
            except SQLAlchemyError as error:
                failure = translated(error)
            else:
                progress(done)
                continue
            raise _refused(target, table, written, failure)


def _refused(
    target: Engine, table: Table, written: Sequence[dict[str, Any]], failure: StoreError
) -> StoreError:
    """Name the row of a batch that the server does not take."""
    for row in written if failure.code.startswith(_DATA_EXCEPTION) else ():
        with target.connect() as connection, connection.begin() as tried:
            try:
                connection.execute(table.insert(), row)
            except SQLAlchemyError:
                key = "/".join(str(row[column.name]) for column in table.primary_key)
                return StoreError(f"{table.name} {key}: {failure}; {_REPAIR}", failure.code)
            finally:
                tried.rollback()
    return failure


def _compare(
    rows: Connection, target: Engine, tables: Sequence[Table], progress: Callable[[int], None]
) -> None:
    """Compare every row, column by column; raises ``StoreError`` naming the first that differs."""
    done = 0
    with target.connect() as connection:
        for table in tables:
            if (have := _count(connection, table)) != (want := _count(rows, table)):
                raise StoreError(f"{table.name} has {have} rows on the server, not {want}", "copy")
            keys = list(table.primary_key)
            for batch in _batches(rows, table, None):
                wanted = {_key(table, row): tuple(row) for row in batch}
                found = connection.execute(select(table).where(tuple_(*keys).in_(wanted)))
                there = {_key(table, row): tuple(row) for row in found}
                for key, row in wanted.items():
                    if there.get(key) != row:
                        name = "/".join(map(str, key))
                        raise StoreError(f"{table.name} {name} differs on the server", "copy")
                done += len(batch)
                progress(done)


def _mark(locked: sqlite3.Connection, moved: str) -> None:
    """Let no program use the file any more; its message says where the database is now."""
    try:
        locked.execute("UPDATE served_program SET least_program = ?", (moved,))
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StoreError(f"the file cannot be marked as copied ({name})", name) from None


def _batches(rows: Connection, table: Table, after: str | None) -> Iterator[Sequence[Row[Any]]]:
    keys = list(table.primary_key)
    last: tuple[Any, ...] | None = None
    if after is not None:
        last = tuple(
            datetime.fromisoformat(value) if key.type.python_type is datetime else value
            for value, key in zip(json.loads(after), keys, strict=True)
        )
    while True:
        some = select(table).order_by(*keys).limit(BATCH)
        if last is not None:
            bound = (literal(value, key.type) for value, key in zip(last, keys, strict=True))
            some = some.where(tuple_(*keys) > tuple_(*bound))
        batch = _read(rows, table, some)
        if batch:
            yield batch
        if len(batch) < BATCH:
            return
        last = _key(table, batch[-1])


def _read(rows: Connection, table: Table, some: Select[Any]) -> Sequence[Row[Any]]:
    """Return some rows; raises ``StoreError`` naming the first that cannot be read."""
    if (found := _readable(rows, some)) is not None:
        return found
    keys = list(table.primary_key)
    for key in _readable(rows, some.with_only_columns(*keys)) or ():
        same = (column == value for column, value in zip(keys, key, strict=True))
        if _readable(rows, select(table).where(*same)) is None:
            name = f"{table.name} {'/'.join(map(str, key))}"
            raise StoreError(f"{name}: {ValueUnreadable()}; {_REPAIR}")
    raise StoreError(f"{table.name}: {ValueUnreadable()}; {_REPAIR}")


def _readable(rows: Connection, statement: Select[Any]) -> Sequence[Row[Any]] | None:
    """Return the rows of a query; None where one has a value that its column may not hold."""
    try:
        return rows.execute(statement).all()
    except ValueError:
        return None
    except SQLAlchemyError as error:
        failure = translated(error)
    if isinstance(failure, ValueUnreadable):
        return None
    raise failure


def _key(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    names = table.c.keys()
    return tuple(row[names.index(column.name)] for column in table.primary_key)


def _count(connection: Connection, table: Table) -> int:
    count: int = connection.scalar(select(func.count()).select_from(table)) or 0
    return count


def _fingerprint(rows: Connection) -> str:
    """Return what identifies this state of this file: nearly every write moves a head."""
    heads = [tuple(row) for row in rows.execute(select(_HEADS).order_by(_HEADS.c.chain))]
    counts = [_count(rows, table) for table in TableRow.metadata.sorted_tables]
    return sha256(repr((heads, counts)).encode()).hexdigest()
