"""MACs of rows that grant access: which columns one covers, and how a row becomes bytes.

Without the key, somebody who writes the database can then change, insert or move no such row
unnoticed. They can still put back an older row with its older MAC, or delete one: only the audit
shows that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from kiosk.authority.store.tables import MacRow, TableRow

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
    found: list[object] = []
    for name, default in _defaults(kind):
        value = values[name] if default is _REQUIRED else values.get(name, default)
        if value != default:
            found += (name, value)
    return _heading(kind) + encoded(found)


def row_message(row: MacRow) -> bytes:
    """Return the bytes of a row as it was read."""
    return mac_message(type(row), row.__dict__)


def row_key(row: MacRow) -> tuple[str, ...]:
    return tuple(str(getattr(row, name)) for name in primary_key(type(row)))


def row_name(row: MacRow) -> str:
    """Return the primary key of a row, as people read it."""
    return "/".join(row_key(row))


@cache
def primary_key(kind: type[TableRow]) -> tuple[str, ...]:
    """Return the names of the columns of the primary key."""
    return tuple(column.name for column in kind.metadata.tables[table_name(kind)].primary_key)


def table_name(kind: type[TableRow]) -> str:
    return str(kind.__tablename__)


@cache
def _heading(kind: type[MacRow]) -> bytes:
    return encoded(table_name(kind))


encoded: Final = msgspec.msgpack.Encoder(order="deterministic").encode
"""MessagePack: each value begins with its kind and its length, and a time is one in UTC."""


_REQUIRED: Final = object()


@cache
def _defaults(kind: type[MacRow]) -> tuple[tuple[str, object], ...]:
    """Return each covered column with its default."""
    fields = kind.model_fields
    return tuple(
        (name, _REQUIRED if fields[name].is_required() else fields[name].default)
        for name in covered(kind)
    )
