"""Real databases for the tests: SQLite files, and a PostgreSQL of our own.

The server lives in a temporary directory, speaks on a Unix socket only, and is started
once for a whole run, by the first test that needs it. A test gets a database as it is after
migrating: on SQLite a copy of a migrated file, on PostgreSQL an emptied one, or a new copy
of the migrated template where the last test changed more than rows.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from kiosk.authority.crypto.keys import NEEDED, KeyRing
from kiosk.authority.crypto.macs import AuditMacs, KeyedRowMacs
from kiosk.authority.store.database import Store
from kiosk.authority.store.tables import REVISION, TableRow
from kiosk.contract.ports import Clock

SERVER_ACCOUNT = "postgres"
TEMPLATE = "kiosk_template"
SHARED = "kiosk_test"
TRIGGERS = 6
TRIGGERS_AND_REVISION = """
SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), version_num
FROM alembic_version
"""
DROP_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
MACS = KeyedRowMacs.of(
    KeyRing.from_entries(
        tuple((purpose.value, f"{purpose.value}-test", b"t" * 32) for purpose in NEEDED)
    )
)
"""Those of a key that every test and its other processes have."""

PORT = 5432  # names the socket; no port is opened

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "deadlock_timeout": "50ms",
    "shared_buffers": "16MB",
    "timezone": "Asia/Tokyo",  # far from UTC, so that a time stored carelessly is seen
}


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    time: datetime = datetime(2030, 5, 17, 9, 30, 0, 123456, tzinfo=UTC)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def now(self) -> datetime:
        """Return the time that was set."""
        with self._lock:
            return self.time

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.now().timestamp()

    def forward(self, **by: float) -> datetime:
        """Move on by a ``timedelta``'s arguments."""
        with self._lock:
            self.time += timedelta(**by)
            return self.time


@dataclass(frozen=True)
class TestDatabase:
    """One fresh, migrated database, and stores on it."""

    __test__ = False

    url: str
    dialect: str
    clock: SetClock
    opened: list[Store] = field(default_factory=list)

    def store(
        self,
        *,
        clock: Clock | None = None,
        busy_timeout_s: float = 5.0,
        audit_macs: AuditMacs | None = None,
    ) -> Store:
        """Open one more store on the same database, closed with the test."""
        store = Store(
            self.url,
            clock or self.clock,
            MACS,
            busy_timeout_s=busy_timeout_s,
            pool_size=20,
            audit_macs=audit_macs,
        )
        self.opened.append(store)
        return store

    def close(self) -> None:
        """Close every store that was opened."""
        for store in self.opened:
            store.close()


