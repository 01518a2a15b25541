"""Which way to a card: the drivers on PC/SC first, then the module of its maker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kiosk.dialogue import CardReport, PinChallenge, PinEntry, PinProof
from kiosk.errors import CardUnknown
from kiosk.ports import CardAddress, CardHold, Cards

T = TypeVar("T")


class RoutedCards:
    """Implements ``kiosk.ports.Cards`` over two of them; ``family`` is what ``second`` serves.

    The card is never held by both: whichever is asked first has let go before the other
    begins.
    """

    def __init__(self, first: Cards, second: Cards, family: str) -> None:
        self._first = first
        self._second = second
        self._family = family

    def read(self, reader: str) -> CardReport:
        """Ask the second only where the first does not know the card.

        Where neither does, the one that knows its family says why.
        """
        try:
            return self._first.read(reader)
        except CardUnknown as unknown:
            try:
                return self._second.read(reader)
            except CardUnknown as either:
                raise (unknown if unknown.family else either) from None

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """Let the card verify ``pin``, and sign ``challenge``."""
        return self._way_to(at).verify_pin(at, pin, challenge)

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN."""
        self._way_to(at).change_pin(at, current, new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Hold the card while ``use`` works with it."""
        return self._way_to(at).hold(at, use)

    def _way_to(self, at: CardAddress) -> Cards:
        return self._second if at.card.driver == self._family else self._first
