"""OpenPGP cards, after the OpenPGP card application 3.4.

The identifier is the maker and the serial number in the application identifier (DO 4F). The PIN is
PW1. The resetting code or PW3 resets it, depending on what the estate stored: the card cannot
distinguish the two, and guessing would spend tries.

A card splits two joined passwords by the length of the one it holds. Where one of them comes from a
person, it is therefore verified first, and joined only once its length is proven.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, partial
from typing import Final

from hardware import public_keys, tlv
from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    GENERATE_ASYMMETRIC_KEY_PAIR,
    GET_DATA_SIMPLE,
    INTERNAL_AUTHENTICATE,
    LE_ALL,
    RESET_RETRY_COUNTER,
    SECURITY_STATUS_NOT_SATISFIED,
    VERIFY,
    Channel,
    CommandApdu,
    CommandHeader,
    StatusWord,
    broken_rule,
    unexpected_status,
)
from hardware.driver import NOTHING, Driver, NoAdminKey, PinBody, PinEncoding, PinKey, TriedOut
from hardware.public_keys import Certificate, read_certificate
from kiosk.contract import errors
from kiosk.contract.messages import (
    CardChallenge,
    KeyKind,
    PinChallenge,
    PinEntry,
    PinFormat,
    PinState,
)
from kiosk.contract.sensitive import Sensitive

# Status words of the password commands, and the PW status bytes.
#
# 6982 means "wrong" on some cards and "blocked" on others, and one card answered 9000 to an empty
# VERIFY while it was blocked. So the tries are read from the PW status bytes (DO C4, OpenPGP card
# 3.4, 4.4.2), and a status word decides only where these cannot be read.

_BYTES: Final = 7
_BLOCK_FORMAT: Final = 0x80


@dataclass(frozen=True, slots=True)
class PasswordStatus:
    """The PW status bytes: tries left and longest lengths, for PW1, resetting code and PW3."""

    longest: tuple[int, int, int]
    left: tuple[int, int, int]


def read_status(data: bytes) -> PasswordStatus:
    """Read DO C4; raise ``CardProtocolError`` where it does not follow the standard.

    The product cannot send a password in PIN block format (bit 8 of its length).
    """
    if len(data) < _BYTES:
        raise errors.CardProtocolError("the card does not report the state of its passwords")
    if data[1] & _BLOCK_FORMAT:
        raise errors.CardProtocolError("the card wants its PIN in a format that is not supported")
    pw1, code, pw3 = (each & ~_BLOCK_FORMAT for each in data[1:4])
    return PasswordStatus((pw1, code, pw3), (data[4], data[5], data[6]))


def refusal(status: StatusWord) -> errors.CardError:
    """Return the error for a refusal that says nothing about a password."""
    if status == SECURITY_STATUS_NOT_SATISFIED:
        return errors.NotAllowed("the card does not allow this here")
    return broken_rule(status) or unexpected_status(status)


# Key-derived format of the passwords (OpenPGP card 3.4, 4.3.2 and 4.4.2).
#
# A card may be set up to hold a value that is derived from a password, as its KDF object describes.
# Such a card counts the right password as a wrong one when it is sent as it was typed.

_NONE, _ITERATED = 0x00, 0x03
_HASHES: Final = {0x08: "sha256", 0x0A: "sha512"}
_ALGORITHM, _HASH, _COUNT = 0x81, 0x82, 0x83
_SALTS: Final = (0x84, 0x85, 0x86)
"""Salts of PW1, of the resetting code and of PW3; where there is only one, it is for all three."""

_BLOCK: Final = 64 * 1024
"""Bytes that are hashed in one step: a card may ask for many."""

SALT_LENGTH: Final = 8
LARGEST_COUNT: Final = 65_011_712
"""Bytes to hash: the most that OpenPGP can encode (RFC 9580, 3.7.1.3)."""


@dataclass(frozen=True, slots=True)
class PasswordDerivation:
    """Derives the value that the card compares from a password, with a salt for each kind."""

    hash_name: str
    count: int
    salts: tuple[bytes, bytes, bytes] = field(repr=False)

    def apply(self, password: bytes, which: int) -> bytes:
        """Return the derived value; ``which`` is 0 for PW1, 1 for the resetting code, 2 for PW3.

        Iterated and salted S2K: salt and password are repeated up to ``count`` bytes, and hashed at
        least once in full.
        """
        once = self.salts[which] + password
        count = max(self.count, len(once))
        block = once * (_BLOCK // len(once) + 1)
        rounds, rest = divmod(count, len(block))
        digest = hashlib.new(self.hash_name)
        for _ in range(rounds):
            digest.update(block)
        digest.update(block[:rest])
        return digest.digest()


def read_derivation(data: bytes) -> PasswordDerivation | None:
    """Return the derivation that the KDF object asks for; None where passwords go as typed.

    Raises ``CardProtocolError`` where the object is not understood: then no password may be sent.
    """
    algorithm = tlv.find(data, _ALGORITHM)
    if algorithm is None or algorithm == bytes((_NONE,)):
        return None
    if algorithm != bytes((_ITERATED,)):
        raise errors.CardProtocolError("the card wants its passwords derived in an unknown way")
    name = _HASHES.get(int.from_bytes(tlv.find(data, _HASH) or b""))
    count = int.from_bytes(tlv.find(data, _COUNT) or b"")
    first, *others = (tlv.find(data, tag) for tag in _SALTS)
    if name is None or first is None or not 0 < count <= LARGEST_COUNT:
        raise errors.CardProtocolError("the card's KDF object does not follow the standard")
    salts = (first, *(first if salt is None else salt for salt in others))
    if any(len(salt) != SALT_LENGTH for salt in salts):
        raise errors.CardProtocolError("the card's KDF object does not follow the standard")
    return PasswordDerivation(name, count, (salts[0], salts[1], salts[2]))


# The authentication key (OpenPGP card 3.4): algorithm attributes in 4.4.3.9, public keys in 7.2.14,
# INTERNAL AUTHENTICATE in 7.2.13, which a card obeys only after VERIFY of PW1 in mode 82.

_READ: Final = 0x81
"""P1 of GENERATE ASYMMETRIC KEY PAIR: only read the public key. 80 would replace the key."""

_AUTHENTICATION: Final = bytes.fromhex("a400")

_DISCRETIONARY, _ATTRIBUTES = 0x73, 0xC3
_TEMPLATE, _POINT = 0x7F49, 0x86
_RSA, _ECDSA, _EDDSA = 0x01, 0x13, 0x16
_ED25519_POINT: Final = 32
_NATIVE: Final = 0x40
"""Precedes an Ed25519 key where a card writes it as OpenPGP does (RFC 9580, 11.2.1)."""

_CURVES: Final = (
    (_ECDSA, bytes.fromhex("2a8648ce3d030107"), KeyKind.P_256),
    (_ECDSA, bytes.fromhex("2b81040022"), KeyKind.P_384),
    (_EDDSA, bytes.fromhex("2b06010401da470f01"), KeyKind.ED25519),
    (_EDDSA, bytes.fromhex("2b6570"), KeyKind.ED25519),
)
"""Algorithm, object identifier of the curve, and kind; one more byte may follow in the card."""


def key_attributes(related: bytes) -> bytes:
    """Return the attributes of the authentication key (DO C3) from the related data (DO 6E)."""
    related = tlv.find(related, RELATED) or related
    inner = tlv.find(related, _DISCRETIONARY) or related
    return tlv.find(inner, _ATTRIBUTES) or b""


def read_key_command() -> CommandApdu:
    """Ask for the public key; it may be sent twice."""
    header = CommandHeader(0x00, GENERATE_ASYMMETRIC_KEY_PAIR, _READ, 0x00)
    return CommandApdu(header, _AUTHENTICATION, LE_ALL, harmless=True)


def public_key(attributes: bytes, answer: bytes) -> PinKey | None:
    """Return the key; None where there is none, or its kind cannot be checked."""
    key = tlv.find(answer, _TEMPLATE) or b""
    if attributes[:1] == bytes((_RSA,)):
        return public_keys.from_rsa_template(key)
    point = tlv.find(key, _POINT) or b""
    for algorithm, curve, kind in _CURVES:
        if attributes[:1] == bytes((algorithm,)) and attributes[1:].startswith(curve):
            if kind is KeyKind.ED25519 and len(point) == _ED25519_POINT + 1 and point[0] == _NATIVE:
                point = point[1:]
            return public_keys.from_point(kind, point)
    return None


NAME: Final = "openpgp"

APPLICATION: Final = bytes.fromhex("d27600012401")
"""The part of the application identifier that all cards share (4.2.1)."""

AID, RELATED, PASSWORD_STATUS, KDF, CERTIFICATE = 0x004F, 0x006E, 0x00C4, 0x00F9, 0x7F21
"""Data objects (4.4.1), all readable without a password.

