"""What the strip needs of the demo: cards to push in, and mail to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DemoCard:
    """One card on the table; ``hint`` is what its holder knows."""

    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class DemoMail:
    """One message that arrived; in the demo there is nothing to hide in it."""

    to: str
    subject: str
    text: str


class Bench(Protocol):
    """The demo's table; calls come from the screen's loop and return at once."""

    @property
    def cards(self) -> tuple[DemoCard, ...]:
        """The cards, in the order of their keys."""

    @property
    def inserted(self) -> int | None:
        """Which card is in, by its place in ``cards``."""

    def insert(self, index: int) -> None:
        """Push a card in, in place of the one that is in."""

    def remove(self) -> None:
        """Take the card out."""

    def mail(self) -> tuple[DemoMail, ...]:
        """What has arrived, oldest first."""
