"""A SQLite database as a file: copied while it is in use, and locked while nobody may use it."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from kiosk.authority.errors import StoreBusy, StoreError
from kiosk.authority.records import Progress
from kiosk.authority.store.engine import SQLITE_BUSY_CODES, lock_name, sqlite_code
from kiosk.system.files import sync

_NOT_WRITTEN_BESIDE: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_NOT_WRITTEN: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"})

_STATISTICS: Final = (
    "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
)

PAGES: Final = 1024
"""Pages that are copied between two reports of progress: 4 MB."""


def copy_file(source: Path, target: Path, progress: Progress) -> None:
    """Copy a snapshot of a database into a new file (mode 0600) while others go on.

    The copy is one file, checked and synced to the disk. It is deleted where that failed. Where
    others may write to its folder, it is never written into a file that they made. Raises
    ``StoreError``.
    """
    named = target.with_name(f".{target.name}.part")
    made = -1
    try:
        named.unlink(missing_ok=True)
        made = os.open(named, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with closing(_opened(source, "ro")) as origin, closing(_opened(named, "rw")) as copy:
            if not _has_open_again(made):
                because = "another file was put in its place: let nobody else write to that folder"
                raise StoreError(f"{named}: {because}", "replaced")
            # One snapshot for all of it: otherwise a copy begins again with each commit of others.
            origin.execute("BEGIN")
            origin.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            origin.backup(
                copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_)
            )
            copy.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
            if found != ["ok"]:
                raise StoreError("the database is damaged: its integrity check failed", "integrity")
            if copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise StoreError("the database is damaged: a row points to none", "integrity")
        os.fsync(made)
        # It fails where there is one. With a descriptor, which an absolute path does not use,
        # Python calls linkat(2), which follows the link in /proc; link(2) does not.
        os.link(f"/proc/self/fd/{made}", target, src_dir_fd=made, follow_symlinks=True)
        try:
            sync(target.parent)
        except OSError:
            target.unlink()
            raise
    except sqlite3.Error as error:
        _, name = sqlite_code(error)
        if name in _NOT_WRITTEN:
            because = f"the disk is full, or fails ({name})"
            raise StoreError(f"{target} was not written: {because}", name) from None
        raise StoreError(f"{source} cannot be copied ({name})", name) from None
    except OSError as error:
        code = error.strerror or "unknown"
        raise StoreError(f"{target} was not written: {code}", code) from None
    finally:
        if made >= 0:
            os.close(made)
        named.unlink(missing_ok=True)


def _has_open_again(made: int) -> bool:
    """Return whether this process has the file of a descriptor open by another one as well."""
    same = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the list itself is closed by now
            same += os.path.samestat(os.fstat(int(each.name)), os.fstat(made))
    return same > 1


@contextmanager
def lock_name_exclusively(path: Path, whose: str) -> Iterator[None]:
    """Let no program of ours open a database of this name; it need not exist.

    Raises ``StoreBusy`` where a program has it open, or an earlier file of that name that was
    deleted.
    """
    try:
        handle = lock_name(path, fcntl.LOCK_EX)
    except StoreBusy as busy:
        raise StoreBusy(f"{busy}: {whose}", busy.code) from None
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def lock_exclusively(path: Path, whose: str) -> Iterator[sqlite3.Connection]:
    """Lock a database against everybody else; ``StoreBusy`` where somebody has it open.

    Its write-ahead log is written back first. Only this connection can use it.
    """
    with lock_name_exclusively(path, whose), closing(_opened(path, "rw")) as connection:
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            # In this mode the first access locks the file for as long as it is open.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            code, name = sqlite_code(error)
            if code in SQLITE_BUSY_CODES:
                raise StoreBusy(f"{path} is in use: {whose}", name) from None
            advice = "if it is damaged, move it away with what is beside it (-wal, -shm)"
            raise StoreError(
                f"{path} cannot be locked ({name}); {advice}, and keep it", name
            ) from None
        yield connection


def needs_its_folder(path: Path) -> bool:
    """Return whether a database can be read only by somebody who may write beside it.

    A file with a write-ahead log needs an index there, also to be read.
    """
    try:
        with closing(_opened(path, "ro")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        return sqlite_code(error)[0] in _NOT_WRITTEN_BESIDE
    return False


def schema_of(path: Path) -> frozenset[tuple[str | None, ...]]:
    """Return all that a database is made of: kind, name, table and SQL, each space as one.

    Leaves out what ANALYZE adds. Raises ``StoreError``.
    """
    rows = _read(path, "ro", "SELECT type, name, tbl_name, CAST(sql AS TEXT) FROM sqlite_schema")
    return frozenset(
        (*row[:3], row[3] and re.sub(r"[ \t\r\n]+", " ", row[3]))
        for row in rows
        if row[3] not in _STATISTICS
    )


def drop_indexes(path: Path, known: Container[str]) -> list[str]:
    """Drop each index but the ``known`` and those of keys; return them. Raises ``StoreError``."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    names = [str(name) for (name,) in _read(path, "ro", query) if name not in known]
    for name in names:
        quoted = name.replace('"', '""')
        _read(path, "rw", f'DROP INDEX "{quoted}"')
    return names


def shows_more_than_tables(path: Path, *, immutable: bool) -> bool:
    """Return whether a database has views or virtual tables, however its schema words them.

    ``immutable``: nobody may write beside the file. Raises ``StoreError``.
    """
    mode = "ro&immutable=1" if immutable else "ro"
    kinds = _read(path, mode, "SELECT type FROM pragma_table_list WHERE schema = 'main'")
    return any(kind != "table" for (kind,) in kinds)


def _read(path: Path, mode: str, query: str) -> list[tuple[Any, ...]]:
    try:
        with closing(_opened(path, mode)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        _, name = sqlite_code(error)
        raise StoreError(f"{path} cannot be read ({name})", name) from None


def last_rows(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the last row of the audit by chain; raises ``StoreError`` for a damaged file."""
    try:
        return dict(connection.execute("SELECT chain, seq FROM audit_head"))
    except sqlite3.Error as error:
        _, name = sqlite_code(error)
        raise StoreError(f"the end of its audit cannot be read ({name})", name) from None


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)
