"""Records by their keys, where the product itself reads no single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlmodel import select

from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.tables import TableRow, col

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")


def stored(uow: UnitOfWork, table: type[TableRow], kind: type[Record], **key: str) -> Record | None:
    """Return the record of the row with this ``key``, checked as the store checks it."""
    named = (col(getattr(table, name)) == value for name, value in key.items())
    row = uow._gateway.one(select(table).where(*named), table)
    return row.record(kind) if row else None
