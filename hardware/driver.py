"""What a driver is: it recognises one family of cards, and opens a session with a card of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hardware.apdu import Channel
from kiosk.dialogue import (
    CardChallenge,
    CardProof,
    KeyAnswer,
    KeyChallenge,
    KeyKind,
    KeyNonce,
    PinChallenge,
    PinEntry,
    PinState,
)
from kiosk.errors import NotAllowed
from kiosk.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class PinKey:
    """A key that a card uses only after VERIFY; ``public_key`` is a SubjectPublicKeyInfo in DER.

    ``reference`` is the card's own name for it, where its family has several to choose from.
    """

    kind: KeyKind
    public_key: bytes = field(repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    reference: int = 0


class CardSession(Protocol):
    """A card whose application is selected. Calls raise ``CardError`` and its kind.

    From ``verify_pin`` on, but for ``sign_with_pin_key``, ``prepare_unblock`` and
    ``meet_key``, each sends one command that changes the card, as its last, and sends it once.
    """

    def identifier(self) -> str:
        """Return the card's stable identifier in lower-case hex."""

    def pin_state(self) -> PinState:
        """Return whether the PIN is blocked; no try is spent."""

    def expires_at(self) -> datetime | None:
        """Return when the card expires, or None where it does not say so."""

    def certificate(self) -> bytes | None:
        """Return the certificate of the key for ``prove``, or None where the card shows none."""

    def secret_tries(self) -> int | None:
        """Return how many wrong unblock secrets the card still takes; None where it does not say.

        No try is spent.
        """

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """Let the card sign; None where it has no such key. No PIN is needed, no try is spent."""

    def takes_pad(self) -> bool:
        """Return whether a reader's own keys could put in this card's PINs; no try is spent."""

    def changes_on_pad(self) -> bool:
        """Return whether they could change it, too, without a slip that nobody would notice."""

    def pin_key(self) -> PinKey | None:
        """Return the key for ``sign_with_pin_key``; None where there is none, or of no known kind.

        No try is spent. It is read before VERIFY, so that nothing comes between VERIFY and
        the signature.
        """

    def verify_pin(self, pin: PinEntry) -> None:
        """Let the card verify ``pin``."""

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """Let the card sign, directly after ``verify_pin``; None where it does not."""

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN; raise ``PadRefused`` where no reader's keys could do so safely."""

    def prepare_unblock(self) -> None:
        """Read what ``unblock`` has to know of the card; nothing is changed."""

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Reset the PIN with the unblock secret."""

    def meet_key(self, challenge: KeyChallenge) -> KeyNonce:
        """Begin to authenticate each other by the admin key; no try is spent."""

    def prove_key(self, cryptogram: bytes) -> KeyAnswer:
        """Give the card what the admin key made, and return what it made in its turn."""

    def reset_pin(self, new: PinEntry) -> None:
        """Reset the PIN, once both have authenticated each other."""

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """Put another unblock secret in place of ``current``."""


class NoAdminKey:
    """What a session says whose family has no admin key: nothing is sent."""

    def meet_key(self, challenge: KeyChallenge) -> KeyNonce:
        """Raise ``NotAllowed``."""
        raise NotAllowed("cards of this family have no admin key")

    def prove_key(self, cryptogram: bytes) -> KeyAnswer:
        """Raise ``NotAllowed``."""
        raise NotAllowed("cards of this family have no admin key")

    def reset_pin(self, new: PinEntry) -> None:
        """Raise ``NotAllowed``."""
        raise NotAllowed("cards of this family have no admin key")


class Driver(Protocol):
    """One family of cards."""

    @property
    def name(self) -> str:
        """Name the family; it becomes part of ``CardId`` and must never change."""

    def open(self, channel: Channel) -> CardSession | None:
        """Select the application; return None where the card does not have it."""
