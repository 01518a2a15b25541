"""OpenPGP cards, after the OpenPGP card application 3.4.

Identity is the maker and the serial number in the application identifier (DO 4F). The PIN
is PW1. What sets it again is the resetting code or PW3, whichever the estate stored: the
card cannot tell which of the two a secret is, and guessing would spend tries.

A card cuts two passwords that are joined by the length of the one it holds. So where one of
them comes from a person it is verified first, and joined only once its length is proven.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property, partial
from typing import Final

from cryptography import x509

from hardware import public_keys
from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    GET_DATA_SIMPLE,
    LE_ALL,
    RESET_RETRY_COUNTER,
    VERIFY,
    Channel,
    Command,
    Header,
    StatusWord,
    select,
)
from hardware.driver import NoAdminKey, PinKey
from hardware.drivers import openpgp_keys, tlv
from hardware.drivers import openpgp_status as words
from hardware.drivers.openpgp_kdf import Derivation, read_derivation
from hardware.drivers.openpgp_status import PasswordStatus
from hardware.entry import PinBody, PinForm
from kiosk.dialogue import CardChallenge, PinChallenge, PinEntry, PinState
from kiosk.errors import CardError, CardUnknown, NotAllowed, PinBlocked, PinRefused, PinWrong
from kiosk.sensitive import Sensitive

APPLICATION: Final = bytes.fromhex("d27600012401")
"""The part of the application identifier that all cards share (4.2.1)."""

AID, RELATED, PASSWORD_STATUS, KDF, CERTIFICATE = 0x004F, 0x006E, 0x00C4, 0x00F9, 0x7F21
"""Data objects (4.4.1), all readable without a password.

Of the three certificates the first is of the authentication key (7.2.5).
"""

PW1, CODE, PW3 = range(3)
"""Where each password stands in the PW status bytes and among the salts."""

_SHORTEST: Final = (6, 8, 8)
_SIGNING, _OTHER, _ADMIN = 0x81, 0x82, 0x83
_BY_CODE, _BY_ADMIN = 0x00, 0x02


class Secret(StrEnum):
    """Which of the card's passwords is stored to set its PIN again."""

    RESETTING_CODE = "resetting-code"
    ADMIN_PIN = "admin-pin"


class OpenPgpDriver:
    """Recognises an OpenPGP card application; ``secret`` says what the estate stored."""

    name: Final = "openpgp"

    def __init__(self, secret: Secret = Secret.RESETTING_CODE) -> None:
        self._secret = secret

    def open(self, channel: Channel) -> OpenPgpSession | None:
        """Select by the shared part of the name (7.2.1); a terminated card answers 6285."""
        if not channel.send(select(APPLICATION)).status.is_ok:
            return None
        return OpenPgpSession(channel, self._secret)


