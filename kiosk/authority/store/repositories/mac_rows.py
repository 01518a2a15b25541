"""Every row with a MAC, for the checks of doctor and caretaker and for the rotation of keys."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from kiosk.authority.errors import ValueUnreadable
from kiosk.authority.store.gateway import Repository, row_key, table_name, table_of
from kiosk.authority.store.tables import MacRow, col

RowKey = tuple[str, ...]

KINDS: Final[dict[str, type[MacRow]]] = {
    table_name(kind): kind for kind in sorted(MacRow.__subclasses__(), key=table_name)
}
TABLES: Final = tuple(KINDS)
"""The tables whose rows have MACs, by name."""

NO_KEY: Final = "(a key that cannot be read)"
"""The name of such a row. What comes after it in its table can be asked for by no key."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The result for some rows of one table; ``last`` is None at the end.

    ``unknown`` are the keys that MACs of altered rows name and the key file does not hold.
    """

    rows: int
    altered: tuple[str, ...]
    last: RowKey | None
    restamped: int = 0
    unknown: Mapping[str, str] = field(default_factory=dict)
    """By the name of the row."""


class MacRows(Repository):
    """The rows of ``TABLES``, by primary key."""

    def check(self, table: str, after: RowKey | None, limit: int) -> Piece:
        """Check the next rows of a table, altered ones too."""
        kind = KINDS[table]
        keys, last = self._keys(kind, self._following(kind, after), limit)
        if keys is None:
            return Piece(1, (NO_KEY,), None)
        rows = self._readable(kind, keys)
        misfits = {
            "/".join(key): rows.get(key)
            for key in keys
            if key not in rows or not self._gateway.fits(rows[key])
        }
        named = {
            name: self._gateway.macs.unknown_key(row.mac) for name, row in misfits.items() if row
        }
        unknown = {name: key_id for name, key_id in named.items() if key_id}
        return Piece(len(keys), tuple(misfits), last, unknown=unknown)

    def restamp(self, table: str, after: RowKey | None, limit: int, key_id: str) -> Piece:
        """Make the MACs of the next rows again that have a key other than ``key_id``.

        An altered row stays altered, and is returned by name; one that is locked is left for the
        next walk.
        """
        kind = KINDS[table]
        others = self._following(kind, after).where(_otherwise(kind, key_id))
        keys, last = self._keys(kind, others.with_for_update(skip_locked=True), limit)
        if keys is None:
            return Piece(1, (NO_KEY,), None)
        rows = self._readable(kind, keys)
        fitting = [row for row in rows.values() if self._gateway.fits(row)]
        for row in fitting:
            self._gateway.rewrite(row)
        fit = set(map(row_key, fitting))
        altered = tuple("/".join(key) for key in keys if key not in fit)
        return Piece(len(keys), altered, last, len(fitting))

    def accept(self, table: str, row: str) -> bool:
        """Make a row's MAC again, altered or not; return False where there is no such row."""
        kind = KINDS[table]
        columns = list(table_of(kind).primary_key)
        # Subject and attempt: only the last part of a key may have a stroke in it.
        key = row.split("/", len(columns) - 1)
        if len(key) != len(columns):
            return False
        this = [column == value for column, value in zip(columns, key, strict=True)]
        found = self._gateway.unchecked(select(kind).where(*this).with_for_update(), kind)
        for each in found:
            self._gateway.rewrite(each)
        return bool(found)

    def made_by(self, key_id: str, *, others: bool = False) -> int:
        """Return how many MACs a key made; ``others``: every other key."""
        made = 0
        for kind in KINDS.values():
            other = _otherwise(kind, key_id)
            counted = select(func.count()).select_from(kind).where(other if others else ~other)
            made += self._gateway.count(counted)
        return made

    def _keys(
        self, kind: type[MacRow], ordered: Select[MacRow], limit: int
    ) -> tuple[list[RowKey] | None, RowKey | None]:
        """Return the keys of the next rows, and the last where more may follow.

        The keys before one that cannot be read come first, alone; None where that one is next.
        """
        keyed = ordered.with_only_columns(*table_of(kind).primary_key)
        while limit:
            try:
                found = self._gateway.tuples(keyed.limit(limit))
            except ValueUnreadable:
                limit //= 2
            else:
                keys: list[RowKey] = [tuple(map(str, row)) for row in found]
                return keys, keys[-1] if len(keys) == limit else None
        return None, None

    def _readable(self, kind: type[MacRow], keys: list[RowKey]) -> dict[RowKey, MacRow]:
        """Return rows by key, except rows with a value that its column may not hold."""
        columns = list(table_of(kind).primary_key)
        wanted = select(kind).where(tuple_(*columns).in_(keys))
        with suppress(ValueUnreadable):
            return {row_key(row): row for row in self._gateway.unchecked(wanted, kind)}
        if len(keys) == 1:
            return {}
        half = len(keys) // 2
        return self._readable(kind, keys[:half]) | self._readable(kind, keys[half:])

    def _following(self, kind: type[MacRow], after: RowKey | None) -> Select[MacRow]:
        columns = list(table_of(kind).primary_key)
        statement = select(kind).order_by(*columns)
        return statement if after is None else statement.where(tuple_(*columns) > tuple_(*after))


def _otherwise(kind: type[MacRow], key_id: str) -> ColumnElement[bool]:
    return ~col(kind.mac).startswith(f"{key_id}.", autoescape=True)
