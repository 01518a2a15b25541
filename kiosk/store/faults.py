"""A library's exception becomes one of ours, and nothing of it is shown but a code.

SQLAlchemy's exceptions carry the parameters, and PostgreSQL's name the values of a key:
so neither their text nor the exceptions themselves go on.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kiosk.errors import StoreBusy, StoreError

SQLITE_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
BUSY_SQLSTATES = frozenset({"55P03", "57014", "40001", "40P01"})
"""Lock not available, cancelled by a time-out, serialisation failure, deadlock."""


def translated(error: SQLAlchemyError) -> StoreError:
    """Return the house's error for ``error``; raise it outside the ``except`` block."""
    if isinstance(error, PoolTimeout):
        return StoreBusy("every connection to the database is in use", "pool")
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
        return _from_sqlite(error.orig)
    if isinstance(error, DBAPIError):
        return _from_sqlstate(getattr(error.orig, "sqlstate", None) or "")
    if isinstance(error, StatementError):
        cause = type(error.orig).__name__
        return StoreError(f"a value cannot be stored ({cause})", cause)
    return StoreError(f"the database layer failed ({type(error).__name__})", type(error).__name__)


def _from_sqlite(error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code & 0xFF in SQLITE_BUSY_CODES:
        return StoreBusy(f"the database is locked ({name})", name)
    return StoreError(f"the database refused ({name})", name)


def _from_sqlstate(sqlstate: str) -> StoreError:
    if sqlstate in BUSY_SQLSTATES:
        return StoreBusy(f"the database is busy (SQLSTATE {sqlstate})", sqlstate)
    if not sqlstate:
        return StoreError("the database server does not answer", "08006")
    return StoreError(f"the database refused (SQLSTATE {sqlstate})", sqlstate)
