"""A primary and its synchronous standby, which take each other's place."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.database import PORT, SHARED, TEMPLATE, PostgresServer, migrated

_SYNCHRONOUS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


PATIENCE_S = 900.0


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a condition; raises ``TimeoutError``."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > give_up_at:
            raise TimeoutError("it did not come about")
        time.sleep(0.01)


class Pair:
    """Two servers; what is committed at the one is at the other before it is acknowledged."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer) -> None:
        self.primary = primary
        self.standby = standby
        hosts = "&".join(f"host={each.folder}:{PORT}" for each in (primary, standby))
        self.url = f"postgresql://{primary.owner}@/{SHARED}?{hosts}&target_session_attrs=read-write"

    def replicate(self) -> None:
        """Make the standby anew from the primary, and let every commit wait for it."""
        self.standby.follow(self.primary)
        self.primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.execute("SELECT pg_reload_conf()")
        wait_until(lambda: bool(self.query(_SYNCHRONOUS)[0][0]))

    def kill_primary(self) -> None:
        """End it by SIGKILL."""
        self.primary.kill()

    def promote(self) -> None:
        """Let the standby take the place of the primary, which was killed."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the primary by itself, past the program."""
        with psycopg.connect(self.primary.url(SHARED), autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@contextmanager
def two_servers() -> Iterator[Pair]:
    """Start one, with a migrated database; the other is made by ``replicate``."""
    with (
        tempfile.TemporaryDirectory(prefix="kiosk-pg-") as one,
        tempfile.TemporaryDirectory(prefix="kiosk-pg-") as two,
    ):
        servers = PostgresServer(Path(one)), PostgresServer(Path(two))
        servers[0].start()
        try:
            servers[0].execute(f"CREATE DATABASE {TEMPLATE}")
            migrated(servers[0].url(TEMPLATE))
            servers[0].fresh()
            yield Pair(*servers)
        finally:
            for each in servers:
                if each.runs:
                    each.stop()
