"""Drivers and their sessions, one family of cards each, and how their commands carry PINs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from secrets import token_bytes
from typing import Final, Protocol, TypeVar

from hardware.apdu import Channel, select
from hardware.pin_pad import LONGEST_ON_KEYS, PadEntry, PadOperation
from kiosk.contract import errors
from kiosk.contract.messages import (
    Attestation,
    CardId,
    CardReport,
    KeyAnswer,
    KeyChallenge,
    KeyKind,
    KeyNonce,
    OnPad,
    PinChallenge,
    PinEntry,
    PinFormat,
    PinProof,
    PinState,
)
from kiosk.contract.ports import CardAddress, CardCheck, CardHold, Cards
from kiosk.contract.sensitive import Sensitive

_CHALLENGE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PinKey:
    """A key that a card uses only after VERIFY; ``public_key`` is a SubjectPublicKeyInfo in DER.

    ``reference`` is the card's name for it, where the family has several.
    """

    kind: KeyKind
    public_key: bytes = field(repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    reference: int = 0


class CardSession(CardHold, Protocol):
    """A card whose application is selected. Calls raise only subclasses of ``CardError``.

    ``verify_pin``, ``change_pin`` and the methods of ``CardHold`` that change the card end with the
    command that they are named for; a family may need a VERIFY before that. No command that changes
    the card is sent twice.
    """

    def identifier(self) -> str:
        """Return the card's stable identifier in lower-case hex."""

    def pin_state(self) -> PinState:
        """Return whether the PIN is blocked; no try is spent.

        Raises ``GlobalPinInUse`` where its holder uses a PIN that the session does not serve.
        """

    def expires_at(self) -> datetime | None:
        """Return when the card expires, or None where it shows no date."""

    def certificate(self) -> bytes | None:
        """Return the certificate of the key for ``prove``, or None where the card shows none."""

    def secret_tries(self) -> int | None:
        """Return how many wrong unblock secrets the card still takes, or None; no try is spent."""

    def pin_format(self) -> PinFormat:
        """Return which PINs the card can hold, so that no try is spent on another; none is here."""

    def takes_pad(self) -> bool:
        """Return whether the reader's keys can fill in this card's PINs; no try is spent."""

    def changes_on_pad(self) -> bool:
        """Return whether they can change the PIN, without a slip that sets one nobody chose."""

    def pin_key(self) -> PinKey | None:
        """Return the key for ``sign_with_pin_key``; None where there is none, or of no known kind.

        No try is spent. It is read before VERIFY, so that nothing comes between VERIFY and
        the signature.
        """

    def attest_pin_key(self) -> Attestation | None:
        """Return how the card attests ``pin_key``; None where it cannot. No try is spent."""

    def verify_pin(self, pin: PinEntry) -> None:
        """Let the card verify ``pin``."""

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """Let the card sign directly after ``verify_pin``, or return None; nothing changes."""

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN; raise ``PadRefused`` where no reader's keys could do so safely."""


def trial_challenge() -> PinChallenge:
    """Return what a card signs to try itself out; nobody checks the signature."""
    return PinChallenge(token_bytes(_CHALLENGE_BYTES))


class TriedOut:
    """The part of a session that has its card sign with a new PIN; the same for each family."""

    def try_out(self: CardSession, pin: PinEntry) -> CardCheck:
        expires_at, key = self.expires_at(), self.pin_key()
        if isinstance(pin, OnPad):
            return CardCheck(None, expires_at)
        try:
            self.verify_pin(pin)
        except (errors.PinWrong, errors.PinBlocked):
            return CardCheck(False, expires_at)
        if key is None:
            return CardCheck(None, expires_at)
        signature = self.sign_with_pin_key(key, trial_challenge())
        return CardCheck(bool(signature), expires_at)


