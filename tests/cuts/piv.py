"""A PIV card that counts."""

from __future__ import annotations

import copy
from datetime import datetime

from hardware.virtual.making import new_card
from hardware.virtual.profile import CardProfile
from hardware.virtual.state import Reference, padded
from tests.authority.world import PUK
from tests.cuts.plastic import FIRST_PIN
from tests.cuts.reader import READER

Saved = tuple[Reference, Reference]

_WITHOUT_A_COUNT = bytes.fromhex("6300")


class PivPlastic:
    """A virtual PIV card; a silent one says "wrong" and not how many tries are left."""

    def __init__(
        self, expires: datetime, profile: CardProfile, *, silent: bool, blocked: bool
    ) -> None:
        self._card = new_card(
            holder_name="Asha Okafor", pin=FIRST_PIN, puk=PUK, expires=expires, profile=profile
        )
        self._silent = silent
        self.reader = READER
        self.wrong = self.in_a_row = 0
        if blocked:
            self.block()

    @property
    def identifier(self) -> str:
        """The GUID."""
        return self._card.state.guid.hex()

    @property
    def is_blocked(self) -> bool:
        """By its counter."""
        return self._card.state.pin.blocked

    @property
    def is_full(self) -> bool:
        """By its counter."""
        return self._puk.left == self._puk.limit

    def block(self) -> None:
        """Set the counter to nothing."""
        self._card.state.pin.left = 0

    def has_pin(self, pin: str) -> bool:
        """Look into its memory."""
        return self._card.state.pin.body == padded(pin)

    def opens_with(self, secret: str) -> bool:
        """Look into its memory."""
        return self._puk.body == padded(secret)

    def save(self) -> Saved:
        """Copy what an unblock changes."""
        return copy.deepcopy((self._card.state.pin, self._puk))

    def restore(self, saved: Saved) -> None:
        """Put a copy in its place."""
        self._card.state.pin, self._card.state.puk = copy.deepcopy(saved)
        self.wrong = self.in_a_row = 0

    def reset(self) -> None:
        """Forget the session."""
        self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer, and see whether a try of the PUK went."""
        before = self._puk.left
        answer = self._card.transmit(command)
        went = self._puk.left < before
        self.wrong += went
        self.in_a_row = max(self.in_a_row, self._puk.limit - self._puk.left)
        return _WITHOUT_A_COUNT if went and self._silent else answer

    @property
    def _puk(self) -> Reference:
        return self._card.state.puk
