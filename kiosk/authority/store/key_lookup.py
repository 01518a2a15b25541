"""Looks up one public key without importing the rest of the store.

sshd calls this for each key that anybody offers, before they have proven anything: it has to be
cheap. The rows' MACs are not checked here: a key from here only opens the connection, and the RA
application checks its row in full before it opens.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from kiosk.authority.errors import StoreError
from kiosk.contract.errors import ConfigError

_QUERY = (
    "SELECT staff_key.public_key FROM staff_key "
    "JOIN staff_member ON staff_member.id = staff_key.staff_id "
    "WHERE staff_key.fingerprint = {} AND staff_member.removed_at IS NULL"
)


def lets_in(public_key: str, *, verified: bool) -> bool:
    """Return whether a login may be by this key; ``verified``: by one in a security key alone.

    The kinds of those begin with ``sk-`` (PROTOCOL.u2f of OpenSSH).
    """
    return public_key.startswith("sk-") or not verified


def key_of_staff(url: str, fingerprint: str, timeout_s: float) -> str | None:
    """Return the public key with this fingerprint, where a present member of staff has it.

    Raises ``ConfigError`` for a wrong address of the database, ``StoreError`` where it does not
    answer.
    """
    scheme, _, place = url.partition("://")
    match scheme.partition("+")[0]:
        case "sqlite":
            return _from_sqlite(place.removeprefix("/"), fingerprint, timeout_s)
        case "postgresql":
            return _from_postgresql(f"postgresql://{place}", fingerprint, timeout_s)
        case _:
            raise ConfigError("the database is neither sqlite nor postgresql")


def _from_sqlite(path: str, fingerprint: str, timeout_s: float) -> str | None:
    import sqlite3
    from urllib.parse import quote

    try:
        with closing(
            sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=timeout_s)
        ) as database:
            database.execute("PRAGMA query_only = ON")
            found = database.execute(_QUERY.format("?"), (fingerprint,)).fetchone()
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StoreError(f"the database refused ({code})", code) from None
    return found[0] if found else None


def _from_postgresql(url: str, fingerprint: str, timeout_s: float) -> str | None:
    import psycopg

    asked: dict[str, Any] = {
        "connect_timeout": max(2, round(timeout_s)),
        "target_session_attrs": "read-write",  # a standby may not know yet who was removed
    }
    address, named = _as_libpq_reads_it(url)
    try:
        with psycopg.connect(address, **(asked | named)) as database:
            database.read_only = True
            found = database.execute(_QUERY.format("%s"), (fingerprint,)).fetchone()
    except psycopg.Error as error:
        code = error.sqlstate or "08006"
        raise StoreError(f"the database server gave no key ({code})", code) from None
    return str(found[0]) if found else None


def _as_libpq_reads_it(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without its parameters, and these.

    Several servers are ``host=A:1&host=B:2`` to the rest of the store (SQLAlchemy). Of those, libpq
    would take the last one, port and all, for a name: it wants ``host=A,B`` and ``port=1,2``.
    """
    from urllib.parse import parse_qsl

    address, _, query = url.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    hosts = [host for name, value in given if name == "host" for host in value.split(",")]
    named = dict(given)
    if hosts and "port" not in named:
        parts = [host.rpartition(":") if host.count(":") == 1 else (host, "", "") for host in hosts]
        if any(port for _, _, port in parts):
            named["port"] = ",".join(port for _, _, port in parts)
        hosts = [host for host, _, _ in parts]
    if hosts:
        named["host"] = ",".join(hosts)
    return address, named
