"""Connections to PostgreSQL, and few round trips on them.

A statement that needs no answer is sent together with one that does: BEGIN with the first statement
of a transaction, and a statement that was run with ``LATER`` with the next one or with COMMIT.
libpq's pipeline mode is used, so that the server still runs all of them in order. Where one fails,
the server skips those after it, COMMIT included, and the call that waits raises its error.

Those that the gateway has compiled are passed to libpq by psycopg's wrapper of it: psycopg's cursor
waits for each of them by itself, which takes twice as long as all the rest (docs/benchmarks.md).
"""

from __future__ import annotations

import logging
import select
import stat
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache, partial
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.abc import Transformer as Converter
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ExceptionContext, ExecutionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from kiosk.authority.errors import StoreError
from kiosk.authority.store.tables import TableRow
from kiosk.contract.ports import Clock

STATEMENT_LIMIT_MS = 30_000
IDLE_LIMIT_MS = 60_000

SILENT_LIMIT_S = 60.0
"""How long a server may send nothing that is waited for: one that froze ends no statement."""

RESTED_S = 5.0
"""How long a connection may be idle without a check that it still works."""

ASKED_EVERY_S = 30.0
"""How long a clock runs on from the server's last answer."""

RECYCLED_S = 1800
"""How long a connection lives: a server that was added or moved then gets its share."""

