"""How each database is opened: connections, their settings, and how a transaction begins."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kiosk.authority.errors import ServerRefused, StoreBusy, StoreError, ValueUnreadable
from kiosk.config.loading import require_own_folder
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import Clock, SystemClock

# Errors of libraries become errors of the product that show only a code.
#
# SQLAlchemy's exceptions carry the parameters, and PostgreSQL's name the values of a key: neither
# their text nor the exceptions themselves are passed on.

SQLITE_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
BUSY_SQLSTATES = frozenset({"55P03", "57014", "40001", "40P01"})
"""Lock not available, cancelled by a time-out, serialisation failure, deadlock."""

NO_ANSWER, NOT_VERIFIED, OWN_CERTIFICATE = "08006", "08001", "08000"
WRONG_ADDRESS = "08003"
READ_ONLY = "25006"
NO_SUCH_OBJECT = "42704"
MOVED = "moved"
"""The code of a database file that was copied to a server and is no longer used."""

NO_SUCH_TABLE = frozenset({"SQLITE_ERROR", "42P01"})
REFUSED_LOGINS = frozenset(
    {
        *("28P01", "0P000", "28000", "3D000", "42501"),
        *(NO_ANSWER, NOT_VERIFIED, OWN_CERTIFICATE, WRONG_ADDRESS, READ_ONLY),
    }
)
"""Codes of mistakes in the server's address, or on the server."""

DAMAGES = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""How codes begin that say what is wrong with the file."""

_NO_TABLES = (
    "the database has no tables yet, or too old ones: `kiosk setup authority` makes them, and "
    "`kiosk store copy` brings them from a database file"
)
_SENTENCES = {
    "28P01": "the database server refused the password",
    "0P000": "the database server knows no such role",
    "22021": "a text with a NUL in it, or one that is no UTF-8, cannot be stored",
    "28000": "the database server does not let this machine or role in",
    "3D000": "the database server has no such database",
    "42501": "the role may not do this in the database",
    "42P01": _NO_TABLES,
    "57P03": "the database server is starting",
    "53300": "the database server has no connection left",
    "53100": "the disk of the database server is full",
    READ_ONLY: "the database server takes no writes: it is a standby, or set to read only",
    NOT_VERIFIED: "the certificate of the database server cannot be verified",
    OWN_CERTIFICATE: "the certificate or key with which this account logs in cannot be used",
    NO_ANSWER: "the database server does not answer",
    WRONG_ADDRESS: "the database's address has a wrong name or value, such as its port or what "
    "follows the question mark",
}
_CONNECTING = (
    ("28P01", r"password authentication failed|no password supplied"),
    ("0P000", r'FATAL: +role ".*" does not exist'),
    ("3D000", r'FATAL: +database ".*" does not exist'),
    ("28000", r"no pg_hba.conf entry|pg_hba.conf rejects|authentication failed|not permitted"),
    ("57P03", r"the database system is (starting up|shutting down|in recovery)"),
    (READ_ONLY, r"session is read-only|in hot standby mode"),
    ("53300", r"too many (clients|connections)|remaining connection slots"),
    (
        OWN_CERTIFICATE,
        r"could not (open|read) certificate file|private key file|does not match private key",
    ),
    (WRONG_ADDRESS, r"invalid (.*value|port number|connection option)|FATAL: +(invalid|unrecog)"),
    (WRONG_ADDRESS, r"bad value for|could not match \d+ |could not parse network address"),
    (NOT_VERIFIED, r"certificate|SSL error|does not support SSL"),
)


def translated(error: Exception) -> StoreError:
    """Return the product's error for a library's; raise it outside the ``except`` block."""
    match error:
        case PoolTimeout():
            return StoreBusy("every connection to the database is in use", "pool")
        case DBAPIError():
            cause = error.orig
        case StatementError():
            return unstorable(error.orig)
        case SQLAlchemyError():
            named = type(error).__name__
            return StoreError(f"the database layer failed ({named})", named)
        case _:
            cause = error
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause)
    sqlstate = getattr(cause, "sqlstate", None)
    if not sqlstate and type(cause).__name__ == "DataError":
        # The driver's own: it takes no NUL in a text, and knows no time beyond Python's years.
        return refused("22021") if "NUL" in str(cause) else ValueUnreadable()
    if not sqlstate:
        # Of a failed connection libpq passes on only the server's sentence, which is in English
        # unless ``lc_messages`` of the server says otherwise: any other counts as no answer.
        meant = (state for state, pattern in _CONNECTING if re.search(pattern, str(cause)))
        sqlstate = next(meant, NO_ANSWER)
    if sqlstate in BUSY_SQLSTATES:
        return StoreBusy(f"the database is busy (SQLSTATE {sqlstate})", sqlstate)
    return refused(sqlstate)


def unstorable(error: BaseException | None) -> StoreError:
    named = type(error).__name__
    return StoreError(f"a value cannot be stored ({named})", named)


def refused(sqlstate: str) -> StoreError:
    sentence = _SENTENCES.get(sqlstate, f"the database refused (SQLSTATE {sqlstate})")
    kind = ServerRefused if sqlstate in REFUSED_LOGINS else StoreError
    return kind(sentence, sqlstate)


_FULL = "the disk of the database is full, or fails"
_DAMAGED = "the database file is damaged, or is no database"
_OF_THE_FILE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: "this account may not write to the database file, or beside it",
}


def sqlite_code(error: sqlite3.Error) -> tuple[int, str]:
    """Return the primary result code, 0 where Python's module failed, and the whole one's name."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF, name