class NoAdminKey:
    """The part of a session whose family has no admin key: each call raises ``NotAllowed``."""

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        raise errors.NotAllowed("cards of this family have no admin key")

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        raise errors.NotAllowed("cards of this family have no admin key")

    def reset_pin(self, new: PinEntry) -> None:
        raise errors.NotAllowed("cards of this family have no admin key")


@dataclass(frozen=True, slots=True)
class Driver:
    """One family of cards; ``name`` becomes part of ``CardId`` and must never change.

    ``applications`` are the names to select by, in their order. ``secret_kind`` is the kind of
    unblock secret that its sessions present.
    """

    name: str
    applications: tuple[bytes, ...]
    session: Callable[[Channel], CardSession]
    secret_kind: str

    def open(self, channel: Channel) -> CardSession | None:
        """Select the application; any answer but 9000 means that the card does not have it."""
        for aid in self.applications:
            if channel.send(select(aid)).status.is_ok:
                return self.session(channel)
        return None


BLANK: Final = b"\xff"
"""The filler in a block of fixed size; all families with blocks use the same."""


@dataclass(frozen=True, slots=True)
class PinBody:
    """The body of a command that carries PINs; with ``pad`` the reader puts them in."""

    data: bytes = field(repr=False)
    pad: PadEntry | None = None


NOTHING: Final = PinBody(b"")


@dataclass(frozen=True, slots=True)
class PinEncoding:
    """How a family's commands carry PINs: ASCII, joined, in blocks of fixed size or without blocks.

    A PIN is typed at the station or entered on the reader's keys; then the body has a blank for it.
    ``known`` and ``chosen`` encode a typed PIN, and raise ``PinWrong`` and ``PinRefused`` where it
    cannot be right. The present PIN may be shorter than a new one. ``block`` is 0 where the length
    varies. Without ``keys`` no reader can fill it in.
    """

    known: Callable[[Sensitive], bytes]
    chosen: Callable[[Sensitive], bytes]
    shortest: int
    shortest_new: int
    longest: int
    block: int = 0
    keys: bool = True

    def current(self, pin: PinEntry) -> PinBody:
        """Return a body with the card's present PIN."""
        if isinstance(pin, OnPad):
            return PinBody(BLANK * self.block, self._asks(PadOperation.CURRENT, pin))
        return PinBody(self.known(pin))

    def both(self, current: PinEntry, new: PinEntry) -> PinBody:
        """Return a body with the old PIN and the new one; both come from the same place."""
        if isinstance(current, OnPad) and isinstance(new, OnPad):
            return PinBody(BLANK * 2 * self.block, self._asks_both(new))
        chosen = PinBody(self.chosen(typed(new)))
        return PinBody(self.known(typed(current)) + chosen.data)

    def new(self, pin: PinEntry, behind: PinBody = NOTHING) -> PinBody:
        """Return a body with a new PIN, after the secret ``behind``."""
        if isinstance(pin, OnPad):
            asks = self._asks(PadOperation.NEW, pin, len(behind.data))
            return PinBody(behind.data + BLANK * self.block, asks)
        return PinBody(behind.data + self.chosen(pin))

    def _asks_both(self, new: OnPad) -> PadEntry:
        """Raise where a slip would set a PIN that nobody chose, or the old PIN cannot be entered.

        A reader joins both PINs. Without blocks only the card knows where the old one ends, and one
        digit too many becomes the first digit of the new one. A reader also takes one length for
        both: an old PIN from before a stricter rule would not fit.
        """
        asks = self._asks(PadOperation.BOTH, new, self.block)
        if not self.block or (asks.shortest, asks.longest) != (self.shortest_new, self.longest):
            raise errors.PadRefused("no reader's keys can change the PIN of this card")
        return asks

    def _asks(self, asked: PadOperation, pin: OnPad, new_at: int = 0) -> PadEntry:
        known = asked is PadOperation.CURRENT
        shortest = max(pin.min_length, self.shortest if known else self.shortest_new)
        longest = min(pin.max_length, self.longest, LONGEST_ON_KEYS)
        if not self.keys or shortest > longest:
            raise errors.PadRefused("no reader can put in a PIN as this card wants it")
        return PadEntry(asked, shortest, longest, self.block, new_at)


