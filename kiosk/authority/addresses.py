"""Where a holder is reached: which of their addresses is used for what.

The record of a person names one address, and a registration another, which may have the same value.
A registration may name further ones: a code goes to the one that its holder chooses of these and
the registered one, notices go to all. A further one gets no code before its cooling-off is over, in
which it can be stopped.

Each is a row with an id; a code, a visit and a page name an address by that id, its route. Another
value is another row, so that what was sent to an address counts for no other one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
    further: tuple[Address, ...] = ()

    @property
    def for_codes(self) -> Address | None:
        """Where codes go: the registered one, else the recorded one."""
        return self.registered or self.recorded

    def knows_for_codes(self, value: str) -> bool:
        """Return whether codes go to that address, now or once its cooling-off is over."""
        known = (self.for_codes, *self.further)
        return value.lower() in {one.value.lower() for one in known if one is not None}

    def choices_for_codes(self, now: datetime) -> tuple[Address, ...]:
        """Where a code can go, as the holder chooses; the first one first, each value once.

        Who is not registered has no further one.
        """
        first = self.for_codes
        if first is None:
            return ()
        counts = (one for one in reversed(self.further) if one.effective_from <= now)
        by_value = {one.value.lower(): one for one in (*counts, first)}
        return tuple(reversed(by_value.values()))

    @property
    def shown(self) -> str:
        """The address to show; empty where there is none."""
        return self.for_codes.value if self.for_codes else ""

    def value_of(self, route: str | None) -> str:
        """Return the address that an id names, where it is in force; else empty."""
        return next((one.value for one in self._in_force if one.id == route), "")

    @property
    def for_notices(self) -> tuple[str, ...]:
        """Every recorded, registered or further address, each once."""
        return tuple({one.value.lower(): one.value for one in self._in_force}.values())

    @property
    def recorded_apart(self) -> str:
        """The recorded address where it is not the registered one, to which codes go."""
        mine = self.recorded.value if self.recorded else ""
        other = self.registered.value if self.registered else ""
        return mine if mine.lower() != other.lower() else ""

    @property
    def failing(self) -> tuple[tuple[str, str], ...]:
        """The addresses from which mail came back, each once, with its status."""
        failing = (one for one in self._in_force if one.is_failing)
        return tuple({one.value.lower(): (one.value, one.bounce) for one in failing}.values())

    def late(self, now: datetime) -> tuple[str, ...]:
        """Return the addresses to which mail was late, each once."""
        late = (one.value for one in self._in_force if one.is_late(now))
        return tuple({one.lower(): one for one in late}.values())

    @property
    def unconfirmed(self) -> Address | None:
        """The registered one, where no code has confirmed it since staff set it."""
        one = self.registered
        return one if one is not None and one.confirmed_at is None else None

    def is_unconfirmed(self, route: str) -> bool:
        """Return whether codes can go to that address, and no code has confirmed it yet."""
        by_id = {one.id: one for one in (self.registered, *self.further) if one is not None}
        return route in by_id and by_id[route].confirmed_at is None

    @property
    def _in_force(self) -> tuple[Address, ...]:
        known = (self.recorded, self.registered, *self.further)
        return tuple(one for one in known if one is not None)


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

    named_further = registration.further if registration else ()
    return Addresses(
        named(holder.address_id, AddressSource.RECORD),
        named(registration.address_id if registration else None, AddressSource.HOLDER),
        next((one for one in rows if one.replaces), None),
        language_of(registration),
        tuple(one for each in named_further if (one := named(each, AddressSource.FURTHER))),
    )


def shown_addresses(
    holder: Cardholder, registration: Registration | None, by_id: dict[str, Address]
) -> Addresses:
    """Return what lists show, for no decision; a row that is missing is left out."""
    registered = registration.address_id if registration else ""
    further = registration.further if registration else ()
    return Addresses(
        by_id.get(holder.address_id or ""),
        by_id.get(registered),
        language=language_of(registration),
        further=tuple(by_id[each] for each in further if each in by_id),
    )


def read_addresses(uow: UnitOfWork, holder_id: str) -> Addresses:
    """Read the addresses as they are now; none where there is no such holder."""
    around = uow.addresses.around(holder_id)
    return named_addresses(*around) if around is not None else Addresses()
