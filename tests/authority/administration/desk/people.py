"""People for the desks' tests, as the store has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.administration.office import StaffDependencies, seen_of
from kiosk.authority.administration.views import Seen
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import AuditEvent, AuditQuery, Card, OutboxMessage
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from tests.authority.store import samples

PUK = "73918264"


def somebody(means: StaffDependencies, number: str = "100000000001") -> samples.Person:
    """Store a registered person whose card has an unblock secret that opens."""
    person = samples.registered_person(means.store, number)
    label = SealLabel(person.card_id, SealKind.UNBLOCK, 1)
    card = replace(person.card, sealed_secret=means.sealer.seal(Sensitive(PUK), label))
    with means.store.begin() as uow:
        uow.cards.put([card])
        uow.commit()
    return replace(person, card=card)


def seen(means: StaffDependencies, person: samples.Person) -> Seen:
    """The person as a screen shows them now."""
    with means.store.read() as uow:
        holder = uow.holders.get(person.holder.id)
        assert holder is not None
        return seen_of(uow, holder)


def cards_of(means: StaffDependencies, person: samples.Person) -> list[Card]:
    """Their cards, the first one first."""
    with means.store.read() as uow:
        cards = uow.cards.of_holder(person.holder.id)
    return sorted(cards, key=lambda card: card.id != person.card.id)


def secret_of(means: StaffDependencies, card: Card) -> str:
    """Open the secret of a card."""
    sealed = card.sealed_secret
    assert sealed is not None
    named = CardId(card.driver, card.identifier)
    return means.sealer.open(sealed, SealLabel(named, SealKind.UNBLOCK, sealed.revision)).reveal()


def newest(means: StaffDependencies, person: samples.Person) -> AuditEvent:
    """What the audit holds of them last."""
    with means.store.read() as uow:
        return uow.trail.newest(AuditQuery(holder_id=person.holder.id))[0]


def told(means: StaffDependencies) -> list[OutboxMessage]:
    """Take the notices that wait to be mailed."""
    with means.store.begin() as uow:
        return list(uow.outbox.claim_due(100, timedelta(hours=1)))
