"""A virtual card that counts: what those of PIV and of GIDS have in common."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod

from hardware.virtual.piv import Reference
from tests.cuts.chips import Chip
from tests.cuts.reader import READER

Saved = tuple[Reference, Reference]


class CountedReaderCard(ABC):
    """Looks into the card's memory for its PIN, and for what sets it again."""

    def __init__(self, card: Chip) -> None:
        self._chip = card
        self.reader = READER
        self.wrong = self.in_a_row = 0

    @property
    @abstractmethod
    def _pin(self) -> Reference:
        """The PIN with its counter."""

    @property
    @abstractmethod
    def _secret(self) -> Reference:
        """The unblock secret with its counter."""

    @property
    def is_blocked(self) -> bool:
        """By its counter."""
        return self._pin.blocked

    @property
    def is_full(self) -> bool:
        """By its counter."""
        return self._secret.left == self._secret.limit

    def block(self) -> None:
        """Set the counter to nothing."""
        self._pin.left = 0

    def save(self) -> Saved:
        """Copy what an unblock changes."""
        return copy.deepcopy((self._pin, self._secret))

    def restore(self, saved: Saved) -> None:
        """Write it as it was."""
        for own, was in zip((self._pin, self._secret), saved, strict=True):
            own.body, own.left, own.former = was.body, was.left, list(was.former)
        self.wrong = self.in_a_row = 0

    def reset(self) -> None:
        """Forget the session."""
        self._chip.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer, and see whether a try of the secret went."""
        before = self._secret.left
        answer = self._chip.transmit(command)
        self.wrong += self._secret.left < before
        self.in_a_row = max(self.in_a_row, self._secret.limit - self._secret.left)
        return answer
