"""What every table shares: one catalogue of their own, named constraints, and records.

``table=True`` validates nothing and a row is mutable, so rows never leave the store:
``Row.record`` copies one into its frozen record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sqlalchemy import Index, MetaData, text
from sqlmodel import Field, SQLModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")


class Row(SQLModel):
    """The root of the tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def record(self, kind: type[Record]) -> Record:
        """Return a frozen ``kind`` whose fields are named as the columns are."""
        return kind(**{field.name: getattr(self, field.name) for field in fields(kind)})


class MacRow(Row):
    """A row that grants access: it has a MAC over all of its columns but ``uncovered``.

    ``Gateway`` makes the MAC when such a row is written and checks it when one is read.
    """

    uncovered: ClassVar[frozenset[str]] = frozenset()
    """What one atomic statement counts, or what is authenticated by other means."""

    mac: str = Field(repr=False)


def index_where(name: str, column: str, condition: str, *, unique: bool = False) -> Index:
    """Return an index over the rows that fulfil ``condition``, on either database."""
    where = text(condition)
    return Index(name, column, unique=unique, sqlite_where=where, postgresql_where=where)


def values(record: DataclassInstance, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return a record's fields, to be written to the columns of the same names."""
    skipped = frozenset(without)
    names = (field.name for field in fields(record))
    return {name: getattr(record, name) for name in names if name not in skipped}