class OpenPgpSession(NoAdminKey):
    """A selected OpenPGP card application."""

    def __init__(self, channel: Channel, secret: Secret) -> None:
        self._channel = channel
        self._secret = secret
        self._before: PasswordStatus | None = None

    def identifier(self) -> str:
        """Return twelve digits: four of the maker, eight of the serial number (4.2.1).

        The version in between is left out: it changes with the firmware. Raises
        ``CardUnknown`` for a card without a serial number.
        """
        data = self._object(AID) or b""
        name = tlv.find(data, AID) or data
        if not name.startswith(APPLICATION) or not any(name[10:14]):
            raise CardUnknown("an OpenPGP card without a serial number", "openpgp")
        return name[8:14].hex()

    def pin_state(self) -> PinState:
        """Read the PW status bytes (4.4.2); no try is spent."""
        left = self._passwords().left[PW1]
        return PinState(blocked=not left, tries_left=left)

    def expires_at(self) -> datetime | None:
        """Return the end of the cardholder certificate, if there is one that can be read."""
        read = self._certificate()
        try:
            return read.not_valid_after_utc if read is not None else None
        except ValueError:
            return None

    def certificate(self) -> None:
        """Return None: no key of the application signs without a password (7.2.10, 7.2.13)."""

    def prove(self, challenge: CardChallenge) -> None:
        """Return None, for the same reason."""

    def secret_tries(self) -> int:
        """Read them in the PW status bytes; a resetting code that was never set has none left."""
        return self._passwords().left[self._stored]

    def takes_pad(self) -> bool:
        """Say no of a card that wants derived passwords, or that does not tell how long."""
        try:
            return self._pins.keys
        except CardError:
            return False

    def changes_on_pad(self) -> bool:
        """Return False: only the card knows where the old PIN ends."""
        return False

    def pin_key(self) -> PinKey | None:
        """Return the authentication key, with the certificate where that is of the same key."""
        attributes = openpgp_keys.attributes(self._object(RELATED) or b"")
        response = self._channel.send(openpgp_keys.read_question())
        if not response.status.is_ok:
            return None
        key = openpgp_keys.public_key(attributes, response.data)
        read = self._certificate()
        certified = public_keys.in_certificate(read) if read is not None else None
        same = key and certified and certified.public_key == key.public_key
        return certified if same else key

    def verify_pin(self, pin: PinEntry) -> None:
        """VERIFY, PW1 in its mode for other commands than signatures (7.2.2)."""
        self._verify(_OTHER, self._pins.current(pin), PW1)

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """INTERNAL AUTHENTICATE (7.2.13)."""
        question = openpgp_keys.sign_question(key.kind, challenge.message)
        response = self._channel.send(question)
        if not response.status.is_ok:
            return None
        return public_keys.signature(key.kind, response.data)

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """VERIFY the old, then CHANGE REFERENCE DATA (7.2.3)."""
        joined = self._pins.both(current, new)
        self.verify_pin(current)
        self._expect(self._send(CHANGE_REFERENCE_DATA, 0x00, _SIGNING, joined), PW1)

    def prepare_unblock(self) -> None:
        """Read the PW status bytes, and whether passwords are derived."""
        self._before = self._passwords()
        _ = self._pins

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """RESET RETRY COUNTER (7.2.4), with the resetting code or after VERIFY of PW3.

        The last try is never spent: a card without resetting code and PW3 can never again
        be helped. ``PinBlocked`` is raised in its place.
        """
        which = self._stored
        before, self._before = self._before, None
        known = self._typed(which, secret)
        chosen = self._pins.new(new, behind=known if which == CODE else b"")
        self._spare_the_last(which, before)
        if which == PW3:
            self._verify(_ADMIN, PinBody(known), PW3)
            self._expect(self._send(RESET_RETRY_COUNTER, _BY_ADMIN, _SIGNING, chosen))
        else:
            self._expect(self._send(RESET_RETRY_COUNTER, _BY_CODE, _SIGNING, chosen), CODE)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """VERIFY PW3, then CHANGE REFERENCE DATA (7.2.3).

        A resetting code cannot be changed by whoever knows it; ``NotAllowed`` is raised.
        """
        if self._secret is Secret.RESETTING_CODE:
            raise NotAllowed("a resetting code is changed only with the admin PIN")
        told, chosen = self._typed(PW3, current), self._chosen(PW3, new)
        self._spare_the_last(PW3)
        self._verify(_ADMIN, PinBody(told), PW3)
        status = self._send(CHANGE_REFERENCE_DATA, 0x00, _ADMIN, PinBody(told + chosen))
        self._expect(status, PW3)

    @property
    def _stored(self) -> int:
        return CODE if self._secret is Secret.RESETTING_CODE else PW3

    def _verify(self, reference: int, told: PinBody, which: int) -> None:
        self._expect(self._send(VERIFY, 0x00, reference, told), which)

    def _expect(self, status: StatusWord, which: int | None = None) -> None:
        """Raise unless it is 9000; what is wrong with the password ``which`` the card tells."""
        if status.is_ok:
            return
        if which is None or not words.is_verdict(status):
            raise words.refused(status)
        try:
            left = self._passwords().left[which]
        except CardError:
            raise words.verdict_by_word(status) from None
        raise words.verdict(left)

    def _spare_the_last(self, which: int, status: PasswordStatus | None = None) -> None:
        if (status or self._passwords()).left[which] <= 1:
            raise PinBlocked("no try is left that may be spent")

    def _typed(self, which: int, password: Sensitive) -> bytes:
        """Encode a password that the card knows; one that cannot be right is not sent at all."""
        encoded = self._encoded(which, password)
        if encoded is None:
            raise PinWrong(None)
        return encoded

    def _chosen(self, which: int, password: Sensitive) -> bytes:
        """Encode a new password: digits only, which every reader's keys and card will take."""
        encoded = self._encoded(which, password) if password.reveal().isdigit() else None
        if encoded is None:
            raise PinRefused("format")
        return encoded

    def _encoded(self, which: int, password: Sensitive) -> bytes | None:
        """Return it in the form that the card compares; None where its length does not fit."""
        text = password.reveal()
        if not text.isascii() or len(text) < _SHORTEST[which]:
            return None
        encoded = text.encode("ascii")
        if self._derivation is not None:
            encoded = self._derivation.apply(encoded, which)
        return encoded if len(encoded) <= self._longest[which] else None

    @cached_property
    def _longest(self) -> tuple[int, int, int]:
        return (self._before or self._passwords()).longest

    @cached_property
    def _pins(self) -> PinForm:
        return PinForm(
            partial(self._typed, PW1),
            partial(self._chosen, PW1),
            _SHORTEST[PW1],
            self._longest[PW1],
            keys=self._derivation is None,
        )

    @cached_property
    def _derivation(self) -> Derivation | None:
        data = self._object(KDF)
        return read_derivation(tlv.find(data, KDF) or data) if data else None

    def _passwords(self) -> PasswordStatus:
        return words.read_status(self._object(PASSWORD_STATUS) or b"")

    def _certificate(self) -> x509.Certificate | None:
        try:
            return x509.load_der_x509_certificate(self._object(CERTIFICATE) or b"")
        except (ValueError, x509.InvalidVersion):
            return None

    def _object(self, tag: int) -> bytes | None:
        """GET DATA (7.2.6); None where the card gives nothing."""
        header = Header(0x00, GET_DATA_SIMPLE, tag >> 8, tag & 0xFF)
        response = self._channel.send(Command(header, le=LE_ALL))
        return response.data if response.status.is_ok else None

    def _send(self, instruction: int, p1: int, p2: int, body: PinBody) -> StatusWord:
        header = Header(0x00, instruction, p1, p2)
        return self._channel.send(Command(header, body.data, pad=body.pad)).status
