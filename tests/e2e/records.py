"""What an estate's database has recorded, read beside the programs that write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kiosk.app.composition.opening import open_keys, open_store
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.records import AuditEvent, AuditQuery, Registration, Station
from kiosk.authority.unblock.stored_secrets import open_current
from kiosk.contract.messages import CardId
from kiosk.contract.ports import SystemClock
from kiosk.contract.sensitive import Sensitive
from tests.e2e.people import Person
from tests.e2e.world import World


def registration(world: World, whose: Person) -> Registration:
    """Return a person's registration; they have one."""
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            known = uow.cards.find(CardId("piv", whose.card.state.guid.hex()))
            assert known is not None
            found = uow.registrations.of_holder(known.holder.id)
    finally:
        store.close()
    assert found is not None
    return found


def unblock_secret(world: World, card: CardId) -> Sensitive:
    """Return the unblock secret that is stored for a card, opened."""
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            known = uow.cards.find(card)
    finally:
        store.close()
    assert known is not None
    assert known.card.sealed_secret is not None
    sealer = Sealer(open_keys(world.settings, world.environ))
    return open_current(sealer, known.card, known.card.sealed_secret)


def station(world: World, name: str) -> Station:
    """Return what a station said of itself; it has been heard of."""
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            found = uow.stations.get(name)
    finally:
        store.close()
    assert found is not None
    return found


def events(world: World, kind: str) -> list[AuditEvent]:
    """Return what the audit says of one kind of event today, the latest first.

    Whom ``world`` registered by itself registered yesterday.
    """
    today = datetime.now(UTC) - timedelta(hours=12)
    store = open_store(world.settings, SystemClock(), {})
    try:
        with store.read() as uow:
            latest = uow.trail.newest(AuditQuery(), limit=10_000)
    finally:
        store.close()
    return [one for one in latest if one.kind == kind and one.at > today]
