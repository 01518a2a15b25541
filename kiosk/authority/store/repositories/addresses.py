"""The addresses of holders, those too that wait so that the old one can stop them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import bindparam, delete, false, func, literal, not_, or_, select, true, update

from kiosk.authority.errors import ValueUnreadable
from kiosk.authority.records import Address, AddressSource, Cardholder, Registration
from kiosk.authority.store.gateway import Prepared, Repository, table_of
from kiosk.authority.store.tables import (
    AddressRow,
    CardholderRow,
    RegistrationRow,
    col,
    values,
)

_TABLE = table_of(AddressRow)
_THEIRS = col(AddressRow.holder_id) == col(CardholderRow.id)
_WAITS = col(AddressRow.replaces) != ""

_KNOWN_ROWS = CardholderRow, RegistrationRow, AddressRow
_KNOWN = Prepared(
    select(*_KNOWN_ROWS)
    .outerjoin(RegistrationRow, col(RegistrationRow.holder_id) == col(CardholderRow.id))
    .outerjoin(AddressRow, _THEIRS)
    .where(col(CardholderRow.id) == bindparam("holder"))
)
_CONFIRM = select(AddressRow).where(
    col(AddressRow.id) == bindparam("address"), col(AddressRow.confirmed_at).is_(None)
)
_CONFIRM_THIS = Prepared(_CONFIRM.with_for_update())


class AddressRecords(Repository):
    """A holder has at most one that waits."""

    def add(self, address: Address) -> None:
        """Add one; one that waits takes the place of the one that waited before."""
        if address.replaces:
            self.stop(address.holder_id)
        self._gateway.add(AddressRow, values(address))

    def around(
        self, holder_id: str
    ) -> tuple[Cardholder, Registration | None, tuple[Address, ...]] | None:
        """Return a holder with registration and addresses, all as they were at one moment."""
        rows = self._gateway.joined(_KNOWN, _KNOWN_ROWS, {"holder": holder_id})
        if not rows:
            return None
        holder, registration, _ = rows[0]
        self._gateway.check_asked(holder, id=holder_id)
        self._gateway.check_asked(registration, holder_id=holder_id)
        found = []
        for *_, address in rows:
            self._gateway.check_asked(address, holder_id=holder_id)
            found += [address.record(Address)] if address else []
        kept = registration.record(Registration) if registration else None
        return holder.record(Cardholder), kept, tuple(found)

    def of_holders(self, holder_ids: Iterable[str]) -> dict[str, Address]:
        """Return them by id; for display, never for a decision. At most 500 holders at a time."""
        wanted = select(AddressRow).where(col(AddressRow.holder_id).in_(list(holder_ids)))
        rows = self._gateway.unchecked(wanted, AddressRow)
        return {row.id: row.record(Address) for row in rows}

    def recorded(self, holder_ids: Iterable[str]) -> dict[str, Address]:
        """Return the addresses of records by id; at most 500 holders at a time."""
        theirs = col(AddressRow.holder_id).in_(list(holder_ids))
        statement = select(AddressRow).where(theirs, col(AddressRow.source) == AddressSource.RECORD)
        return {one.id: one for one in self._all(Address, AddressRow, statement)}

    def confirm(self, address_id: str) -> bool:
        """Note that a code that went there was entered; False where that is known, or it is gone.

        One statement, so that an address that staff set at the same time stays unconfirmed.
        """
        return bool(self._confirm(_CONFIRM_THIS, address_id))

    def confirm_again(self, address_id: str) -> None:
        this = select(AddressRow).where(col(AddressRow.id) == bindparam("address"))
        self._confirm(this.with_for_update(), address_id)

    def _confirm(self, found: Any, address_id: str) -> Any:
        this = {"address": address_id}
        return self._gateway.change_prepared(AddressRow, found, this, confirmed_at=self._now)

    # --- mail that came back ---

    def mark_bounced(self, address_id: str, status: str) -> bool:
        """Note the status of a mail that came back or is late; that one is late ends no failure."""
        old = col(AddressRow.bounce)
        worse = not_(old.startswith("5")) if status.startswith("4") else true()
        this = update(AddressRow).where(_TABLE.c.id == address_id, worse)
        return bool(self._gateway.run(this.values(bounced_at=self._now, bounce=status)))

    def clear_bounced(self, address_ids: Collection[str]) -> None:
        """Note that mail arrives there again."""
        these = update(AddressRow).where(_TABLE.c.id.in_(list(address_ids)))
        self._gateway.write(these.values(bounced_at=None, bounce=""))

    def count_failing(self) -> int:
        failing = col(AddressRow.bounced_at).is_not(None), col(AddressRow.bounce).startswith("5")
        return self._gateway.count(
            select(func.count(col(AddressRow.holder_id).distinct())).where(*failing)
        )

    def drop_registered(self, holder_id: str, *, but: str = "") -> None:
        """Delete those that a registration gave, but one of them, and not one that waits."""
        of_registration = _TABLE.c.source == AddressSource.HOLDER, _TABLE.c.replaces == ""
        others = _TABLE.c.holder_id == holder_id, _TABLE.c.id != but
        self._gateway.write(delete(AddressRow).where(*others, *of_registration))

    def outside(self, domains: Iterable[str]) -> int:
        """Return how many of records are outside ``domains`` and the domains below them."""
        address = func.lower(col(AddressRow.value))
        inside = [address.like(f"%{sign}{domain}") for domain in domains for sign in "@."]
        recorded = col(AddressRow.source) == AddressSource.RECORD
        outside = select(func.count()).where(recorded, not_(or_(false(), *inside)))
        return self._gateway.count(outside.select_from(AddressRow))

    def missing(self) -> tuple[str, ...]:
        """Return the ids that an unaltered record or registration names, and no row has."""
        gone = [one for kind in (CardholderRow, RegistrationRow) for one in self._gone(kind)]
        return (*gone, *self._further_gone())

    def _further_gone(self) -> list[str]:
        has_some = col(RegistrationRow.further) != ()
        try:
            rows = self._gateway.unchecked(select(RegistrationRow).where(has_some), RegistrationRow)
        except ValueUnreadable:
            return []  # as below
        named = [(row, each) for row in rows for each in row.further]
        ids = [each for _, each in named]
        found = select(col(AddressRow.id)).where(col(AddressRow.id).in_(ids))
        there = {each for (each,) in self._gateway.tuples(found)} if ids else set()
        return [each for row, each in named if each not in there and self._gateway.fits(row)]

    def _gone(self, kind: type[CardholderRow] | type[RegistrationRow]) -> list[str]:
        named = col(kind.address_id)
        there = select(literal(1)).select_from(AddressRow).where(col(AddressRow.id) == named)
        try:
            rows = self._gateway.unchecked(
                select(kind).where(named.is_not(None), ~there.exists()), kind
            )
        except ValueUnreadable:
            return []  # the check of all rows names such a row
        return [row.address_id for row in rows if row.address_id and self._gateway.fits(row)]

    def is_mailbox_shared(self, address: Address) -> bool:
        """Return whether somebody else's record has the same address, in any case of letters."""
        same = func.lower(col(AddressRow.value)) == address.value.lower()
        recorded = col(AddressRow.source) == AddressSource.RECORD
        others = col(AddressRow.holder_id) != address.holder_id
        found = select(col(AddressRow.id)).where(same, recorded, others)
        return self._gateway.scalar(found.limit(1)) is not None

    # --- that wait ---

    def waiting(self, holder_id: str) -> Address | None:
        """Return the one that is neither in force nor stopped."""
        theirs = select(AddressRow).where(col(AddressRow.holder_id) == holder_id, _WAITS)
        return self._one(Address, AddressRow, theirs, holder_id=holder_id)

    def every_waiting(self, but: Collection[str] = ()) -> tuple[Address, ...]:
        waiting = select(AddressRow).where(_WAITS, col(AddressRow.id).not_in(but))
        return self._all(Address, AddressRow, waiting)

    def further_waiting(self, holder_id: str) -> tuple[Address, ...]:
        """Return the further ones of a holder whose cooling-off is not over."""
        theirs = col(AddressRow.holder_id) == holder_id, col(AddressRow.effective_from) > self._now
        is_further = col(AddressRow.source) == AddressSource.FURTHER
        return self._all(Address, AddressRow, select(AddressRow).where(*theirs, is_further))

    def holders_with_further_waiting(self, but: Collection[str] = ()) -> tuple[str, ...]:
        """Return who has one whose cooling-off is not over, but those with one of ``but``."""
        is_further = col(AddressRow.source) == AddressSource.FURTHER
        waits = is_further, col(AddressRow.effective_from) > self._now
        altered = select(col(AddressRow.holder_id)).where(col(AddressRow.id).in_(but))
        statement = select(col(AddressRow.holder_id)).where(
            *waits, col(AddressRow.holder_id).not_in(altered)
        )
        return tuple(sorted({holder for (holder,) in self._gateway.tuples(statement)}))

    def holders_with_due(self) -> tuple[str, ...]:
        """Return whose waiting addresses are due, oldest first; their rows may be altered."""
        is_due = col(AddressRow.effective_from) <= self._now
        statement = select(col(AddressRow.holder_id)).where(_WAITS, is_due)
        order = col(AddressRow.effective_from), col(AddressRow.id)
        return tuple(holder for (holder,) in self._gateway.tuples(statement.order_by(*order)))

    def take_due(self, holder_id: str) -> Address | None:
        """End the waiting of the one that is due; None where it was stopped or replaced.

        Returns it as it waited; it is in force from now on, or has to be deleted.
        """
        is_theirs = col(AddressRow.holder_id) == holder_id
        due = is_theirs, _WAITS, col(AddressRow.effective_from) <= self._now
        over = {"replaces": "", "effective_from": self._now}
        ended = self._gateway.change(AddressRow, *due, **over)
        return ended[0].record(Address) if ended else None

    def delete(self, address_id: str) -> None:
        self._gateway.write(delete(AddressRow).where(_TABLE.c.id == address_id))

    def stop(self, holder_id: str) -> bool:
        """Delete the one that waits; return False where none does."""
        waits = _TABLE.c.holder_id == holder_id, _TABLE.c.replaces != ""
        return bool(self._gateway.run(delete(AddressRow).where(*waits)))
