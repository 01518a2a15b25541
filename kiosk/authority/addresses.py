"""Where a holder is reached: which of their addresses is used for what.

The record of a person names one address, and a registration another, which may have the same value.
Each is a row with an id; a code, a visit and a page name an address by that id, its route. Another
value is another row, so that what was sent to an address counts for no other one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.authority.errors import RowAltered
from kiosk.authority.records import Address, AddressSource, Cardholder, Registration
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.language import Language


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one holder; ``waiting`` is not in force yet, and counts for nothing.

    ``language`` is that in which a registered holder is written to; None where it is unknown.
    """

    recorded: Address | None = None
    registered: Address | None = None
    waiting: Address | None = None
    language: Language | None = None

    @property
    def for_codes(self) -> Address | None:
        """Where codes go: the registered one, else the recorded one."""
        return self.registered or self.recorded

    @property
    def shown(self) -> str:
        """The address to show; empty where there is none."""
        return self.for_codes.value if self.for_codes else ""

    def value_of(self, route: str | None) -> str:
        """Return the address that an id names, where it is in force; else empty."""
        known = (self.recorded, self.registered)
        return next((one.value for one in known if one and one.id == route), "")

    @property
    def for_notices(self) -> tuple[str, ...]:
        """Every registered or recorded address, each once."""
        known = (self.recorded, self.registered)
        return tuple({one.value.lower(): one.value for one in known if one}.values())

    @property
    def recorded_apart(self) -> str:
        """The recorded address where it is not the registered one, to which codes go."""
        mine = self.recorded.value if self.recorded else ""
        other = self.registered.value if self.registered else ""
        return mine if mine.lower() != other.lower() else ""

    @property
    def unconfirmed(self) -> Address | None:
        """The registered one, where no code has confirmed it since staff set it."""
        one = self.registered
        return one if one is not None and one.confirmed_at is None else None


def language_of(registration: Registration | None) -> Language | None:
    return registration.language if registration else None


def named_addresses(
    holder: Cardholder, registration: Registration | None, rows: Iterable[Address]
) -> Addresses:
    """Return what holder and registration name of the holder's rows.

    Raises ``RowAltered`` where one is not there: nobody but a writer of the database deletes it, so
    that codes go elsewhere.
    """
    rows = tuple(rows)
    by_id = {one.id: one for one in rows if not one.replaces}

    def named(address_id: str | None, source: AddressSource) -> Address | None:
        if address_id is None:
            return None
        found = by_id.get(address_id)
        if found is None or found.source is not source or found.holder_id != holder.id:
            raise RowAltered("address", address_id)
        return found

    return Addresses(
        named(holder.address_id, AddressSource.RECORD),
        named(registration.address_id if registration else None, AddressSource.HOLDER),
        next((one for one in rows if one.replaces), None),
        language_of(registration),
    )


def shown_addresses(
    holder: Cardholder, registration: Registration | None, by_id: dict[str, Address]
) -> Addresses:
    """Return what lists show, for no decision; a row that is missing is left out."""
    registered = registration.address_id if registration else ""
    return Addresses(
        by_id.get(holder.address_id or ""),
        by_id.get(registered),
        language=language_of(registration),
    )


def read_addresses(uow: UnitOfWork, holder_id: str) -> Addresses:
    """Read the addresses as they are now; none where there is no such holder."""
    around = uow.addresses.around(holder_id)
    return named_addresses(*around) if around is not None else Addresses()
