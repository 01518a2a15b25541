"""Rows with MACs as a migration finds them: read, checked and written by a description of its own.

A migration describes the covered columns as they are at its moment: it never imports those of
``tables``, which go on changing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import op

from kiosk.authority.store.gateway import MAC, row_message

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import KeyedRowMacs

_AT_ONCE: Final = 1000
"""Rows that are read, and written, together."""

Type = sa.types.TypeEngine[Any]


class CoveredTable:
    """A table with the columns that its MACs cover, by type, and by what each has by default.

    ``required`` have no default, ``nullable`` have NULL, ``texts`` an empty one, and ``truths``
    false. A column that no MAC covers is left out.
    """

    def __init__(
        self,
        name: str,
        *,
        key: Sequence[str],
        required: Mapping[str, Type],
        nullable: Mapping[str, Type] | None = None,
        texts: Sequence[str] = (),
        truths: Sequence[str] = (),
    ) -> None:
        self._name = name
        self._types: dict[str, Type] = {**required, **(nullable or {})}
        self._types |= {each: sa.String() for each in texts}
        self._types |= {each: sa.Boolean() for each in truths}
        self._defaults: dict[str, object] = dict.fromkeys(nullable or {})
        self._defaults |= dict.fromkeys(texts, "") | dict.fromkeys(truths, False)
        self._describe(key)

    def _describe(self, key: Sequence[str]) -> None:
        columns = (sa.column(each, kind) for each, kind in self._types.items())
        self._table = sa.table(self._name, sa.column(MAC, sa.String()), *columns)
        self._key = [self._table.c[each] for each in key]

    def genuine(
        self, bind: sa.Connection, macs: KeyedRowMacs, condition: str
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows that match their MACs and meet a ``condition``, in the order of keys."""
        for row in self._rows(bind, condition):
            if macs.fits(self._message(row), row[MAC]):
                yield row

    def add(self, bind: sa.Connection, macs: KeyedRowMacs, values: Mapping[str, Any]) -> None:
        """Add a row; what is not given has its default."""
        row = self._defaults | dict(values)
        bind.execute(self._table.insert(), row | {MAC: macs.make(self._message(row))})

    def rename(
        self,
        bind: sa.Connection,
        macs: KeyedRowMacs,
        names: Mapping[str, str],
        values: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        condition: str = "true",
        *,
        gone: Sequence[str] = (),
    ) -> None:
        """Rename covered columns; rows that meet a ``condition`` get new ``values`` in them.

        A row that does not may have only the default in these columns. ``values`` returns them by
        the new names. Columns ``gone`` are dropped. An altered row gets them, too, so that what it
        had in them stays nowhere, and keeps its MAC, which does not match.
        """
        old = {new: name for name, new in names.items()}
        this = [column == sa.bindparam(f"this_{column.name}") for column in self._key]
        new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in (*names, MAC)}
        statement = self._table.update().where(*this).values(new)
        for batch in self._batches(bind, sa.text(condition)):
            made = []
            for row in batch:
                found, mac = {old[name]: value for name, value in values(row).items()}, row[MAC]
                if macs.fits(self._message(row), mac):
                    mac = macs.make(self._message({**row, **found}, frozenset(gone), names))
                given = {f"new_{name}": value for name, value in (found | {MAC: mac}).items()}
                made.append({f"this_{key.name}": row[key.name] for key in self._key} | given)
            if made:
                bind.execute(statement, made)
        for name, renamed in names.items():
            op.execute(f"ALTER TABLE {self._name} RENAME COLUMN {name} TO {renamed}")
        for each in gone:
            op.drop_column(self._name, each)

    def without(self, *columns: str) -> CoveredTable:
        """Return the description once covered columns were dropped."""
        left = copy(self)
        kept = {name: kind for name, kind in self._types.items() if name not in columns}
        defaults = {name: value for name, value in self._defaults.items() if name in kept}
        left._types, left._defaults = kept, defaults  # noqa: SLF001
        left._describe([key.name for key in self._key])  # noqa: SLF001
        return left

    def drop(self, bind: sa.Connection, macs: KeyedRowMacs, *columns: str) -> None:
        """Drop covered columns that have defaults; rows that do not have these get new MACs.

        An altered row keeps the MAC that does not match: nobody is served by it.
        """
        table, gone = self._table, frozenset(columns)
        isnt_default = sa.or_(
            *(table.c[each].is_distinct_from(self._defaults[each]) for each in gone)
        )
        this = (column == sa.bindparam(f"this_{column.name}") for column in self._key)
        statement = table.update().where(*this).values({MAC: sa.bindparam("new_mac")})
        for batch in self._batches(bind, isnt_default):
            made = [
                {f"this_{key.name}": row[key.name] for key in self._key}
                | {"new_mac": macs.make(self._message(row, gone))}
                for row in batch
                if macs.fits(self._message(row), row[MAC])
            ]
            if made:
                bind.execute(statement, made)
        for each in columns:
            op.drop_column(self._name, each)

    def _rows(self, bind: sa.Connection, condition: str) -> Iterator[dict[str, Any]]:
        for batch in self._batches(bind, sa.text(condition)):
            yield from batch

    def _batches(
        self, bind: sa.Connection, condition: sa.ColumnElement[bool] | sa.TextClause
    ) -> Iterator[list[dict[str, Any]]]:
        some = sa.select(self._table).where(condition).order_by(*self._key).limit(_AT_ONCE)
        after = some
        while batch := [dict(row) for row in bind.execute(after).mappings()]:
            yield batch
            last = (sa.literal(batch[-1][key.name], key.type) for key in self._key)
            after = some.where(sa.tuple_(*self._key) > sa.tuple_(*last))

    def _message(
        self,
        row: Mapping[str, Any],
        without: frozenset[str] = frozenset(),
        names: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the bytes of a row, where columns are left out or have the ``names`` to come."""
        renamed = names or {}
        covered = (
            (renamed.get(name, name), row[name])
            for name in sorted(self._types, key=lambda name: renamed.get(name, name))
            if name not in without
            and (name not in self._defaults or row[name] != self._defaults[name])
        )
        return row_message(self._name, covered)