Of the three certificates the first is of the authentication key (7.2.5).
"""

PW1, CODE, PW3 = range(3)
"""Where each password stands in the PW status bytes and among the salts."""

_SHORTEST: Final = (6, 8, 8)
_LONGEST: Final = 127
"""Of a derived password: as long as a card can hold one that is not (4.4.2)."""
_SIGNING, _OTHER, _ADMIN = 0x81, 0x82, 0x83
_BY_CODE, _BY_ADMIN = 0x00, 0x02


class Secret(StrEnum):
    """Which of the card's passwords is stored to reset its PIN."""

    RESETTING_CODE = "resetting-code"
    ADMIN_PIN = "admin-pin"


def build(secret: str) -> Driver:
    """Select by the shared part of the name (7.2.1); a terminated card answers 6285."""
    return Driver(NAME, (APPLICATION,), partial(OpenPgpSession, secret=Secret(secret)), secret)


class OpenPgpSession(TriedOut, NoAdminKey):
    def __init__(self, channel: Channel, secret: Secret) -> None:
        self._channel = channel
        self._secret = secret
        self._before: PasswordStatus | None = None

    def identifier(self) -> str:
        """Return twelve digits: four of the maker, eight of the serial number (4.2.1).

        The version between them is left out: it changes with the firmware. Raises ``CardUnknown``
        for a card without a serial number.
        """
        data = self._object(AID) or b""
        name = tlv.find(data, AID) or data
        if not name.startswith(APPLICATION) or not any(name[10:14]):
            raise errors.CardUnknown("an OpenPGP card without a serial number", NAME)
        return name[8:14].hex()

    def pin_state(self) -> PinState:
        """Read the PW status bytes (4.4.2); no try is spent."""
        left = self._passwords().left[PW1]
        return PinState(blocked=not left, tries_left=left)

    def expires_at(self) -> datetime | None:
        """Return the end of the cardholder certificate, if the card has one that can be read."""
        read = self._certificate()
        return read.not_after if read is not None else None

    def certificate(self) -> None:
        """Return None: no key of the application signs without a password (7.2.10, 7.2.13)."""

    def prove(self, challenge: CardChallenge) -> None:
        """Return None: no key signs without a password."""

    def secret_tries(self) -> int:
        """Read them in the PW status bytes; a resetting code that was never set has none left."""
        return self._passwords().left[self._stored]

    def pin_format(self) -> PinFormat:
        """Read the longest in the PW status bytes (4.4.2); they do not limit a derived password."""
        shortest, longest = _SHORTEST[PW1], self._longest[PW1]
        try:
            is_derived = self._derivation is not None
        except errors.CardError:
            is_derived = False
        most = _LONGEST if is_derived else max(shortest, longest)
        return PinFormat(shortest, most, shortest, letters=True)

    def takes_pad(self) -> bool:
        """Return False for a card that wants derived passwords, or reports no lengths."""
        try:
            return self._pins.keys
        except errors.CardError:
            return False

    def changes_on_pad(self) -> bool:
        """Return False: only the card knows where the old PIN ends."""
        return False

    def pin_key(self) -> PinKey | None:
        """Return the authentication key, and its certificate where the card holds that."""
        attributes = key_attributes(self._object(RELATED) or b"")
        response = self._channel.send(read_key_command())
        if not response.status.is_ok:
            return None
        key = public_key(attributes, response.data)
        certified = public_keys.in_certificate(self._certificate())
        same = key and certified and certified.public_key == key.public_key
        return certified if same else key

    def attest_pin_key(self) -> None:
        """Return None: no attestation of such a card is checked."""

    def verify_pin(self, pin: PinEntry) -> None:
        """VERIFY, PW1 in its mode for other commands than signatures (7.2.2)."""
        self._verify(_OTHER, self._pins.current(pin), PW1)

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """INTERNAL AUTHENTICATE (7.2.13); the card pads for RSA, the host hashes."""
        header = CommandHeader(0x00, INTERNAL_AUTHENTICATE, 0x00, 0x00)
        return public_keys.signed(self._channel, header, key.kind, challenge.message)

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

        The last try is never spent: nothing can unblock a card without resetting code and PW3.
        Raises ``PinBlocked`` instead.
        """
        which = self._stored
        before, self._before = self._before, None
        known = PinBody(self._typed(which, secret))
        chosen = self._pins.new(new, behind=known if which == CODE else NOTHING)
        self._spare_the_last(which, before)
        if which == PW3:
            self._verify(_ADMIN, known, PW3)
            self._expect(self._send(RESET_RETRY_COUNTER, _BY_ADMIN, _SIGNING, chosen))
        else:
            self._expect(self._send(RESET_RETRY_COUNTER, _BY_CODE, _SIGNING, chosen), CODE)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """VERIFY PW3, then CHANGE REFERENCE DATA (7.2.3); ``NotAllowed`` for a resetting code."""
        if self._secret is Secret.RESETTING_CODE:
            raise errors.NotAllowed("a resetting code is changed only with the admin PIN")
        typed = PinBody(self._typed(PW3, current))
        both = PinBody(typed.data + self._chosen(PW3, new))
        self._spare_the_last(PW3)
        self._verify(_ADMIN, typed, PW3)
        self._expect(self._send(CHANGE_REFERENCE_DATA, 0x00, _ADMIN, both), PW3)

    @property
    def _stored(self) -> int:
        return CODE if self._secret is Secret.RESETTING_CODE else PW3

    def _verify(self, reference: int, body: PinBody, which: int) -> None:
        self._expect(self._send(VERIFY, 0x00, reference, body), which)

    def _expect(self, status: StatusWord, which: int | None = None) -> None:
        """Raise unless ``status`` is 9000; the card's counter says why, or else the status word."""
        if status.is_ok:
            return
        mismatch = status.is_wrong or status.is_blocked or status == SECURITY_STATUS_NOT_SATISFIED
        if which is None or not mismatch:
            raise refusal(status)
        left, is_blocked = status.tries_left, status.is_blocked
        with suppress(errors.CardError):
            left = self._passwords(within_change=True).left[which]
            is_blocked = not left
        raise errors.PinBlocked("no tries are left") if is_blocked else errors.PinWrong(left)

    def _spare_the_last(self, which: int, status: PasswordStatus | None = None) -> None:
        if (status or self._passwords()).left[which] <= 1:
            raise errors.PinBlocked("no try is left that may be spent")

    def _typed(self, which: int, password: Sensitive) -> bytes:
        """Encode the card's present password; a password that cannot be right is never sent."""
        encoded = self._encoded(which, password)
        if encoded is None:
            raise errors.PinWrong(None)
        return encoded

    def _chosen(self, which: int, password: Sensitive) -> bytes:
        """Encode a new password: digits only, which every reader and every card accepts."""
        encoded = self._encoded(which, password) if password.reveal().isdigit() else None
        if encoded is None:
            raise errors.PinRefused("format")
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
    def _pins(self) -> PinEncoding:
        return PinEncoding(
            partial(self._typed, PW1),
            partial(self._chosen, PW1),
            _SHORTEST[PW1],
            _SHORTEST[PW1],
            self._longest[PW1],
            keys=self._derivation is None,
        )

    @cached_property
    def _derivation(self) -> PasswordDerivation | None:
        data = self._object(KDF)
        return read_derivation(tlv.find(data, KDF) or data) if data else None

    def _passwords(self, *, within_change: bool = False) -> PasswordStatus:
        return read_status(self._object(PASSWORD_STATUS, within_change=within_change) or b"")

    def _certificate(self) -> Certificate | None:
        return read_certificate(self._object(CERTIFICATE) or b"")

    def _object(self, tag: int, *, within_change: bool = False) -> bytes | None:
        """GET DATA (7.2.6); None where the card gives nothing."""
        header = CommandHeader(0x00, GET_DATA_SIMPLE, tag >> 8, tag & 0xFF)
        command = CommandApdu(header, le=LE_ALL, within_change=within_change)
        response = self._channel.send(command)
        return response.data if response.status.is_ok else None

    def _send(self, instruction: int, p1: int, p2: int, body: PinBody) -> StatusWord:
        header = CommandHeader(0x00, instruction, p1, p2)
        return self._channel.send(CommandApdu(header, body.data, pad=body.pad)).status
