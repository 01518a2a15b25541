"""The database of an estate, which is set back to what it was before each cut."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import psycopg

from kiosk.authority.store.tables import TableRow
from tests.support.database import sqlite_url


class Base(Protocol):
    """One database with snapshots by name; nobody may use it while one is taken or put back."""

    @property
    def url(self) -> str:
        """Where it is."""

    def save(self, name: str) -> None:
        """Take a snapshot."""

    def restore(self, name: str) -> None:
        """Put it back."""


class SqliteBase:
    """A file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "kiosk.db"

    @property
    def url(self) -> str:
        """Of the file."""
        return sqlite_url(self._file)

    def save(self, name: str) -> None:
        """Copy the file; whoever closed it last has emptied its log."""
        assert not self._log.exists()
        shutil.copy(self._file, self._file.with_suffix(f".{name}"))

    def restore(self, name: str) -> None:
        """Copy it back; what a killed station left in the log belongs to the file as it was."""
        self._log.unlink(missing_ok=True)
        self._file.with_name("kiosk.db-shm").unlink(missing_ok=True)
        shutil.copy(self._file.with_suffix(f".{name}"), self._file)

    @property
    def _log(self) -> Path:
        return self._file.with_name("kiosk.db-wal")


class PostgresBase:
    """A database on a server; a snapshot is a schema with a copy of each table."""

    def __init__(self, url: str) -> None:
        self.url = url

    def save(self, name: str) -> None:
        """Copy every table."""
        copies = [f"CREATE TABLE {name}.{table} AS TABLE public.{table}" for table in _tables()]
        self._run(f"DROP SCHEMA IF EXISTS {name} CASCADE", f"CREATE SCHEMA {name}", *copies)

    def restore(self, name: str) -> None:
        """Put every row back, past triggers and foreign keys."""
        deletes = [f"DELETE FROM public.{table}" for table in _tables()]
        fills = [f"INSERT INTO public.{table} TABLE {name}.{table}" for table in _tables()]
        self._run("SET session_replication_role = replica", *deletes, *fills)

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute("; ".join(statements).encode())


def _tables() -> list[str]:
    return list(TableRow.metadata.tables)
