"""The drivers there are, and which of them knows the card that answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hardware.apdu import Channel
from hardware.driver import CardSession, Driver
from kiosk.dialogue import CardId
from kiosk.errors import CardSwapped, CardUnknown


class Registry:
    """Asks its drivers in the order given."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._drivers = tuple(drivers)

    def recognise(self, channel: Channel) -> tuple[str, CardSession]:
        """Return the first driver's name that knows the card, and a session with it.

        An application that was never personalised does not hide the next one. Raises
        ``CardUnknown`` when no driver knows the card, with the first reason there is.
        """
        reasons: list[CardUnknown] = []
        for driver in self._drivers:
            session = driver.open(channel)
            try:
                if session is not None and session.identifier():
                    return driver.name, session
            except CardUnknown as unknown:
                reasons.append(unknown)
        raise next(iter(reasons), CardUnknown("no driver knows this card"))

    def every(self, channel: Channel) -> tuple[CardId, ...]:
        """Return all applications of the card that a driver knows, in their order."""
        found = []
        for driver in self._drivers:
            session = driver.open(channel)
            with suppress(CardUnknown):
                if session is not None and (identifier := session.identifier()):
                    found.append(CardId(driver.name, identifier))
        return tuple(found)

    def meet(self, channel: Channel, card: CardId) -> CardSession:
        """Return a session with ``card`` and no other; its identifier is read again.

        Raises ``CardSwapped`` when another card answers, be it of the same family.
        """
        for driver in self._drivers:
            if driver.name == card.driver:
                return _same(driver.open(channel), card)
        raise CardUnknown(f"there is no driver {card.driver!r}")


def _same(session: CardSession | None, card: CardId) -> CardSession:
    if session is None or session.identifier() != card.identifier:
        raise CardSwapped("another card is in the reader")
    return session
