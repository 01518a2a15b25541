"""A card as the test sees it: past everything that the product may do with it."""

from __future__ import annotations

from typing import Any, Protocol

from tests.cuts.chips import Chip

FIRST_PIN, NEW_PIN, LATER_PIN = "482915", "736251", "518402"
"""What a card is issued with, what the station that is cut sets, and what the next one sets."""


class ReaderCard(Protocol):
    """One card of one family; it counts the wrong unblock secrets that it was given.

    ``wrong`` is all of them, ``in_a_row`` the most that came without a right one in between.
    ``reader`` is where the product finds it.
    """

    reader: str
    wrong: int
    in_a_row: int

    @property
    def identifier(self) -> str:
        """What the family's driver calls it."""

    @property
    def is_blocked(self) -> bool:
        """Whether its PIN is."""

    @property
    def is_full(self) -> bool:
        """Whether no try of its unblock secret is missing."""

    def block(self) -> None:
        """Spend every try of the PIN."""

    def has_pin(self, pin: str) -> bool:
        """Tell whether that is its PIN, at no cost."""

    def opens_with(self, secret: str) -> bool:
        """Tell whether that is its unblock secret, at no cost."""

    def save(self) -> Any:
        """Return what it remembers without power."""

    def restore(self, saved: Any) -> None:
        """Remember that, and count from nothing."""


class ChipReaderCard(ReaderCard, Chip, Protocol):
    """A card that speaks APDUs."""
