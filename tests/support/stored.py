"""Records by their keys, where the product itself reads no single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlmodel import select

from kiosk.authority.records import EmailCode
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.store.tables import LIVE_CODE, CodeRow, TableRow, col

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


def live_code(uow: UnitOfWork, card_id: str) -> EmailCode | None:
    """Return the card's live code; it may have expired or have no try left."""
    live = select(CodeRow).where(col(CodeRow.card_id) == card_id, text(LIVE_CODE))
    row = uow._gateway.one(live, CodeRow)
    return row.record(EmailCode) if row else None
