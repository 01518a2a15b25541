"""A GIDS card in a reader, and a test that knows its admin key, as the authority does."""

from __future__ import annotations

from dataclasses import dataclass

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.virtual.link import Chip
from kiosk.contract.messages import CardId, KeyChallenge
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.support import gids_card
from tests.support.gids_card import ADMIN_KEY, GidsCard
from tests.support.pcsc import Insert

HOST = bytes(range(16))


@dataclass(frozen=True)
class Seated:
    """A card in a reader, and who acts on it."""

    card: GidsCard
    at: CardAddress
    cards: PcscCards

    def unblock(self, new: Sensitive, key: bytes = ADMIN_KEY) -> bool:
        """Reset the PIN as a station does; say whether the card proved that it has ``key``."""
        return self.cards.hold(self.at, lambda held: reset(held, new, key))


def reset(held: CardHold, new: Sensitive, key: bytes) -> bool:
    nonce = held.begin_mutual_authentication(KeyChallenge(HOST)).nonce
    answer = held.complete_mutual_authentication(gids_card.make(key, nonce, HOST))
    if not gids_card.fits(key, answer.cryptogram, HOST, nonce):
        return False
    held.reset_pin(new)
    return True


def seat(insert: Insert, card: GidsCard, chip: Chip | None = None) -> Seated:
    at = CardAddress(insert(chip or card).reader, CardId("gids", card.state.card_id.hex()))
    return Seated(card, at, PcscCards([load_driver("gids", "admin-key")]))