VANISHED_HOST = {
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Without these a server whose machine vanished is waited for a quarter of an hour."""

T = TypeVar("T")

_RESTS_SINCE = "kiosk_rests_since"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@lru_cache(1024)
def _encoded(statement: str) -> bytes:
    """Return one object for each statement: psycopg looks it up by its hash, which is kept."""
    return statement.encode()


class DescribedCursor(psycopg.Cursor[Any]):
    """A cursor that describes the columns of a result once for each statement of its connection.

    SQLAlchemy asks for it at every result, and it costs more than a small result itself.
    """

    connection: PipelinedConnection
    statement = ""

    @property
    def description(self) -> list[psycopg.Column] | None:
        result = self.pgresult
        if result is None or not result.nfields:
            return super().description
        known = self.connection.described
        if self.statement not in known:
            known[self.statement] = super().description
        return known[self.statement]


class FetchedRows(NamedTuple):
    """What a statement was answered, as a cursor has it."""

    rowcount: int
    rows: Sequence[Sequence[Any]]

    def fetchall(self) -> Sequence[Sequence[Any]]:
        return self.rows


class BoundStatement(NamedTuple):
    """A statement and its parameters as libpq takes them."""

    statement: str
    values: Sequence[Any] | None
    types: tuple[int, ...]
    formats: Sequence[Format] | None


StatementKey = tuple[str, tuple[int, ...]]
"""A statement, and the types of its parameters: the server prepares it for these."""

PREPARED_AFTER = 5
"""How often a connection runs a statement before it prepares it."""

MOST_PREPARED = 500
"""The most statements that a connection prepares: the server keeps them until it is closed."""


class PipelinedConnection(psycopg.Connection[Any]):
    """Begins and ends transactions, and keeps the statements that are sent with the next one.

    psycopg is in autocommit mode: it would wait for the answer to BEGIN. Parameters are a sequence,
    for ``$1`` and so on, or for SQLAlchemy's cursors a mapping, for psycopg's placeholders.
    """

    silent_limit_s: float | None = SILENT_LIMIT_S

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.opened_at = time.monotonic()
        self._waiting: list[tuple[str, Any]] = []
        self.cursor_factory = DescribedCursor
        self.described: dict[str, list[psycopg.Column] | None] = {}
        self._uses: Counter[StatementKey] = Counter()
        self._names: dict[StatementKey, bytes] = {}
        self._readable = select.poll()
        self._readable.register(self.pgconn.socket, select.POLLIN)

    @cached_property
    def _converter(self) -> Converter:
        """It is made at its first use, once SQLAlchemy has configured the connection."""
        return Transformer(self)

    def begin(self, *, reads: bool = False) -> None:
        """Keep BEGIN for the first statement; ``reads``: it sees one snapshot and cannot write."""
        if not self._waiting and self._is_idle:
            self.let_wait(_BEGIN_READING if reads else "BEGIN", None)

    def commit(self) -> None:
        self.end("COMMIT")

    def rollback(self) -> None:
        self.end("ROLLBACK")

    def let_wait(self, statement: str, parameters: Any) -> None:
        self._waiting.append((statement, parameters))

    def run(self, cursor: DescribedCursor, statement: str, parameters: Any) -> None:
        """Run a statement together with the kept ones."""
        cursor.statement = statement
        if not self._waiting:
            cursor.execute(_encoded(statement), parameters)
            return
        with self.pipeline():
            self._send_waiting()
            cursor.execute(_encoded(statement), parameters)

    def run_compiled(
        self, statement: str, parameters: Sequence[Any] | None
    ) -> psycopg.Cursor[Any] | FetchedRows:
        """Run a statement with ``$1`` and so on together with the kept ones."""
        if any(isinstance(given, Mapping) for _, given in self._waiting):
            with self.pipeline():
                self._send_waiting()
                return psycopg.RawCursor(self).execute(_encoded(statement), parameters)
        statements = [self._bound(*each) for each in (*self._waiting, (statement, parameters))]
        self._waiting = []
        result = self._exchange(statements)[-1]
        if not result.nfields:
            return FetchedRows(result.command_tuples or 0, ())
        self._converter.set_pgresult(result)
        return FetchedRows(result.ntuples, self._converter.load_rows(0, result.ntuples, tuple))

    def run_many(self, cursor: psycopg.Cursor[Any], statement: str, parameters: Any) -> None:
        """Run a statement for each of many parameters, together with the kept ones."""
        with self.pipeline():
            self._send_waiting()
            cursor.executemany(statement.encode(), parameters)

    def end(self, statement: str) -> None:
        """Commit with what is kept, or roll back without it; nothing where BEGIN was not sent."""
        if statement == "ROLLBACK" or (self._is_idle and len(self._waiting) == 1):
            self._waiting = []
        if self._waiting:
            try:
                self.run_compiled(statement, None)
            except psycopg.Error:
                # COMMIT was not run, and SQLAlchemy believes that the transaction is over.
                self._waiting = []
                if not self.closed and not self._is_idle:
                    self.run_compiled("ROLLBACK", None)
                raise
        elif not self._is_idle:
            self.run_compiled(statement, None)

    def is_lost(self) -> bool:
        """Return whether the server has closed the connection, or said why it will."""
        return bool(self._readable.poll(0))

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg's cursor does; what the server does after the time-out is not known."""
        try:
            return super().wait(gen, interval, self.silent_limit_s if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:  # it is not the server's
                self.close()
            raise

    @property
    def _is_idle(self) -> bool:
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for statement, parameters in waiting:
            kind = psycopg.Cursor if isinstance(parameters, Mapping) else psycopg.RawCursor
            kind(self).execute(_encoded(statement), parameters)

    def _bound(self, statement: str, parameters: Sequence[Any] | None) -> BoundStatement:
        """Raises ``psycopg.Error`` for a value that cannot be sent."""
        if not parameters:
            return BoundStatement(statement, None, (), None)
        converter = self._converter
        values = converter.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        return BoundStatement(statement, values, tuple(converter.types or ()), converter.formats)

    def _exchange(self, statements: Sequence[BoundStatement]) -> list[PGresult]:
        """Send all at once and return their results; raises the error of the first that failed."""
        pgconn = self.pgconn
        preparing: dict[int, StatementKey] = {}
        sent = 0
        results: list[PGresult] = []
        is_done = False
        pgconn.enter_pipeline_mode()
        try:
            for statement, values, types, formats in statements:
                key = statement, types
                name = self._names.get(key)
                if name is None and self._is_worth_preparing(key):
                    # Behind a pooler that ignores them, no connection runs another's statement.
                    name = self._names[key] = f"kiosk_{token_hex(8)}".encode()
                    pgconn.send_prepare(name, _encoded(statement), types)
                    preparing[sent] = key
                    sent += 1
                if name is None:
                    pgconn.send_query_params(_encoded(statement), values, types, formats)
                else:
                    pgconn.send_query_prepared(name, values, formats)
                sent += 1
            pgconn.pipeline_sync()
            self._receive(results)
            pgconn.exit_pipeline_mode()
            is_done = True
        except psycopg.OperationalError:
            self._raise_failure(results)  # before a server closes the connection it says why
            raise
        finally:
            if not is_done:
                self.close()  # what the server has carried out is not known
        for at, key in preparing.items():
            if results[at].status not in _DONE:
                del self._names[key]
        try:
            self._raise_failure(results)
        except (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported):
            self.close()  # the server forgot what it had prepared, or a column's type has changed
            raise
        return [result for at, result in enumerate(results) if at not in preparing]

    def _is_worth_preparing(self, key: StatementKey) -> bool:
        if len(self._names) >= MOST_PREPARED:
            return False
        self._uses[key] += 1
        return self._uses[key] > PREPARED_AFTER

    def _raise_failure(self, results: Sequence[PGresult]) -> None:
        for result in results:
            if result.status not in _DONE:
                raise error_from_result(result, self.info.encoding) from None

    def _receive(self, found: list[PGresult]) -> None:
        """Add the results up to the end of the pipeline."""
        pgconn = self.pgconn
        while pgconn.flush():
            # A server that cannot send takes nothing either: its first answers are read meanwhile.
            either = select.poll()
            either.register(pgconn.socket, select.POLLIN | select.POLLOUT)
            self._await(either)
            pgconn.consume_input()
        ended = 0
        while True:
            while pgconn.is_busy():  # ``get_result`` would wait, and every other thread with it
                self._await(self._readable)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:  # it ends the results of one statement
                ended += 1
                if ended > len(found):
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                found.append(result)

    def _await(self, ready: select.poll) -> None:
        limit_s = self.silent_limit_s
        if not ready.poll(None if limit_s is None else limit_s * 1000):
            raise psycopg.OperationalError("the server sends nothing")


_DONE = ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK

_OF_HOSTS = "host", "hostaddr", "port"
"""Parameters that are lists where there are several hosts."""


class PipelinedDialect(PGDialect_psycopg):
    """SQLAlchemy's dialect of psycopg, with a connection that keeps statements.

    Of several hosts the one that answered last is tried first: for one that vanished each new
    connection would wait until ``connect_timeout``.
    """

    supports_statement_cache = True
    _answered: tuple[tuple[str, str], ...] = ()

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)  # type: ignore[no-untyped-call]
        for table in TableRow.metadata.tables.values():
            for index in table.indexes:
                if "where" in index.info:
                    index.dialect_kwargs["postgresql_where"] = index.info["where"]

    def connect(self, *arguments: Any, **named: Any) -> Any:
        lists = {name: str(named[name]).split(",") for name in _OF_HOSTS if name in named}
        places = list(zip(lists.get("host", ()), lists.get("port", ()), strict=False))
        at = next((at for at, place in enumerate(places) if place in self._answered), 0)
        named |= {name: ",".join(each[at:] + each[:at]) for name, each in lists.items()}
        # psycopg deallocates all prepared statements, ours as well, after any ROLLBACK.
        connection = PipelinedConnection.connect(
            *arguments, autocommit=True, prepare_threshold=None, **named
        )
        host = connection.info.host
        self._answered = (host, ""), (host, str(connection.info.port))
        return connection

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.begin()

    def do_execute(
        self,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: ExecutionContext | None = None,
    ) -> None:
        connection: PipelinedConnection = cursor.connection
        if context is not None and context.execution_options.get("kiosk_later"):
            connection.let_wait(statement, parameters)
        else:
            connection.run(cursor, statement, parameters)

    def do_executemany(
        self,
        cursor: Any,
        statement: str,
        parameters: Any,
        context: ExecutionContext | None = None,
    ) -> None:
        cursor.connection.run_many(cursor, statement, parameters)


class DatabaseClock:
    """The server's time of day, the same for every process: queried now and then.

    A new connection queries it, and so does one from the pool when the last answer is older than
    ``ASKED_EVERY_S``. ``apart`` is how far it was then ahead of the ``machine``'s.
    """

    def __init__(self, machine: Clock | None = None) -> None:
        self._machine = machine
        self._known: tuple[datetime, float] | None = None
        self.apart = timedelta()

    def now(self) -> datetime:
        """Return the time; a connection must have been opened."""
        if self._known is None:
            raise StoreError("the database was not asked for the time yet", "clock")
        server_time, at = self._known
        return server_time + timedelta(seconds=time.monotonic() - at)

    def monotonic(self) -> float:
        return time.monotonic()

    @property
    def is_old(self) -> bool:
        return self._known is None or time.monotonic() - self._known[1] > ASKED_EVERY_S

    def set(self, server_time: datetime, before: float) -> None:
        """Take an answer to a query that was sent at ``before`` by the monotonic clock."""
        self._known = server_time.astimezone(UTC), (before + time.monotonic()) / 2
        if self._machine is not None:
            self.apart = self.now() - self._machine.now()


def postgresql_engine(
    url: URL,
    busy_timeout_s: float,
    clock: DatabaseClock,
    options: dict[str, Any],
) -> Engine:
    """Return an engine without connections; its connections set ``clock``.

    Parameters of the address take precedence. Of several hosts the one that can be written to is
    used.
    """
    settings = {
        "TimeZone": "UTC",
        "DateStyle": "ISO",  # the driver reads no other
        "client_encoding": "UTF8",
        "lock_timeout": int(busy_timeout_s * 1000),
        "statement_timeout": STATEMENT_LIMIT_MS,
        "idle_in_transaction_session_timeout": IDLE_LIMIT_MS,
        # The server's own functions come before those of the tables' schema, and no other counts,
        # whatever the owner of the database has set.
        "search_path": "public",
    }
    given = {
        "connect_timeout": max(2, round(busy_timeout_s)),
        "application_name": "kiosk",
        "target_session_attrs": "read-write",
        **VANISHED_HOST,
    }
    # Errors are raised as well; the driver's own log line may show values.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    arguments: dict[str, Any] = {
        **{name: value for name, value in given.items() if name not in url.query},
        "options": f"{ours} {url.query.get('options', '')}".strip(),
    }
    if "passfile" in url.query and url.password is None and "password" not in url.query:
        arguments["password"] = ""  # libpq would prefer PGPASSWORD to the file that is named
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_timeout=busy_timeout_s,
        pool_recycle=RECYCLED_S,
        # Otherwise each engine queries the server for a type that no column has.
        use_native_hstore=False,
        **options,
    )
    rested = _RestedConnections(clock)
    if "password" in arguments:
        event.listen(engine, "do_connect", partial(_need_private, str(url.query["passfile"])))
    event.listen(engine, "connect", rested.ask)
    event.listen(engine, "checkin", rested.begin)
    event.listen(engine, "checkout", rested.end)
    event.listen(engine, "invalidate", rested.give_up)
    event.listen(engine, "handle_error", _keep_others)
    return engine


