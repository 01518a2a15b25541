"""What the store and the outbox hold of somebody after an act, and states to begin with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.addresses import Addresses, read_addresses
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.records import (
    AuditQuery,
    Cardholder,
    OutboxMessage,
    PendingChange,
    Registration,
    Scalar,
    new_id,
)
from kiosk.contract.messages import Purpose
from tests.authority.store import samples
from tests.authority.store.samples import NOW, Person


def block(means: StaffDependencies, person: Person) -> None:
    use_up(means, person)
    with means.store.begin() as uow:
        assert uow.registrations.block(person.holder.id)
        uow.commit()


def use_up(means: StaffDependencies, person: Person) -> None:
    with means.store.begin() as uow:
        for attempt in ("a1", "a2", "a3"):
            assert uow.registrations.attempts(person.holder.id, 3).charge(attempt)
        uow.commit()


def gather(means: StaffDependencies, person: Person) -> str:
    """Let a change of address and a live code wait for the holder; return the code's id."""
    code = samples.code(person)
    change = PendingChange(new_id(), person.holder.id, person.card.id, Purpose.CHANGE_EMAIL, NOW)
    with means.store.begin() as uow:
        uow.pending.put(change)
        uow.codes.draft(code)
        assert uow.codes.activate(code.id, NOW, NOW + timedelta(minutes=15))
        uow.commit()
    return code.id


def is_revoked(means: StaffDependencies, code_id: str) -> bool:
    with means.store.read() as uow:
        code = uow.codes.get(code_id)
    assert code is not None
    return code.revoked_at is not None


def holder(means: StaffDependencies, person: Person) -> Cardholder:
    """Return them as they are, but for the count of what was done to them."""
    with means.store.read() as uow:
        found = uow.holders.get(person.holder.id)
    assert found is not None
    return replace(found, revision=0)


def known(means: StaffDependencies, person: Person) -> Addresses:
    with means.store.read() as uow:
        return read_addresses(uow, person.holder.id)


def registered(means: StaffDependencies, person: Person) -> Registration:
    with means.store.read() as uow:
        found = uow.registrations.of_holder(person.holder.id)
    assert found is not None
    return found


def audited(means: StaffDependencies, person: Person) -> tuple[str, str, dict[str, Scalar]]:
    """Return the newest row about them: kind, reference, and what its detail says of its own."""
    with means.store.read() as uow:
        event = uow.trail.newest(AuditQuery(holder_id=person.holder.id))[0]
        assert uow.audit.verify().intact
    always = {"key", "note", "note_sha256", "revision"}
    own = {name: value for name, value in event.detail.items() if name not in always}
    return event.kind, event.reference, own


def outbox(means: StaffDependencies) -> list[OutboxMessage]:
    with means.store.begin() as uow:
        return list(uow.outbox.claim_due(100, timedelta(0)))


def mailed(means: StaffDependencies) -> list[tuple[str, str, object]]:
    """Return whom a notice waits for, which one, and its reference, by template."""
    waiting = sorted(outbox(means), key=lambda one: one.template)
    return [(one.to, one.template, one.params["reference"]) for one in waiting]
