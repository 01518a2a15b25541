"""MACs of rows that grant access: which columns one covers, and how a row becomes bytes.

Whoever writes the database without the key can then change no such row, insert none and
move none unnoticed. To put back an older row with its older MAC, or to delete one, stays
possible: only the audit shows that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from kiosk.authority.store.tables import MacRow, TableRow

MAC: Final = "mac"


@cache
def covered(kind: type[MacRow]) -> tuple[str, ...]:
    """Return the columns that a MAC of ``kind`` covers, by name."""
    return tuple(sorted(frozenset(kind.model_fields) - kind.uncovered - {MAC}))


def mac_message(kind: type[MacRow], values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a row that its MAC is made of.

    A column that is missing in ``values`` has its default; ``KeyError`` where it has none.
    """
    texts = [_heading(kind)]
    for name in covered(kind):
        value = values[name] if name in values else _default(kind, name)
        texts.append(encoded(value))
    return b"".join(texts)


def row_message(row: MacRow) -> bytes:
    """Return the bytes of a row as it was read."""
    kind, columns = type(row), row.__dict__
    return b"".join([_heading(kind), *[encoded(columns[name]) for name in covered(kind)]])


def row_key(row: MacRow) -> tuple[str, ...]:
    """Return the primary key of a row."""
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
    return encoded((table_name(kind), *covered(kind)))


@cache
def _default(kind: type[MacRow], name: str) -> object:
    field = kind.model_fields[name]
    if field.is_required():
        raise KeyError(name)
    return field.default


def encoded(value: object) -> bytes:
    """Encode a value in one way alone: its kind, its length where that varies, itself."""
    if value is None:
        return b"n"
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        return b"s" + len(raw).to_bytes(4, "big") + raw
    kind: type = type(value)
    encode = _ENCODERS.get(kind)
    if encode is not None:
        return encode(value)
    if is_dataclass(kind):
        return _each(tuple(getattr(value, name) for name in _fields(kind)))
    raise TypeError(f"no encoding for {type(value).__name__}")


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _moment(value: datetime) -> bytes:
    # The store refuses a time without a zone when it is written.
    moment = value.astimezone(UTC) if value.tzinfo not in (UTC, None) else value
    return _framed(b"d", moment.isoformat(timespec="microseconds").encode())


def _each(value: tuple[object, ...]) -> bytes:
    return b"l" + len(value).to_bytes(4, "big") + b"".join(map(encoded, value))


_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: _framed(b"i", b"%d" % value),
    bytes: lambda value: _framed(b"b", value),
    datetime: _moment,
    tuple: _each,
}


def _framed(kind: bytes, raw: bytes) -> bytes:
    return kind + len(raw).to_bytes(4, "big") + raw
