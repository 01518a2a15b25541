"""Runs all statements on the database, and turns its errors into ``StoreError``.

It makes and checks the MACs of rows that grant access.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Executable,
    Select,
    String,
    Table,
    TextClause,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError

from kiosk.authority.errors import (
    KeyMissing,
    ProgramTooOld,
    RowAltered,
    StoreError,
    ValueUnreadable,
)
from kiosk.authority.store.engine import LATER, begin_sqlite, translated, unstorable
from kiosk.authority.store.tables import (
    REVISION,
    MacRow,
    Record,
    ServedProgramRow,
    TableRow,
    col,
    columns_of,
    loaded,
)

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    from kiosk.authority.crypto.macs import KeyedRowMacs

# Statements that are compiled once and run on the driver's connection.
#
# SQLAlchemy makes the text and knows the types. Its lookup of the statement and its result at each
# execution take more CPU time than the driver does.

Values = Mapping[str, Any]


class Compiled:
    """A statement in the driver's form, with the conversions of its values in both directions."""

    def __init__(self, statement: Any, columns: Sequence[str], dialect: Dialect) -> None:
        made = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self.text = str(made)
        if "POSTCOMPILE" in self.text:
            raise TypeError("a statement whose text depends on its values cannot be prepared")
        self.order: Sequence[str] = made.positiontup or ()
        if dialect.paramstyle == "pyformat":
            self.text, self.order = _numbered(self.text)
        self._constants, self._given = {}, {}
        for name, bound in made.binds.items():
            process = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if not bound.required:
                value = bound.effective_value
                self._constants[name] = process(value) if process else value
            elif process:
                self._given[name] = process
        results = (
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.exported_columns
        )
        self._results = [(at, process) for at, process in enumerate(results) if process]

    def parameters(self, values: Values) -> Sequence[Any]:
        """Return the driver's parameters; raises ``StoreError`` for an unstorable value."""
        found = {**self._constants, **values}
        try:
            for name, process in self._given.items():
                found[name] = process(found[name])
        except (TypeError, ValueError, OverflowError) as error:
            failure = unstorable(error)
        else:
            return [found[name] for name in self.order]
        raise failure

    def rows(self, fetched: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return the driver's rows in the types of the columns."""
        if not self._results:
            return fetched
        found = []
        for each in fetched:
            row = list(each)
            for at, process in self._results:
                if row[at] is not None:  # NULL is None in every type
                    row[at] = process(row[at])
            found.append(row)
        return found


def _numbered(text: str) -> tuple[str, Sequence[str]]:
    """Return a text for psycopg with numbered places, such as $1, and the names of their values."""
    order: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${order.setdefault(found[1], len(order) + 1)}" if found[1] else "%"

    return re.sub(r"%\((\w+)\)s|%%", place, text), tuple(order)


class Prepared:
    """A statement with a ``bindparam`` for each value that is given when it is run.

    ``columns`` are those of an INSERT, or of the SET of an UPDATE, that are given.
    """

    def __init__(self, statement: Executable, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = Compiled(self._statement, self._columns, dialect)
        return self._compiled[dialect.name]


T = TypeVar("T")
SomeRow = TypeVar("SomeRow", bound=TableRow)
Statement = Executable | Prepared


class Gateway:
    """Runs statements in one transaction; every call raises only subclasses of ``StoreError``.

    A transaction that does not write sees one snapshot of the database. A row with a MAC is checked
    when it is read: ``RowAltered`` where it does not match. ``once``: for one prepared statement,
    which sees one snapshot on PostgreSQL without BEGIN and ROLLBACK, a round trip. ``level`` reads
    the newest revision whose columns and words may be written.
    """

    def __init__(
        self,
        engine: Engine,
        macs: KeyedRowMacs,
        level: Callable[[Gateway], str],
        *,
        writes: bool,
        once: bool = False,
    ) -> None:
        self._level = level
        self._engine = engine
        self.macs = macs
        self._writes = writes
        self._once = once
        self._usable = True
        self._driver: Any = None
        self._connection: Connection | None = None

    def begin(self) -> None:
        """Take a connection and begin; on SQLite a writer waits here for the previous writer."""
        self._pooled = self._guarded(self._engine.raw_connection)
        self._driver = self._pooled.dbapi_connection
        try:
            if self._on_sqlite:
                self._guarded(lambda: begin_sqlite(self._driver, self._pooled.info, self._writes))
            elif not self._once:
                self._guarded(lambda: self._driver.begin(reads=not self._writes))
        except StoreError:
            self.end()
            raise

    def join(self, connection: Connection) -> None:
        """Run in the transaction of a connection that is somebody else's: they commit and end."""
        self._connection, self._pooled = connection, connection.connection
        self._driver = self._pooled.dbapi_connection

    def commit(self) -> None:
        """Commit; nothing can be run afterwards."""
        if not self._writes:
            raise StoreError("a reading unit of work commits nothing", "read-only")
        self._guarded(self._driver.commit)
        self._usable = False

    def end(self) -> None:
        """Roll back what was not committed and release the connection."""
        self._usable = False
        # Where the connection is gone, the server rolls back by itself, and the pool drops it.
        if self._pooled.is_valid:
            try:
                self._driver.rollback()
            except self._engine.dialect.loaded_dbapi.Error as error:
                self._pooled.invalidate(error)
        with suppress(SQLAlchemyError):
            (self._connection or self._pooled).close()

    @property
    def level(self) -> str:
        return self._level(self)

    # --- reading ---

    def one(
        self, statement: Statement, kind: type[SomeRow], given: Values | None = None
    ) -> SomeRow | None:
        """Return the first row of a ``select(kind)``, or of a statement RETURNING one."""
        rows = self.many(statement, kind, given)
        return rows[0] if rows else None

    def many(
        self, statement: Statement, kind: type[SomeRow], given: Values | None = None
    ) -> Sequence[SomeRow]:
        rows = self.unchecked(statement, kind, given)
        if issubclass(kind, MacRow):
            self._check(rows)
        return rows

    def check_asked(self, row: TableRow | None, **asked: object) -> None:
        """Raise ``RowAltered`` where the database gave another row than it was asked for.

        A MAC shows that nobody altered a row, and not that it is the one: with a view or a rule in
        the place of a table, the database finds a row where another key is looked for.
        """
        if row is not None and any(getattr(row, name) != value for name, value in asked.items()):
            raise self._altered(row)

    def unchecked(
        self, statement: Statement, kind: type[SomeRow], given: Values | None = None
    ) -> Sequence[SomeRow]:
        """Return every row of a ``select(kind)``, altered ones too: never for a decision."""
        return [loaded(kind, row) for row in self.tuples(statement, given)]

    def joined(
        self, statement: Statement, kinds: Sequence[type[TableRow]], given: Values | None = None
    ) -> Sequence[Sequence[Any]]:
        """Return the rows of several tables, each one or None, and the extra columns behind."""
        return [self._split(row, kinds) for row in self.tuples(statement, given)]

    def joined_with(
        self,
        statement: Statement,
        kinds: Sequence[type[TableRow]],
        many: type[SomeRow],
        given: Values | None = None,
    ) -> tuple[Sequence[Any], Sequence[SomeRow]] | None:
        """Return one row of ``joined``, and each row of the table ``many`` that was joined last.

        The database repeats the others with each of them; they are loaded once.
        """
        found = self.tuples(statement, given)
        if not found:
            return None
        width = len(columns_of(many))
        each = [loaded(many, row[-width:]) for row in found if row[-width] is not None]
        self._check(each)
        return self._split(found[0][:-width], kinds), each

    def _split(self, row: Sequence[Any], kinds: Sequence[type[TableRow]]) -> Sequence[Any]:
        at, each = 0, list[Any]()
        for kind in kinds:
            end = at + len(columns_of(kind))
            part, at = row[at:end], end
            each.append(None if part[0] is None else loaded(kind, part))
        self._check(each)
        return [*each, *row[at:]]

    def fits(self, row: MacRow) -> bool:
        """Return whether a row matches its MAC; raises ``KeyMissing``."""
        return self.macs.fits(mac_message(type(row), row.__dict__), row.mac)

    def tuples(self, statement: Statement, values: Values | None = None) -> Sequence[Sequence[Any]]:
        """Return every row of a statement without conversion."""
        if isinstance(statement, Prepared):
            compiled = statement.compiled(self._engine.dialect)
            return self._guarded(lambda: compiled.rows(self._driven(compiled, values).fetchall()))
        return self._guarded(lambda: self._core().execute(statement, values).all())

    def scalar(self, statement: Statement, values: Values | None = None) -> Any:
        """Return the first column of the first row; None where there is no row."""
        if isinstance(statement, Prepared):
            rows = self.tuples(statement, values)
            return rows[0][0] if rows else None
        return self._guarded(lambda: self._core().scalar(statement, values))

    def count(self, statement: Select[int]) -> int:
        return self.scalar(statement) or 0

    # --- writing ---

    def run(self, statement: Statement, many: Sequence[Values] | None = None) -> int:
        """Run a statement that changes rows, for each of ``many``; return how many it matched."""
        if many is not None and not many:
            return 0
        if isinstance(statement, Prepared):
            compiled, each = statement.compiled(self._engine.dialect), many or [{}]
            rows = self._guarded(lambda: [self._driven(compiled, one).rowcount for one in each])
            return sum(rows)
        given = many[0] if many is not None and len(many) == 1 else many
        return self._guarded(
            lambda: self._core().execute(statement, given, execution_options=_COUNTED)
        ).rowcount

    def write(self, statement: Statement, values: Values | None = None) -> None:
        """Run a statement; PostgreSQL gets it, and may raise its error, with the next or COMMIT."""
        if isinstance(statement, Prepared):
            compiled = statement.compiled(self._engine.dialect)
            self._guarded(lambda: self._driven(compiled, values, later=True))
        else:
            self._guarded(lambda: self._core().execute(statement, values, execution_options=LATER))

    def _driven(self, compiled: Compiled, values: Values | None, *, later: bool = False) -> Any:
        """Run a statement on the driver; return its cursor, None for one that is sent later."""
        parameters = compiled.parameters(values or {})
        if self._on_sqlite:
            return self._driver.execute(compiled.text, parameters)
        if later:
            return self._driver.let_wait(compiled.text, parameters)
        return self._driver.run_compiled(compiled.text, parameters)

    def add(self, kind: type[TableRow], values: Values) -> None:
        """Insert one row; see ``write``."""
        stamped = self.stamped(kind, values)
        self.write(_insert(kind, tuple(stamped)), stamped)

    def add_new(self, kind: type[TableRow], values: Values) -> bool:
        """Insert one row; return False where it would break a unique constraint."""
        stamped = self.stamped(kind, values)
        named = self._engine.dialect.name, kind, tuple(stamped)
        if (insert := _ADDED.get(named)) is None:
            made = self.upsert(kind).on_conflict_do_nothing()
            insert = _ADDED[named] = Prepared(made, tuple(stamped))
        return self.run(insert, [stamped]) == 1

    def put(self, kind: type[TableRow], values: Values, *keys: str) -> None:
        """Insert one row, or overwrite the whole one with the same ``keys``; see ``write``."""
        stamped = self.stamped(kind, values)
        named = self._engine.dialect.name, kind, tuple(stamped), keys
        if (statement := _PUT.get(named)) is None:
            insert = self.upsert(kind)
            new = {name: insert.excluded[name] for name in stamped}
            made = insert.on_conflict_do_update(index_elements=keys, set_=new)
            statement = _PUT[named] = Prepared(made, tuple(stamped))
        self.write(statement, stamped)

    def save(self, kind: type[MacRow], values: Values) -> None:
        """Overwrite one whole row by its primary key; see ``write``."""
        stamped = self.stamped(kind, values)
        self.write(_update(kind, tuple(stamped)), _keyed(kind, values) | stamped)

    def stamped(self, kind: type[TableRow], values: Values) -> dict[str, Any]:
        """Return the values of a whole row, with the MAC over them where its table has one.

        Raises ``StoreError`` where they have something that a program which serves may not know.
        """
        if not issubclass(kind, MacRow):
            return dict(values)
        for column, word, default, revision in _newer(kind) if kind.since else ():
            value = values.get(column, default)
            if (value == word if word else value != default) and self.level < revision:
                because = "is not written before `kiosk store finish-upgrade`"
                raise StoreError(f"{table_name(kind)}.{column} {because}", "older-programs")
        mac = self._guarded(lambda: self.macs.make(mac_message(kind, values)))
        return {**values, MAC: mac}

    def change(
        self, kind: type[MacRow], *conditions: ColumnElement[bool] | TextClause, **new: Any
    ) -> Sequence[MacRow]:
        """Set new values and a new MAC in each row that meets ``conditions``; return the old rows.

        Atomic as one UPDATE: each row is locked when it is read, and a row that another writer had
        locked is read as that writer left it.
        """
        return self.change_prepared(kind, _select_for_update(kind, conditions), {}, **new)

    def change_prepared(
        self, kind: type[MacRow], found: Statement, given: Values, /, **new: Any
    ) -> Sequence[MacRow]:
        """Do as ``change`` with the rows of a statement of ``for_update``."""
        rows = self.many(found, kind, given)
        for row in rows:
            self.rewrite(row, **new)
        return rows

    def rewrite(self, row: MacRow, **new: Any) -> None:
        """Set new values and a new MAC in a locked row, whether or not it matched its MAC."""
        kind = type(row)
        now = {name: getattr(row, name) for name in covered(kind)} | new
        mac = self.stamped(kind, now)[MAC]
        key = _keyed(kind, {name: getattr(row, name) for name in primary_key(kind)})
        self.write(_update(kind, (*new, MAC)), key | new | {MAC: mac})

    def lock(self, statement: Statement, values: Values) -> None:
        """Lock rows before the next statement reads; on SQLite a writer is alone anyway."""
        if not self._on_sqlite:
            self.write(statement, values)

    def lock_table(self, kind: type[TableRow]) -> None:
        """Lock a table against other writers until the end, for rules about all of its rows.

        Readers go on. On SQLite a writer is alone anyway.
        """
        if not self._on_sqlite:
            table = table_of(kind).name
            self.write(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))

    def take_turns(self, name: str) -> None:
        """Take the advisory lock ``name`` until the end; unlike a table's it needs no privilege."""
        self.lock(_TURNS, {"name": name})

    def upsert(self, kind: type[TableRow]) -> postgresql.Insert:
        """Return an INSERT that supports ON CONFLICT; it is the same on both databases."""
        table = table_of(kind)
        if self._on_sqlite:
            return cast("postgresql.Insert", sqlite.insert(table))
        # Takes a tenth of a second to import, so it is imported only where it is used.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)

    @property
    def joins_writes(self) -> bool:
        """Return whether one statement can change a table and insert into another."""
        return not self._on_sqlite

    @property
    def _on_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def _core(self) -> Connection:
        """Return SQLAlchemy Core's connection in this transaction: it is slow to make."""
        if self._connection is None:
            self._connection = Connection(self._engine, self._pooled)
            self._connection.begin()
        return self._connection

    def _check(self, rows: Iterable[Any]) -> None:
        for row in rows:
            if isinstance(row, MacRow) and not self.fits(row):
                raise self._altered(row)

    def _altered(self, row: TableRow) -> StoreError:
        """Return the error for a row that does not fit, of which nothing may be decided.

        What a newer program wrote is not altered: this one is too old to read it.
        """
        least = ""
        with suppress(StoreError, KeyMissing):  # a role that may not read it
            least = str(self.scalar(LEAST_PROGRAM) or "")
            least = max(least, self.level)
        self._usable = False
        if least > REVISION:
            return ProgramTooOld()
        return RowAltered(table_name(type(row)), row_name(row))

    def _guarded(self, call: Callable[[], T]) -> T:
        if not self._usable:
            raise StoreError("this unit of work has ended or failed", "ended")
        self._usable = False  # until the call has succeeded
        try:
            found = call()
        except SQLAlchemyError as error:
            failure = translated(error)
        except self._engine.dialect.loaded_dbapi.Error as error:
            failure = translated(error)
            if self._driver is not None and self._engine.dialect.is_disconnect(
                error, self._driver, None
            ):
                self._pooled.invalidate(error)
        except (UnicodeEncodeError, OverflowError) as error:
            failure = unstorable(error)
        except ValueError:
            failure = ValueUnreadable()
        else:
            self._usable = True
            return found
        self._usable = isinstance(failure, ValueUnreadable)
        # Raised here, so that not even its context holds the original's parameters.
        raise failure


class Repository:
    """Reads and writes the rows of one aggregate, in a transaction that began at ``now``."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def _one(
        self,
        kind: type[Record],
        row: type[TableRow],
        statement: Statement,
        given: Values | None = None,
        **asked: object,
    ) -> Record | None:
        """Return the record of the first row, which has to be the one that was ``asked`` for."""
        found = self._gateway.one(statement, row, given)
        self._gateway.check_asked(found, **asked)
        return found.record(kind) if found else None

    def _all(
        self,
        kind: type[Record],
        row: type[TableRow],
        statement: Statement,
        given: Values | None = None,
    ) -> tuple[Record, ...]:
        return tuple(each.record(kind) for each in self._gateway.many(statement, row, given))


_TURNS: Final = Prepared(
    select(func.pg_advisory_xact_lock(func.hashtext(bindparam("name", type_=String))))
)

LEAST_PROGRAM: Final = Prepared(select(col(ServedProgramRow.least_program)))

_COUNTED: Final = {"preserve_rowcount": True}
"""The count of rows, also for INSERT ... ON CONFLICT."""


_ADDED: Final[dict[object, Prepared]] = {}
"""The statements of ``add_new``, by the database and the arguments."""

_PUT: Final[dict[object, Prepared]] = {}
"""As ``_ADDED``, those of ``put``."""


@cache
def _insert(kind: type[TableRow], columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table_of(kind)).inline(), columns)


@cache
def _update(kind: type[TableRow], columns: tuple[str, ...]) -> Prepared:
    """Return an UPDATE of the row with the key of ``_keyed``; it sets ``columns``."""
    table = table_of(kind)
    this = (table.c[k] == bindparam(f"this_{k}") for k in primary_key(kind))
    return Prepared(update(table).where(*this), columns)


def for_update(kind: type[MacRow], *conditions: ColumnElement[bool] | TextClause) -> Prepared:
    """Return the statement by which ``Gateway.change_prepared`` finds and locks rows."""
    return Prepared(_select_for_update(kind, conditions))


def _select_for_update(
    kind: type[MacRow], conditions: Sequence[ColumnElement[bool] | TextClause]
) -> Select[Any]:
    keys = [table_of(kind).c[name] for name in primary_key(kind)]
    return select(kind).where(*conditions).order_by(*keys).with_for_update()


def _keyed(kind: type[TableRow], values: Values) -> dict[str, Any]:
    return {f"this_{name}": values[name] for name in primary_key(kind)}


def table_of(kind: type[TableRow]) -> Table:
    return kind.metadata.tables[str(kind.__tablename__)]


# MACs of rows that grant access: which columns one covers, and how a row becomes bytes.
#
# Without the key, somebody who writes the database can then change, insert or move no such row
# unnoticed. They can still put back an older row with its older MAC, or delete one: only the audit
# shows that.

MAC: Final = "mac"


@cache
def covered(kind: type[MacRow]) -> tuple[str, ...]:
    """Return the columns that a MAC of ``kind`` covers, by name."""
    return tuple(sorted(frozenset(kind.model_fields) - kind.uncovered - {MAC}))


def mac_message(kind: type[MacRow], values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a row for its MAC: no two rows have the same.

    A column that is missing in ``values`` has its default; ``KeyError`` where it has none, and
    ``ValueError`` for text that is no Unicode.

    Columns with their default are left out. A column that a later version adds therefore changes no
    MAC of a row in which it is not set, and two versions can share the database during an upgrade.
    The default of a covered column must therefore never change, and the migration gives it to
    existing rows.
    """
    heading, defaults = _layout(kind)
    found: list[object] = []
    for name, default in defaults:
        value = values[name] if default is _REQUIRED else values.get(name, default)
        if value != default:
            found += (name, value)
    return heading + encoded(found)


def row_message(table: str, covered: Iterable[tuple[str, Any]]) -> bytes:
    """Return the same for a row of which a migration knows the columns: in order, no default."""
    return encoded(table) + encoded([each for pair in covered for each in pair])


@cache
def _newer(kind: type[MacRow]) -> tuple[tuple[str, str, object, str], ...]:
    """Return each new column with its new word, empty for any value, its default and revision."""
    split = ((*each.partition("=")[::2], revision) for each, revision in kind.since.items())
    fields = kind.model_fields
    return tuple((name, word, fields[name].default, revision) for name, word, revision in split)


def row_key(row: TableRow) -> tuple[str, ...]:
    return tuple(str(getattr(row, name)) for name in primary_key(type(row)))


def row_name(row: TableRow) -> str:
    """Return the primary key of a row, as people read it."""
    return "/".join(row_key(row))


@cache
def primary_key(kind: type[TableRow]) -> tuple[str, ...]:
    return tuple(column.name for column in table_of(kind).primary_key)


def table_name(kind: type[TableRow]) -> str:
    return str(kind.__tablename__)


encoded: Final = msgspec.msgpack.Encoder(order="deterministic").encode
"""MessagePack: each value begins with its kind and its length, and a time is one in UTC."""


_REQUIRED: Final = object()


@cache
def _layout(kind: type[MacRow]) -> tuple[bytes, tuple[tuple[str, object], ...]]:
    """Return the encoded name of the table, and its covered columns with their defaults."""
    defaults = tuple(
        (name, _REQUIRED if field.is_required() else field.default)
        for name, field in ((each, kind.model_fields[each]) for each in covered(kind))
    )
    return encoded(table_name(kind)), defaults
