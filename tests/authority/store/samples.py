"""Sample records, each valid, for the tests to vary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kiosk.authority.records import (
    Address,
    AddressSource,
    Card,
    Cardholder,
    EmailCode,
    JointHash,
    Registration,
    SealedSecret,
    Visit,
    new_id,
)
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.messages import CardId, Purpose

EMAIL = "asha@trust.nhs.uk"
NOW = datetime(2030, 5, 17, 9, 30, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """A holder with one card and one visit, as stored."""

    holder: Cardholder
    card: Card
    visit: Visit

    @property
    def card_id(self) -> CardId:
        return CardId(self.card.driver, self.card.identifier)


def holder(number: str = "100000000001") -> Cardholder:
    return Cardholder(new_id(), number, "Asha Okafor")


def recorded_addresses(holder: Cardholder, email: str = EMAIL, at: datetime = NOW) -> list[Address]:
    """Return the address of a record, for ``Cardholders.put``."""
    return [Address(new_id(), holder.id, AddressSource.RECORD, email, at)]


def registered_address(holder_id: str, email: str = EMAIL, at: datetime = NOW) -> Address:
    """Return an address that a code has confirmed."""
    return Address(new_id(), holder_id, AddressSource.HOLDER, email, at, at)


def waiting_address(
    registration: Registration, email: str, effective_from: datetime, visit_id: str = ""
) -> Address:
    """Return one that comes in place of the registered one."""
    return replace(
        registered_address(registration.holder_id, email),
        effective_from=effective_from,
        replaces=registration.address_id,
        visit_id=visit_id or new_id(),
    )


def put_registered(uow: UnitOfWork, registration: Registration, address: Address) -> None:
    """Write a registration with its address, in place of an earlier one."""
    uow.addresses.add(address)
    uow.registrations.put(replace(registration, address_id=address.id))
    uow.addresses.drop_registered(registration.holder_id, but=address.id)


def card(holder_id: str, **changes: object) -> Card:
    sealed = SealedSecret(b"\x00sealed\xff", "key-1", 1)
    fields: dict[str, object] = {
        "id": new_id(),
        "holder_id": holder_id,
        "driver": "piv",
        "identifier": new_id(),
        "expires_at": NOW + timedelta(days=300),
        "sealed_secret": sealed,
        "secret_limit": 3,
    }
    return Card(**(fields | changes))  # type: ignore[arg-type]


def visit(card_id: str, holder_id: str) -> Visit:
    id_ = new_id()
    return Visit(id_, f"R{id_[:8]}", "station-1", NOW, card_id=card_id, holder_id=holder_id)


def registration(holder_id: str) -> Registration:
    hashes = (JointHash((1, 2, 3), "$argon2id$a", "p1"), JointHash((1, 2, 4), "$argon2id$b", "p1"))
    return Registration(
        holder_id=holder_id,
        address_id=new_id(),
        question_ids=(1, 2, 3, 4),
        hashes=hashes,
        registered_at=NOW,
    )


def code(person: Person, **changes: object) -> EmailCode:
    fields: dict[str, object] = {
        "id": new_id(),
        "card_id": person.card.id,
        "holder_id": person.holder.id,
        "purpose": Purpose.UNLOCK,
        "visit_id": person.visit.id,
        "digest": b"\x01" * 32,
        "key_id": "code-1",
        "route": new_id(),
        "drafted_at": NOW,
        "max_tries": 5,
        "digits": 8,
    }
    return EmailCode(**(fields | changes))  # type: ignore[arg-type]


def stored_person(store: Store, number: str = "100000000001") -> Person:
    """Store a holder, a card and an open visit."""
    someone = holder(number)
    addresses = recorded_addresses(someone)
    token = card(someone.id)
    station_visit = visit(token.id, someone.id)
    with store.begin() as uow:
        uow.holders.put([someone], addresses)
        uow.cards.put([token])
        uow.visits.add(station_visit)
        uow.commit()
    named = replace(someone, address_id=addresses[0].id)
    return Person(named, token, station_visit)


def registered_person(store: Store, number: str = "100000000001") -> Person:
    """Store the same, registered."""
    person = stored_person(store, number)
    with store.begin() as uow:
        kept = registration(person.holder.id)
        put_registered(uow, kept, registered_address(kept.holder_id))
        uow.commit()
    return person
