"""A GIDS card that counts."""

from __future__ import annotations

import copy

from hardware.virtual.gids.making import new_gids_card
from hardware.virtual.gids.profile import GidsProfile
from hardware.virtual.state import Reference
from tests.cuts.plastic import FIRST_PIN
from tests.cuts.reader import READER

Saved = tuple[Reference, Reference]


class GidsPlastic:
    """A virtual GIDS card; what is counted of its admin key are wrong cryptograms."""

    def __init__(self, key: str, profile: GidsProfile, *, blocked: bool) -> None:
        self._card = new_gids_card(
            pin=FIRST_PIN, admin_key=bytes.fromhex(key), blocked=blocked, profile=profile
        )
        self.reader = READER
        self.wrong = self.in_a_row = 0

    @property
    def identifier(self) -> str:
        """The card identifier."""
        return self._card.state.card_id.hex()

    @property
    def is_blocked(self) -> bool:
        """By its counter."""
        return self._card.state.pin.blocked

    @property
    def is_full(self) -> bool:
        """By its counter."""
        return self._key.left == self._key.limit

    def block(self) -> None:
        """Set the counter to nothing."""
        self._card.state.pin.left = 0

    def has_pin(self, pin: str) -> bool:
        """Look into its memory."""
        return self._card.state.pin.body == pin.encode("ascii")

    def opens_with(self, secret: str) -> bool:
        """Look into its memory."""
        return self._key.body == bytes.fromhex(secret)

    def save(self) -> Saved:
        """Copy what an unblock changes."""
        return copy.deepcopy((self._card.state.pin, self._key))

    def restore(self, saved: Saved) -> None:
        """Put a copy in its place."""
        self._card.state.pin, self._card.state.key = copy.deepcopy(saved)
        self.wrong = self.in_a_row = 0

    def reset(self) -> None:
        """Forget the session."""
        self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer, and see whether a try of the admin key went."""
        before = self._key.left
        answer = self._card.transmit(command)
        self.wrong += self._key.left < before
        self.in_a_row = max(self.in_a_row, self._key.limit - self._key.left)
        return answer

    @property
    def _key(self) -> Reference:
        return self._card.state.key
