"""What a driver is: it recognises one family of cards, and opens a session with a card of it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hardware.apdu import Channel
from kiosk.dialogue import CardChallenge, CardProof, PinState
from kiosk.sensitive import Sensitive


class CardSession(Protocol):
    """A card whose application is selected. Calls raise ``CardError`` and its kind.

    Each of the last four sends one command that changes the card, as its last, and
    sends it once.
    """

    def identifier(self) -> str:
        """Return the card's stable identifier in lower-case hex."""

    def pin_state(self) -> PinState:
        """Return whether the PIN is blocked; no try is spent."""

    def expires_at(self) -> datetime | None:
        """Return when the card expires, or None where it does not say so."""

    def certificate(self) -> bytes | None:
        """Return the certificate of the key for ``prove``, or None where the card shows none."""

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """Let the card sign; None where it has no such key. No PIN is needed, no try is spent."""

    def verify_pin(self, pin: Sensitive) -> None:
        """Let the card verify ``pin``."""

    def change_pin(self, current: Sensitive, new: Sensitive) -> None:
        """Change the PIN."""

    def unblock(self, secret: Sensitive, new: Sensitive) -> None:
        """Reset the PIN with the unblock secret."""

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """Put another unblock secret in place of ``current``."""


class Driver(Protocol):
    """One family of cards."""

    @property
    def name(self) -> str:
        """Name the family; it becomes part of ``CardId`` and must never change."""

    def open(self, channel: Channel) -> CardSession | None:
        """Select the application; return None where the card does not have it."""
