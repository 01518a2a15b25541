"""What is asked of every table of sealed secrets: which key each is under, or derives from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Mapped
from sqlmodel import col

from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.tables import CardRow, KeptSecretRow

Sealed = TypeVar("Sealed", CardRow, KeptSecretRow)
Key = Mapped[str] | Mapped[str | None]


def others(
    gateway: Gateway, table: type[Sealed], key: Key, key_id: str, after: str, limit: int
) -> Sequence[Sealed]:
    """Return the rows that name another key than ``key_id``, by id, from ``after`` on.

    Work that was interrupted simply starts again from the first that is left.
    """
    left = select(table).where(_is_named(key), key != key_id, col(table.id) > after)
    return gateway.many(left.order_by(col(table.id)).limit(limit), table)


def counted(gateway: Gateway, key: Key) -> dict[str, int]:
    """Return how many rows name each key."""
    statement = select(key, func.count()).where(_is_named(key)).group_by(key)
    return {row[0]: row[1] for row in gateway.tuples(statement)}


def _is_named(key: Key) -> ColumnElement[bool]:
    """The text is written out, and not bound, so that a partial index is seen to fit."""
    return key.is_not(None) & (key != literal_column("''"))
