"""Acts with PINs that are entered on a reader's own keys."""

from __future__ import annotations

from collections.abc import Callable

from hardware.card_access import PcscCards
from kiosk.contract.messages import OnPad
from kiosk.contract.ports import CardAddress
from tests.hardware.failing import PUK, FailingCard

PIN, NEW, WRONG = "482915", "60514273", "11111111"
ON_PAD = OnPad()

Act = Callable[[PcscCards, CardAddress], None]


def verify(cards: PcscCards, at: CardAddress) -> None:
    cards.verify_pin(at, ON_PAD)


def change(cards: PcscCards, at: CardAddress) -> None:
    cards.change_pin(at, ON_PAD, ON_PAD)


def unblock(cards: PcscCards, at: CardAddress) -> None:
    cards.hold(at, lambda card: card.unblock(PUK, ON_PAD))


ACTS: dict[str, Act] = {"verify": verify, "change": change, "unblock": unblock}


def assert_nothing_sent(card: FailingCard) -> None:
    """Nothing but questions reached the card."""
    assert {apdu[1] for apdu in card.apdus if len(apdu) > 5} <= {0xA4, 0xCB}
    assert card.card.state.pin.left == 3