def _from_sqlite(error: sqlite3.Error) -> StoreError:
    code, name = sqlite_code(error)
    if not code and str(error).startswith("Could not decode to UTF-8"):
        return ValueUnreadable()
    if code in SQLITE_BUSY_CODES:
        return StoreBusy(f"the database is locked ({name})", name)
    if name == "SQLITE_CANTOPEN":
        text = "the database file is not there, or this account may not read it and write beside it"
        return StoreError(f"{text} ({name})", name)
    if str(error).startswith("no such table"):
        return StoreError(_NO_TABLES, name)
    text = _OF_THE_FILE.get(code, "the database refused")
    return StoreError(f"{text} ({name})", name)


_WRITES = "kiosk_writes"

LATER = {"kiosk_later": True}
"""Execution options of a statement whose result is not needed: it is sent with the next."""

POSTGRESQL = "postgresql+kiosk"
registry.register("postgresql.kiosk", "kiosk.authority.store.postgresql", "PipelinedDialect")


_NO_URL = (
    "the database address is not a URL whose ports are numbers; @ in a password is written as "
    "%40: better keep it in the file that `passfile` names"
)


def parse_url(text: str) -> URL:
    """Return the address of a database; raise ``ConfigError`` for an unsupported one."""
    try:
        url = make_url(text)
        match url.get_backend_name():
            case "sqlite" if url.database and url.database != ":memory:":
                return url.set(drivername="sqlite")
            case "sqlite":
                raise ConfigError("the database must be a file: sqlite:////path/to/kiosk.db")
            case "postgresql":
                url = url.set(drivername=POSTGRESQL)
                url.get_dialect()().create_connect_args(url)  # each of several hosts has a port
                return url
            case other:
                raise ConfigError(f"the database is neither sqlite nor postgresql but {other}")
    except (ArgumentError, ValueError):  # both repeat a part, which may be the password's
        raise ConfigError(_NO_URL) from None


def unverified_host(text: str) -> str:
    """Return the servers that are not verified by TLS; empty for a file or a Unix socket."""
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        return ""
    named = url.query.get("host", ())
    hosts = ",".join((url.host or "", *((named,) if isinstance(named, str) else named)))
    remote = [host for host in hosts.split(",") if host and not host.startswith("/")]
    mode = url.query.get("sslmode") or os.environ.get("PGSSLMODE", "prefer")
    return "" if mode == "verify-full" else ", ".join(remote)


