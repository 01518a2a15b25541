"""Which driver knows a card, and whether PC/SC or a PKCS#11 module serves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TypeVar

from hardware.apdu import Channel
from hardware.driver import CardSession, Driver
from kiosk.contract.errors import CardSwapped, CardUnknown
from kiosk.contract.messages import CardId, CardReport, PinChallenge, PinEntry, PinProof
from kiosk.contract.ports import CardAddress, CardHold, Cards

T = TypeVar("T")


def load_driver(family: str, secret: str) -> Driver:
    """Return the driver in ``hardware/drivers/<family>.py``; only what is served is imported.

    ``secret`` is the kind of unblock secret that is stored for cards of the family.
    """
    driver: Driver = import_module(f"hardware.drivers.{family}").build(secret)
    return driver


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

    def all_applications(self, channel: Channel) -> tuple[CardId, ...]:
        """Return all applications of the card that a driver knows, in their order."""
        found = []
        for driver in self._drivers:
            session = driver.open(channel)
            with suppress(CardUnknown):
                if session is not None and (identifier := session.identifier()):
                    found.append(CardId(driver.name, identifier))
        return tuple(found)

    def open_session(self, channel: Channel, card: CardId) -> CardSession:
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


class RoutedCards:
    """Implements ``Cards``: the drivers on PC/SC first, then the module of the card's maker.

    ``family`` is what ``second`` serves. The card is never held by both: the first releases
    it before the second begins.
    """

    def __init__(self, first: Cards, second: Cards, family: str) -> None:
        self._first = first
        self._second = second
        self._family = family

    def read(self, reader: str) -> CardReport:
        """Ask the second only where the first does not know the card.

        Where neither does, the error is from the one that knows its family.
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
        return self._cards_for(at).verify_pin(at, pin, challenge)

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self._cards_for(at).change_pin(at, current, new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Hold the card while ``use`` works with it."""
        return self._cards_for(at).hold(at, use)

    def _cards_for(self, at: CardAddress) -> Cards:
        return self._second if at.card.driver == self._family else self._first