def known_text(secret: Sensitive, shortest: int, longest: int) -> bytes:
    """Return a PIN or secret that the card has; one that cannot be right is never sent."""
    if not secret.reveal().isascii() or not shortest <= len(secret.reveal()) <= longest:
        raise errors.PinWrong(None)
    return secret.reveal().encode("ascii")


def new_digits(secret: Sensitive, shortest: int, longest: int) -> bytes:
    """Return a new PIN or secret: digits only, which every reader and every card accepts."""
    # The text is in no variable: a traceback could show it.
    is_digits = secret.reveal().isascii() and secret.reveal().isdigit()
    if not is_digits or not shortest <= len(secret.reveal()) <= longest:
        raise errors.PinRefused("format")
    return secret.reveal().encode("ascii")


def typed(entry: PinEntry) -> Sensitive:
    """Return the PIN that was typed; raise ``PadRefused`` where the reader's keys are meant."""
    if isinstance(entry, OnPad):
        raise errors.PadRefused("this PIN is not taken on a reader's keys")
    return entry


# Which driver recognises a card, and whether PC/SC or a PKCS#11 module serves it.

T = TypeVar("T")


def load_driver(family: str, secret: str) -> Driver:
    """Return the driver in ``hardware/drivers/<family>.py``; only the families served are imported.

    ``secret`` is the kind of unblock secret that is stored for cards of the family.
    """
    driver: Driver = import_module(f"hardware.drivers.{family}").build(secret)
    return driver


def recognise(drivers: Sequence[Driver], channel: Channel) -> tuple[Driver, CardSession]:
    """Return the first driver that recognises the card, and a session with it.

    An application that was never personalised does not hide the next one. Raises
    ``CardUnknown`` with the first driver's reason where no driver recognises the card.
    """
    reasons: list[errors.CardUnknown] = []
    for driver in drivers:
        session = driver.open(channel)
        try:
            if session is not None and session.identifier():
                return driver, session
        except errors.CardUnknown as unknown:
            reasons.append(unknown)
    raise next(iter(reasons), errors.CardUnknown("no driver knows this card"))


def all_applications(drivers: Sequence[Driver], channel: Channel) -> tuple[CardId, ...]:
    """Return all applications of the card that a driver recognises, in their order."""
    found = []
    for driver in drivers:
        session = driver.open(channel)
        with suppress(errors.CardUnknown):
            if session is not None and (identifier := session.identifier()):
                found.append(CardId(driver.name, identifier))
    return tuple(found)


def open_session(drivers: Sequence[Driver], channel: Channel, card: CardId) -> CardSession:
    """Return a session with ``card`` and no other; its identifier is read again.

    Raises ``CardSwapped`` when another card answers, also one of the same family.
    """
    for driver in drivers:
        if driver.name == card.driver:
            session = driver.open(channel)
            if session is None or session.identifier() != card.identifier:
                raise errors.CardSwapped("another card is in the reader")
            return session
    raise errors.CardUnknown(f"there is no driver {card.driver!r}")


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
        """Try the second only where the first does not recognise the card.

        Where neither does, raise the error of the one that recognised a family.
        """
        try:
            return self._first.read(reader)
        except errors.CardUnknown as unknown:
            try:
                return self._second.read(reader)
            except errors.CardUnknown as either:
                raise (unknown if unknown.family else either) from None

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        return self._cards_for(at).verify_pin(at, pin, challenge)

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self._cards_for(at).change_pin(at, current, new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        return self._cards_for(at).hold(at, use)

    def _cards_for(self, at: CardAddress) -> Cards:
        return self._second if at.card.driver == self._family else self._first
