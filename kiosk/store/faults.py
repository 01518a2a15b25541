"""A library's exception becomes one of ours, and nothing of it is shown but a code.

SQLAlchemy's exceptions carry the parameters, and PostgreSQL's name the values of a key:
so neither their text nor the exceptions themselves go on.
"""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kiosk.errors import StoreBusy, StoreError

SQLITE_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
BUSY_SQLSTATES = frozenset({"55P03", "57014", "40001", "40P01"})
"""Lock not available, cancelled by a time-out, serialisation failure, deadlock."""

NO_ANSWER, NOT_VERIFIED = "08006", "08001"
REFUSED_LOGINS = frozenset({"28P01", "0P000", "28000", "3D000", "42501", NO_ANSWER, NOT_VERIFIED})
"""Codes of mistakes in the address of a server, or on the server."""

_SENTENCES = {
    "28P01": "the database server refused the password",
    "0P000": "the database server knows no such role",
    "28000": "the database server does not let this machine or role in",
    "3D000": "the database server has no such database",
    "42501": "the role may not do this in the database",
    "57P03": "the database server is starting",
    "53300": "the database server has no connection left",
    NOT_VERIFIED: "the certificate of the database server cannot be verified",
    NO_ANSWER: "the database server does not answer",
}
_CONNECTING = (
    ("28P01", r"password authentication failed|no password supplied"),
    ("0P000", r'FATAL: +role ".*" does not exist'),
    ("3D000", r'FATAL: +database ".*" does not exist'),
    ("28000", r"no pg_hba.conf entry|pg_hba.conf rejects|authentication failed|not permitted"),
    ("57P03", r"the database system is (starting up|shutting down|in recovery)"),
    ("53300", r"too many (clients|connections)|remaining connection slots"),
    (NOT_VERIFIED, r"certificate|SSL error|does not support SSL"),
)


def translated(error: SQLAlchemyError) -> StoreError:
    """Return the house's error for ``error``; raise it outside the ``except`` block."""
    if isinstance(error, PoolTimeout):
        return StoreBusy("every connection to the database is in use", "pool")
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
        return _from_sqlite(error.orig)
    if isinstance(error, DBAPIError):
        return _from_sqlstate(
            getattr(error.orig, "sqlstate", None) or _of_connecting(str(error.orig))
        )
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
    if said := _SENTENCES.get(sqlstate):
        return StoreError(said, sqlstate)
    return StoreError(f"the database refused (SQLSTATE {sqlstate})", sqlstate)


def _of_connecting(text: str) -> str:
    """Return the SQLSTATE of what keeps a connection from coming about.

    libpq passes on the server's sentence alone, which is in English unless ``lc_messages`` of
    the server says otherwise: any other sentence counts as no answer.
    """
    for state, pattern in _CONNECTING:
        if re.search(pattern, text):
            return state
    return NO_ANSWER
