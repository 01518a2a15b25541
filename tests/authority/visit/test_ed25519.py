"""Before: a genuine card whose Ed25519 key signs 32 bytes alone was turned away as forged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    CardProfile,
    new_card,
)
from kiosk.authority.records import Card, new_id
from kiosk.contract.messages import (
    CardReport,
    Finished,
    Heartbeat,
    KeyKind,
    Purpose,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress
from kiosk.station.commands import Choose, OpenVisit, VerifyPin
from kiosk.station.events import CardRead
from kiosk.station.executor import Actions
from tests.authority.headless_station import Desk
from tests.authority.world import PUK, World
from tests.hardware.failing import PIN, FailingCard, cards_with
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.fixture
def chip() -> FailingCard:
    """A card whose applet signs rightly only messages of 32 bytes, as one applet does."""
    profile = CardProfile(key=KeyKind.ED25519, ed25519_bytes=32)
    card = new_card(
        holder_name="Asha Okafor",
        pin=PIN.reveal(),
        puk=PUK,
        expires=datetime(2035, 1, 1, tzinfo=UTC),
        profile=profile,
    )
    return FailingCard(card)


@pytest.fixture
def card(world: World, chip: FailingCard) -> Card:
    return world.registered_card(
        identifier=chip.card.state.guid.hex(),
        auth_key=chip.card.public_key(SLOT_CARD_AUTHENTICATION),
        pin_key=chip.card.public_key(SLOT_PIV_AUTHENTICATION),
    )


def test_ed25519_key_that_signs_32_bytes_proves_the_card(
    world: World, card: Card, chip: FailingCard, insert: Insert
) -> None:
    chip.card.state.pin.left = 0
    desk = Desk(world)
    opened = desk.open(insert(chip).reader).reply
    assert isinstance(opened, VisitOpened), opened
    desk.pass_every_factor()
    assert desk.unblock(desk.at) == Finished(Purpose.UNLOCK)


def test_ed25519_key_that_signs_32_bytes_proves_the_pin(
    world: World, card: Card, chip: FailingCard, insert: Insert
) -> None:
    visit, reader = VisitId(new_id()), insert(chip).reader
    actions = Actions(world.authority, cards_with(), Heartbeat())
    read = actions.perform(OpenVisit(visit, reader))
    assert isinstance(read, CardRead), read
    assert isinstance(read.report, CardReport)
    actions.perform(Choose(visit, Purpose.CHANGE_EMAIL))
    actions.perform(VerifyPin(visit, CardAddress(reader, read.report.card), PIN))
    verified = next(event for event in world.events() if event.kind == "pin-verified")
    assert verified.detail == {"evidence": "proven", "because": "recorded key"}