class PostgresServer:
    """A PostgreSQL server in ``folder``; as root it runs under the account ``postgres``.

    ``owner`` is the role that may do all; ``settings`` count beside, or before, ``SETTINGS``.
    """

    def __init__(
        self, folder: Path, owner: str = "kiosk", settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.owner = owner
        self._settings = {**SETTINGS, **(settings or {})}
        self._programs = find_programs()
        self._emptier: psycopg.Connection | None = None

    def start(self) -> None:
        """Make the cluster, start it and wait until it answers."""
        data = self.folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, SERVER_ACCOUNT, SERVER_ACCOUNT)
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "-D", str(data), "-U", self.owner, *options)
        lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        with (data / "postgresql.conf").open("a") as settings:
            settings.writelines([*lines, f"unix_socket_directories = '{self.folder}'\n"])
        self.serve()

    def serve(self) -> None:
        """Start the server on the cluster that is there."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "start")

    def restart(self) -> None:
        """Take up other settings."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "restart")

    def stop(self) -> None:
        """Stop it at once; nothing in it is worth keeping."""
        self._close_emptier()
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def follow(self, primary: PostgresServer) -> None:
        """Start as the standby of another server, in place of any cluster that is here."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, SERVER_ACCOUNT, SERVER_ACCOUNT)
        where = ["-h", str(primary.folder), "-p", str(PORT), "-U", self.owner]
        options = ["-D", str(data), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]
        self._run("pg_basebackup", *where, *options)
        settings = data / "postgresql.conf"
        settings.write_text(settings.read_text().replace(str(primary.folder), str(self.folder)))
        self.serve()

    def promote(self) -> None:
        """Let a standby become a primary, and wait until it is."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "promote")

    @property
    def runs(self) -> bool:
        """Whether it was started, and neither stopped nor killed."""
        return (self.folder / "data" / "postmaster.pid").exists()

    def kill(self) -> None:
        """End all its processes by SIGKILL, as if the machine had stopped."""
        kill_server(self.folder / "data")
        (self.folder / "data" / "postmaster.pid").unlink()
        # It names a process that is there until it was waited for, and no server starts beside it.
        (self.folder / f".s.PGSQL.{PORT}.lock").unlink()

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{self.owner}@/{database}?host={self.folder}&port={PORT}"

    def execute(self, statement: str) -> None:
        """Run one statement as the server's owner, outside a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def fresh(self) -> str:
        """Return the address of a database as it is after migrating."""
        if not self._emptied():
            self._close_emptier()
            self.execute(f"DROP DATABASE IF EXISTS {SHARED} WITH (FORCE)")
            self.execute(f"CREATE DATABASE {SHARED} TEMPLATE {TEMPLATE}")
        return self.url(SHARED)

    def _emptied(self) -> bool:
        """Empty the database that the last test used; False where that is not enough.

        One connection is kept for it: a new one spends ten times as long on learning the tables.
        """
        try:
            if self._emptier is None:
                self._emptier = psycopg.connect(self.url(SHARED), autocommit=True)
            self._emptier.execute(DROP_OTHERS)
            found = self._emptier.execute(TRIGGERS_AND_REVISION).fetchone()
            if found != (TRIGGERS, REVISION):
                return False
            self._emptier.execute(emptying().encode())
        except psycopg.Error:
            return False
        return True

    def _close_emptier(self) -> None:
        if self._emptier is not None:
            self._emptier.close()
            self._emptier = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_account(), str(self._programs / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}\n{done.stderr}")


def kill_server(data: Path) -> None:
    """End all processes of the server of a cluster by SIGKILL, so that none outlives another."""
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGSTOP)
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (*map(int, children), postmaster):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def emptying() -> str:
    """Return what empties every table, past triggers and foreign keys."""
    deletes = "; ".join(f"DELETE FROM {name}" for name in TableRow.metadata.tables)
    first_head = f"INSERT INTO audit_head (chain, seq, hash) VALUES (1, 0, '{'0' * 64}')"
    served = f"INSERT INTO served_program (id, least_program) VALUES (1, '{REVISION}')"
    return f"SET session_replication_role = replica; {deletes}; {first_head}; {served}"


def as_account() -> list[str]:
    """Return what to put before a command: the server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={SERVER_ACCOUNT}", f"--regid={SERVER_ACCOUNT}", "--init-groups"]


def find_programs() -> Path:
    """Return the newest installed server's folder; without one the test fails, never skips."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    if not found:
        raise RuntimeError("no PostgreSQL server: install Debian's package postgresql")
    return found[-1]


@contextmanager
def running_postgres(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Run a server with a migrated template in it."""
    # Not pytest's folder: its parents are closed to the server's account, and a socket's
    # path may be no longer than 107 bytes.
    with tempfile.TemporaryDirectory(prefix="kiosk-pg-") as name:
        server = PostgresServer(Path(name), settings=settings)
        server.start()
        try:
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            migrated(server.url(TEMPLATE))
            yield server
        finally:
            server.stop()


def migrated(url: str) -> None:
    """Migrate the database at ``url`` and close it."""
    store = Store(url, SetClock(), MACS)
    store.migrate()
    store.close()


def sqlite_url(path: Path) -> str:
    """Return the address of a SQLite file."""
    return f"sqlite:///{path}"
