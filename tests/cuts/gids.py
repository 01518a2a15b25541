"""A GIDS card that counts."""

from __future__ import annotations

from hardware.virtual.piv import Reference
from tests.cuts.counting_card import CountedReaderCard
from tests.cuts.inspected_card import FIRST_PIN
from tests.support.gids_card import GidsProfile, new_gids_card


class GidsReaderCard(CountedReaderCard):
    """A virtual GIDS card; what is counted of its admin key are wrong cryptograms."""

    def __init__(self, key: str, profile: GidsProfile, *, blocked: bool) -> None:
        card = new_gids_card(
            pin=FIRST_PIN, admin_key=bytes.fromhex(key), blocked=blocked, profile=profile
        )
        super().__init__(card)
        self._state = card.state

    @property
    def identifier(self) -> str:
        """The card identifier."""
        return self._state.card_id.hex()

    @property
    def _pin(self) -> Reference:
        return self._state.pin

    @property
    def _secret(self) -> Reference:
        return self._state.key

    def has_pin(self, pin: str) -> bool:
        """Look into its memory."""
        return self._pin.body == pin.encode("ascii")

    def opens_with(self, secret: str) -> bool:
        """Look into its memory."""
        return self._secret.body == bytes.fromhex(secret)