def _keep_others(failed: ExceptionContext) -> None:
    """Leave the other connections to ``give_up``.

    SQLAlchemy would give them up by the time of day, and each new one as long as that is behind.
    """
    failed.invalidate_pool_on_disconnect = False


def _need_private(passwords: str, *_connecting: object) -> None:
    """Raise ``StoreError`` for a file of passwords that libpq would not read.

    It warns of one on standard error at each connection, and connects without a password.
    """
    with suppress(OSError):
        mode = Path(passwords).stat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            text = f"{passwords} may be read by others, and so counts for nothing: chmod 0600 it"
            raise StoreError(text, "28P01")


_ASK = """
SELECT pg_catalog.clock_timestamp(), pg_catalog.current_setting('synchronous_commit'),
       pg_catalog.current_setting('synchronous_standby_names'),
       pg_catalog.current_setting('default_transaction_read_only') OPERATOR(pg_catalog.=) 'on'
"""
"""With the schema of each function: a pooler may keep the wanted path from the server."""


class _RestedConnections:
    """Checks connections when they are opened, and when they are used again after a rest.

    Once one was lost without a word of the server, none that is as old is used again: on a server
    that vanished each would be waited for by itself. Nor is one to a server that takes no writes
    any more, as another one may.
    """

    def __init__(self, clock: DatabaseClock) -> None:
        self._clock = clock
        self._lost_at = float("-inf")

    def begin(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """Note when a connection became idle."""
        record.info[_RESTS_SINCE] = time.monotonic()

    def end(
        self, connection: PipelinedConnection, record: ConnectionPoolEntry, _fairy: object
    ) -> None:
        """Let the pool replace a lost connection: without a query where a server has closed it."""
        since = record.info.get(_RESTS_SINCE)
        if since is None:
            return
        if connection.opened_at <= self._lost_at or connection.is_lost():
            raise DisconnectionError
        if time.monotonic() - since > RESTED_S or self._clock.is_old:
            try:
                takes_writes = self.ask(connection)
            except psycopg.Error as error:
                self.give_up(connection, record, error)
                raise DisconnectionError from None
            if not takes_writes:
                self._lost_at = time.monotonic()
                raise DisconnectionError

    def give_up(
        self,
        connection: PipelinedConnection,
        _record: ConnectionPoolEntry,
        error: BaseException | None,
    ) -> None:
        """Note the loss of a connection, unless it counts as lost already."""
        is_silent = isinstance(error, psycopg.Error) and error.sqlstate is None
        if is_silent and connection.opened_at > self._lost_at:
            self._lost_at = time.monotonic()

    def ask(self, connection: PipelinedConnection, *_event: object) -> bool:
        """Query the time; return whether writes are taken. Raises where commits may be lost."""
        before = time.monotonic()
        ((server_time, commit, standbys, reads_only),) = connection.execute(_ASK)
        self._clock.set(server_time, before)
        if commit == "off" or (commit == "local" and standbys):
            raise StoreError(_MAY_BE_LOST.format(commit), "synchronous_commit")
        return not reads_only


_MAY_BE_LOST = (
    "synchronous_commit is {} on the database server, so that what was acknowledged can be lost: "
    "a wrong answer that was counted, a code that was used up. Set it to on"
)
