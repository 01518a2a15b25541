"""After the acts at a real reader nothing but the virtual card itself holds a PIN or a PUK."""

from __future__ import annotations

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.virtual.piv import new_card
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.support.pcsc import Insert
from tests.support.reachable import digits, fresh_pin, holders_of

pytestmark = pytest.mark.hardware

CARD = "hardware.virtual."


def entered(text: str) -> Sensitive:
    """Return a copy, as an entry on the keyboard is one."""
    return Sensitive(text[:3] + text[3:])


def test_no_pin_and_no_puk_is_kept_at_the_reader(insert: Insert) -> None:
    pin, new, third, puk = fresh_pin(), fresh_pin(), fresh_pin(), digits(8)
    seat = insert(new_card(holder_name="Ada Example", pin=pin, puk=puk))
    cards = PcscCards([load_driver("piv", "puk")])
    at = CardAddress(seat.reader, cards.read(seat.reader).card)
    cards.verify_pin(at, entered(pin))
    cards.change_pin(at, entered(pin), entered(new))
    cards.hold(at, lambda card: card.unblock(entered(puk), entered(third)))
    seat.remove()
    found = holders_of(pin, new, third, puk)
    for number in range(4):
        holders = found[number]
        assert any(name.startswith(CARD) for name in holders)  # it was sent to the card
        assert [name for name in holders if not name.startswith(CARD)] == []
