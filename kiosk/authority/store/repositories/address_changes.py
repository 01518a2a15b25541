"""Changes of address that wait until the old address has had time to stop them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select

from kiosk.authority.store.gateway import Gateway
from kiosk.authority.store.prepared import Prepared
from kiosk.authority.store.records import AddressChange
from kiosk.authority.store.tables import AddressChangeRow, col, values

_WAITING = Prepared(
    select(AddressChangeRow).where(
        col(AddressChangeRow.holder_id) == bindparam("holder"),
        col(AddressChangeRow.ended_at).is_(None),
    )
)


class AddressChanges:
    """A holder has at most one that waits."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def put(self, change: AddressChange) -> None:
        """Add one in place of the holder's that waits, if there is one."""
        self.end(change.holder_id)
        self._gateway.add(AddressChangeRow, values(change))

    def waiting(self, holder_id: str) -> AddressChange | None:
        """Return the holder's change that neither counts yet nor was stopped."""
        row = self._gateway.one(_WAITING, AddressChangeRow, {"holder": holder_id})
        return row.record(AddressChange) if row else None

    def every_waiting(self) -> tuple[AddressChange, ...]:
        """Return all that neither count yet nor were stopped."""
        open_ = select(AddressChangeRow).where(col(AddressChangeRow.ended_at).is_(None))
        rows = self._gateway.many(open_, AddressChangeRow)
        return tuple(row.record(AddressChange) for row in rows)

    def due(self, limit: int = 200) -> tuple[AddressChange, ...]:
        """Return those whose time has come, oldest first."""
        due = (
            col(AddressChangeRow.ended_at).is_(None),
            col(AddressChangeRow.effective_at) <= self._now,
        )
        statement = select(AddressChangeRow).where(*due)
        ordered = statement.order_by(col(AddressChangeRow.effective_at)).limit(limit)
        rows = self._gateway.many(ordered, AddressChangeRow)
        return tuple(row.record(AddressChange) for row in rows)

    def end(self, holder_id: str) -> bool:
        """Note that the waiting one was applied or stopped; False where none waits."""
        open_ = (
            col(AddressChangeRow.holder_id) == holder_id,
            col(AddressChangeRow.ended_at).is_(None),
        )
        return bool(self._gateway.change(AddressChangeRow, *open_, ended_at=self._now))
