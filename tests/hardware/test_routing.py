"""The drivers on PC/SC are asked first, and the module only for cards that they do not know."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardware.card_access import PcscCards
from hardware.driver import RoutedCards, load_driver
from hardware.pkcs11.cards import NAME, Module, Pkcs11Cards, Style
from hardware.virtual.piv import CardProfile, VirtualCard, new_card
from kiosk.contract.errors import CardUnknown, PinBlocked, PinWrong
from kiosk.contract.messages import PinState
from kiosk.contract.ports import CardAddress, Cards
from kiosk.contract.sensitive import Sensitive
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

OPENSC = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
CONF = """
app opensc-pkcs11 {
    pkcs11 {
        user_pin_unblock_style = set_pin_in_unlogged_session;
    }
}
"""
PIN, NEW, PUK, WRONG = (Sensitive(text) for text in ("482915", "60514273", "73918264", "11111111"))
NOTHING_ON_PCSC = PcscCards([])


def through_opensc(first: Cards, directory: Path) -> RoutedCards:
    """A station that knows OpenSC's module, in the style that its settings ask for."""
    conf = directory / "opensc.conf"
    conf.write_text(CONF)
    environ = {**os.environ, "OPENSC_CONF": str(conf)}
    module = Pkcs11Cards(Module(OPENSC), Style.SET_PIN_WITH_PUK, environ)
    return RoutedCards(first, module, NAME)


def instructions(card: VirtualCard) -> list[int]:
    return [command.ins for command in card.received if command.ins in (0x20, 0x24, 0x2C)]


def test_a_card_lives_through_it_all_in_a_module_of_others(insert: Insert, tmp_path: Path) -> None:
    card = new_card(holder_name="Ada Example", pin=PIN.reveal(), puk=PUK.reveal())
    cards = through_opensc(NOTHING_ON_PCSC, tmp_path)
    seat = insert(card)
    report = cards.read(seat.reader)
    assert report.card.driver == NAME
    assert card.state.guid.hex().endswith(report.card.identifier)
    assert not report.pin.blocked
    assert report.secret_kind == Style.SET_PIN_WITH_PUK
    at = CardAddress(seat.reader, report.card)
    cards.verify_pin(at, PIN)
    with pytest.raises(PinWrong):
        cards.verify_pin(at, WRONG)
    cards.change_pin(at, PIN, NEW)
    cards.verify_pin(at, NEW)


def test_a_blocked_card_is_unblocked_by_a_module_of_others(insert: Insert, tmp_path: Path) -> None:
    card = new_card(holder_name="Ada Example", pin=PIN.reveal(), puk=PUK.reveal(), blocked=True)
    cards = through_opensc(NOTHING_ON_PCSC, tmp_path)
    seat = insert(card)
    report = cards.read(seat.reader)
    assert report.pin == PinState(blocked=True, tries_left=0)
    at = CardAddress(seat.reader, report.card)
    with pytest.raises(PinBlocked):
        cards.verify_pin(at, PIN)
    with pytest.raises(PinWrong):
        unblock_through(cards, at, WRONG)
    assert card.state.puk.left == 2
    unblock_through(cards, at, PUK)
    cards.verify_pin(at, NEW)
    assert card.state.puk.left == 3


def unblock_through(cards: Cards, at: CardAddress, secret: Sensitive) -> None:
    cards.hold(at, lambda held: held.unblock(secret, NEW))


def test_a_card_that_a_driver_knows_never_meets_the_module(insert: Insert) -> None:
    card = new_card(holder_name="Ada Example", pin=PIN.reveal(), puk=PUK.reveal())
    nowhere = Pkcs11Cards(Module("/nowhere.so"), Style.INIT_PIN, {})
    cards = RoutedCards(PcscCards([load_driver("piv", "puk")]), nowhere, NAME)
    seat = insert(card)
    at = CardAddress(seat.reader, cards.read(seat.reader).card)
    cards.verify_pin(at, PIN)
    cards.change_pin(at, PIN, NEW)
    unblock_through(cards, at, PUK)
    assert instructions(card).count(0x2C) == 1


def test_a_card_that_nobody_knows_is_unknown(insert: Insert, tmp_path: Path) -> None:
    strange = new_card(
        holder_name="Ada Example", profile=CardProfile(full_aid=False, short_aid=False)
    )
    cards = through_opensc(PcscCards([load_driver("piv", "puk")]), tmp_path)
    with pytest.raises(CardUnknown):
        cards.read(insert(strange).reader)
    assert instructions(strange) == []