def place_of(text: str) -> str:
    """Return the place of a database from its address: hosts with ports and a name, or a file."""
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    _, named = url.get_dialect()().create_connect_args(url)
    hosts = str(named.get("host") or os.environ.get("PGHOST") or "this machine").split(",")
    ports = str(named.get("port") or os.environ.get("PGPORT") or 5432).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    servers = sorted(f"{host}:{port or 5432}" for host, port in zip(hosts, ports, strict=False))
    return f"{', '.join(servers)}/{named.get('dbname', '')}"


def open_engine(
    url: URL, busy_timeout_s: float, pool_size: int, clock: Clock
) -> tuple[Engine, Clock]:
    """Return an engine without connections, and the clock: a server's replaces the machine's."""
    # The connection that was used last has its statements compiled.
    options = {"pool_size": pool_size, "pool_use_lifo": True, "hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        file = _SqliteFile(url, busy_timeout_s)
        made = create_engine(
            url.set(query={}), creator=file.connect, pool_timeout=busy_timeout_s, **options
        )
        event.listen(made, "begin", _begin_sqlite)
        if not url.query:
            event.listen(made, "checkout", file.require_the_same)
            event.listen(made, "engine_disposed", file.let_go)
        return made, clock
    # psycopg is installed only where PostgreSQL is used.
    from kiosk.authority.store.postgresql import DatabaseClock, postgresql_engine

    shared = DatabaseClock(clock)
    engine = postgresql_engine(url, busy_timeout_s, shared, options)
    return engine, shared if type(clock) is SystemClock else clock


def make_sqlite_file(path: Path) -> None:
    """Create an empty database that only its owner may read; leave an existing one alone."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        code = error.strerror or "unknown"
        raise StoreError(f"the database file cannot be opened: {code}", code) from None


def empty_sqlite_log(engine: Engine, busy_timeout_s: float) -> bool:
    """Write the write-ahead log back and truncate it; outside a transaction, as SQLite requires.

    Returns False where somebody reads: while it waited for them, writers would have to wait, too.
    """
    try:
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                (busy, *_), *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {int(busy_timeout_s * 1000)}")
                cursor.close()
            return not busy
    except (sqlite3.Error, SQLAlchemyError) as error:
        failure = translated(error)
    raise failure


# --- SQLite ----------------------------------------------------------------------------


def lock_file(path: Path) -> Path:
    """Return the file whose lock is that of a database's name."""
    return path.absolute().with_name(f".lock.{path.name}")


_USED_ALONE = (
    "`kiosk restore` or `kiosk store copy` is at work on it: wait for its end, and try again"
)


def lock_name(path: Path, how: int) -> int:
    """Lock the name of a database, ``LOCK_SH`` or ``LOCK_EX``, while the handle is open.

    Every user of a database shares the lock, so that it is visible also after the file is deleted.
    Raises ``StoreBusy`` where others have locked it, ``StoreError``, and ``ConfigError`` to root in
    a folder of another account: SQLite deletes a file that a journal there names (Database File
    Format, 3).
    """
    require_own_folder(path.absolute().parent)
    lock = lock_file(path)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        text = f"the database cannot be locked ({lock}: {error.strerror})"
        raise StoreError(text, "SQLITE_CANTOPEN") from None
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        alone = "" if how == fcntl.LOCK_EX else f": {_USED_ALONE}"
        raise StoreBusy(f"{path} is in use{alone}", "flock") from None
    except OSError as error:
        os.close(handle)
        text = f"the database cannot be locked ({lock}: {error.strerror})"
        raise StoreError(text, "flock") from None
    return handle


class _SqliteFile:
    """Opens one file, and locks its name from the first connection on.

    A process with a deleted file open would decide on data that nobody else sees, and its log would
    belong to the next file of that name. A file that was replaced is therefore not used any more.
    """

    def __init__(self, url: URL, busy_timeout_s: float) -> None:
        # mode=rw: a mistyped path is an error and never creates an empty database. An address with
        # parameters is a copy's, which is read only.
        how = "&".join(f"{name}={value}" for name, value in url.query.items()) or "mode=rw"
        self._path = Path(str(url.database)).absolute()
        self._uri = f"file:{quote(str(self._path))}?{how}"
        self._is_copy = bool(url.query)
        self._busy_timeout_s = busy_timeout_s
        self._guard = Lock()
        self._known: tuple[int, int] | None = None
        self._release: Callable[[], object] | None = None

    def connect(self) -> sqlite3.Connection:
        if not self._is_copy:
            if not self._path.exists():
                raise StoreError(_NOT_THERE.format(self._path), "SQLITE_CANTOPEN")
            with self._guard:
                if self._release is None:
                    handle = lock_name(self._path, fcntl.LOCK_SH)
                    self._release = weakref.finalize(self, os.close, handle)
        connection = sqlite3.connect(
            self._uri,
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma).close()
            if not self._is_copy:
                _use_wal(connection, self._busy_timeout_s)
                self.require_the_same()
                _require_in_use(connection)
        except (sqlite3.Error, StoreError):
            connection.close()
            raise
        return connection

    def require_the_same(self, *_event: object) -> None:
        """Raise ``StoreError`` where the file of this name is not the one that was opened first."""
        found = None
        with suppress(OSError):
            there = self._path.stat()
            found = there.st_dev, there.st_ino
        with self._guard:
            self._known = self._known or found
            if found is None or found != self._known:
                raise StoreError(_ANOTHER.format(self._path), "another file")

    def let_go(self, *_event: object) -> None:
        """Unlock the name: every connection is closed."""
        with self._guard:
            if self._release is not None:
                self._release()
            self._known = self._release = None


def moved_to(connection: sqlite3.Connection) -> str:
    """Return the server to which a file was copied; empty for none."""
    try:
        found = connection.execute("SELECT least_program FROM served_program").fetchone()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("no such table"):
            raise
        return ""
    return f"{found[0]}: let `url` in [store] name that" if found and " " in found[0] else ""


def _require_in_use(connection: sqlite3.Connection) -> None:
    if moved := moved_to(connection):
        raise StoreError(moved, MOVED)


_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA secure_delete = ON",
    "PRAGMA synchronous = FULL",
)
_NOT_THERE = (
    "the database file is not there ({}): `kiosk restore FILE` puts a backup in its place, and "
    "`kiosk setup authority` makes one for a new service"
)
_ANOTHER = (
    "the database file is gone, or another one than was opened ({}): nothing is decided any more; "
    "end this program and every other that uses it, and then see `kiosk doctor`"
)


def _use_wal(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    # The first switch to WAL needs the file exclusively, and SQLite's busy time-out does not cover
    # that. A file in WAL mode needs nothing.
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            is_busy = sqlite_code(error)[0] in SQLITE_BUSY_CODES
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def begin_sqlite(driver: sqlite3.Connection, info: dict[Any, Any], writes: bool) -> None:
    """Begin a transaction, unless one has begun; ``info`` is the pool's about the connection."""
    # The driver's own transactions are switched off (isolation_level None): a writer takes the
    # write lock at once. Otherwise two that had both read first could go on.
    if driver.in_transaction:
        return
    if info.get(_WRITES) is not writes:
        # Only on a change: SQLite compiles every statement again after it.
        driver.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        info[_WRITES] = writes
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_sqlite(connection: Connection) -> None:
    begin_sqlite(cast(Any, connection.connection.dbapi_connection), connection.info, writes=True)
