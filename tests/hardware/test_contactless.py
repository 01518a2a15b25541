"""A card that is held against a reader: told from one that forbids the same by its contacts."""

from __future__ import annotations

import pytest

from hardware.doctor import examine_reader
from hardware.virtual.piv import CardProfile
from kiosk.contract.errors import ContactNeeded, NotAllowed
from kiosk.contract.messages import Heartbeat, Reason
from kiosk.contract.ports import CardHold
from kiosk.station.commands import OpenVisit
from kiosk.station.events import GaveUp
from kiosk.station.executor import Actions
from tests.hardware.failing import CHANGES, VERIFY, address, answers, cards_with, chip
from tests.station.fakes import FakeAuthority
from tests.station.samples import ID
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

OVER_THE_AIR = CardProfile(contactless=True)


def test_over_the_air_contacts_are_asked_for_and_no_try_is_spent(insert: Insert) -> None:
    held = chip(OVER_THE_AIR)
    seat, cards = insert(held), cards_with()
    with pytest.raises(ContactNeeded):
        cards.read(seat.reader)
    for operation in CHANGES.values():
        with pytest.raises(ContactNeeded):
            operation(cards, address(seat, held))
    assert (held.card.state.pin.left, held.card.state.puk.left) == (3, 3)


def test_the_same_answer_by_contacts_asks_for_none(insert: Insert) -> None:
    wired = chip()
    seat, cards = insert(wired), cards_with()
    wired.fail(dict.fromkeys(CHANGES, answers("6982")))
    for operation in CHANGES.values():
        with pytest.raises(NotAllowed) as refused:
            operation(cards, address(seat, wired))
        assert type(refused.value) is NotAllowed
    with pytest.raises(NotAllowed) as refused:
        cards.read(seat.reader)
    assert type(refused.value) is NotAllowed


def test_what_the_card_was_not_asked_has_nothing_to_do_with_the_air(insert: Insert) -> None:
    held = chip(OVER_THE_AIR)
    seat = insert(held)

    def forbid(_: CardHold) -> None:
        raise NotAllowed("a driver's own rule")

    with pytest.raises(NotAllowed) as refused:
        cards_with().hold(address(seat, held), forbid)
    assert type(refused.value) is NotAllowed


def test_a_card_that_is_gone_does_not_want_contacts(insert: Insert) -> None:
    held = chip(OVER_THE_AIR)
    seat = insert(held)
    at = address(seat, held)

    def leave(card: CardHold) -> None:
        seat.remove()
        raise NotAllowed("the last that it said", 0x6982)

    with pytest.raises(NotAllowed) as refused:
        cards_with().hold(at, leave)
    assert type(refused.value) is NotAllowed


def test_the_station_asks_for_the_slot_and_writes_it_down(insert: Insert) -> None:
    authority = FakeAuthority()
    actions = Actions(authority, cards_with(), Heartbeat())
    held = chip(OVER_THE_AIR)
    event = actions.perform(OpenVisit(ID, insert(held).reader))
    assert isinstance(event, GaveUp)
    assert event.reason is Reason.INSERT_CARD
    assert authority.refused == ["insert-card"]
    assert held.count(VERIFY) == 0, "the state was asked for, and no PIN was sent"


def test_the_doctor_names_what_it_wants(insert: Insert) -> None:
    cards = cards_with()
    found = examine_reader(cards, insert(chip(OVER_THE_AIR)).reader, cards.applications)
    assert isinstance(found.error, ContactNeeded)
    assert "wants a reader with contacts" in str(found.error)
