"""PIV cards, after NIST SP 800-73-5.

The driver follows the standard and tolerates the ways in which cards depart from it; it does not
ask for the make of a card. The identifier is the GUID of the CHUID. A card without a CHUID is
identified by its card-authentication key: nothing else on it is unique and survives a change of
PIN.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from hardware import public_keys, tlv
from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    GENERAL_AUTHENTICATE,
    GET_DATA,
    LE_ALL,
    RESET_RETRY_COUNTER,
    VERIFY,
    WRONG_LENGTH,
    Channel,
    CommandApdu,
    CommandHeader,
    StatusWord,
    change_error,
    pin_state,
    verify_error,
)
from hardware.driver import (
    BLANK,
    Driver,
    NoAdminKey,
    PinBody,
    PinEncoding,
    PinKey,
    TriedOut,
    known_text,
    new_digits,
)
from hardware.public_keys import Certificate, read_certificate
from kiosk.contract.errors import CardError, CardUnknown, GlobalPinInUse
from kiosk.contract.messages import (
    RSA_KINDS,
    Attestation,
    CardChallenge,
    CardProof,
    KeyKind,
    PinChallenge,
    PinEntry,
    PinFormat,
    PinState,
)
from kiosk.contract.sensitive import Sensitive

# Data objects (SP 800-73-5 part 1, table 3 and annex A).
#
# All of them can be read without a PIN, also on a blocked card. An object that does not follow the
# standard counts as absent: a certificate that cannot be read is no reason to refuse a card.

CHUID: Final = bytes.fromhex("5fc102")
AUTHENTICATION_CERTIFICATE: Final = bytes.fromhex("5fc105")
CARD_AUTHENTICATION_CERTIFICATE: Final = bytes.fromhex("5fc101")
DISCOVERY: Final = b"\x7e"
ATTESTATION_CERTIFICATE: Final = bytes.fromhex("5fff01")

_TAG_LIST: Final = 0x5C
_CONTENT: Final = 0x53
_GUID: Final = 0x34
_EXPIRY: Final = 0x35
_CERTIFICATE: Final = 0x70

_DISCOVERY, _PIN_USAGE_POLICY = 0x7E, 0x5F2F
_GLOBAL_PIN_COUNTS: Final = 0x20
_APPLICATION_PIN_IS_PRIMARY: Final = 0x10

LONGEST_CERTIFICATE: Final = 32 * 1024
"""Bytes after decompression; the standard's containers hold less than 2 KiB."""

_FURTHEST_YEAR: Final = 2100


def get_data(tag: bytes) -> CommandApdu:
    """GET DATA for one data object (part 2, 3.1.2)."""
    body = bytes((_TAG_LIST, len(tag))) + tag
    return CommandApdu(CommandHeader(0x00, GET_DATA, 0x3F, 0xFF), body, LE_ALL)


def read_object(channel: Channel, tag: bytes) -> bytes | None:
    """Return the content of a data object, or None where the card gives none."""
    response = channel.send(get_data(tag))
    if not response.status.is_ok:
        return None
    return tlv.find(response.data, _CONTENT)


def uses_global_pin(answer: bytes) -> bool:
    """Return whether the holder uses the Global PIN, by the discovery object (part 1, 3.3.2).

    Without the object, or where it does not name the Global PIN, the PIN of the application is in
    use. Where both count, the second byte has to say that it is.
    """
    policy = tlv.find(tlv.find(answer, _DISCOVERY) or answer, _PIN_USAGE_POLICY) or b""
    if not policy or not policy[0] & _GLOBAL_PIN_COUNTS:
        return False
    return policy[1:2] != bytes((_APPLICATION_PIN_IS_PRIMARY,))


def guid_of(chuid: bytes) -> bytes | None:
    """Return the CHUID's GUID, 16 bytes; None where absent, or all zeros or ones: not assigned."""
    value = tlv.find(chuid, _GUID)
    unissued = bytes(16), b"\xff" * 16
    return value if value is not None and len(value) == 16 and value not in unissued else None


def chuid_expiry(chuid: bytes) -> datetime | None:
    """Return the end of the CHUID's expiry day (YYYYMMDD).

    None when there is no such date, or it is far enough away to mean "never".
    """
    value = tlv.find(chuid, _EXPIRY) or b""
    if len(value) != 8 or not value.isdigit():
        return None
    try:
        day = datetime(int(value[:4]), int(value[4:6]), int(value[6:]), tzinfo=UTC)
    except ValueError:
        return None
    return day + timedelta(days=1) if day.year < _FURTHEST_YEAR else None


def certificate(content: bytes) -> Certificate | None:
    """Return the certificate of a certificate object; None when it cannot be read.

    CertInfo (tag 71) marks a compressed certificate, but cards differ in the bit. The first bytes
    are reliable: DER begins with 30, gzip with 1F8B.
    """
    value = tlv.find(content, _CERTIFICATE) or b""
    der = _inflate(value) if value.startswith(b"\x1f\x8b") else value
    return read_certificate(der)


def _inflate(packed: bytes) -> bytes:
    """Unpack gzip; return nothing where it is broken or too large."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(packed, LONGEST_CERTIFICATE)
    except zlib.error:
        return b""
    return data if unpacker.eof else b""


def key_fingerprint(read: Certificate) -> str:
    """Return the SHA-256 of the SubjectPublicKeyInfo in hex."""
    return sha256(read.public_key).hexdigest()


# GENERAL AUTHENTICATE with the card-authentication or the PIV authentication key.
#
# SP 800-73-5 part 2, 3.2.4 (and annex A.4, internal authentication): the key in slot 9E signs
# without a PIN, on a blocked card, and over the air, the key in slot 9A only after VERIFY. The card
# does the bare operation; the host hashes and pads (SP 800-78-5, 3.1), except for Ed25519, which
# signs the message itself.

CARD_AUTHENTICATION: Final = 0x9E
PIV_AUTHENTICATION: Final = 0x9A
"""Key references (SP 800-73-5 part 1, table 4)."""

ALGORITHMS: Final = {
    KeyKind.RSA_2048: 0x07,
    KeyKind.RSA_3072: 0x05,
    KeyKind.RSA_4096: 0x16,
    KeyKind.P_256: 0x11,
    KeyKind.P_384: 0x14,
    KeyKind.ED25519: 0xE0,
}
"""SP 800-78-5, table 6-2; RSA-4096 and Ed25519 as YubiKeys of firmware 5.7 have them."""

_TEMPLATE: Final = 0x7C
_CHALLENGE: Final = 0x81
_RESPONSE: Final = 0x82

_RSA_BYTES: Final = {kind: bits // 8 for bits, kind in RSA_KINDS.items()}


# GET METADATA, which is not in the standard: YubiKeys have it from firmware 5.3, and other makers
# adopted it. It reads the state of a PIN, a PUK or a key, spends no try, and needs no PIN. A card
# without it reports an unknown instruction.

GET_METADATA: Final = 0xF7
ATTEST: Final = 0xF9

_RETRIES: Final = 0x06
"""Two bytes: the limit of wrong attempts in a row, and the tries left."""

_ALGORITHM: Final = 0x01
_PUBLIC_KEY: Final = 0x04
_PUBLIC_KEY_TEMPLATE: Final = 0x7F49
_POINT: Final = 0x86
"""As GENERATE ASYMMETRIC KEY PAIR answers (SP 800-73-5 part 2, 3.3.2)."""

_KINDS: Final = {bytes((number,)): kind for kind, number in ALGORITHMS.items()}


def get_metadata(reference: int) -> CommandApdu:
    """Read the metadata of a key reference; it may be sent twice."""
    return CommandApdu(CommandHeader(0x00, GET_METADATA, 0x00, reference), le=LE_ALL, harmless=True)


def attest(reference: int) -> CommandApdu:
    """Have the card certify a key that it made; it may be sent twice."""
    return CommandApdu(CommandHeader(0x00, ATTEST, reference, 0x00), le=LE_ALL, harmless=True)


def tries_left(data: bytes) -> int | None:
    """Return the tries left; None where they are missing, or more than the limit."""
    counters = tlv.find(data, _RETRIES) or b""
    if len(counters) != 2 or counters[1] > counters[0]:
        return None
    return counters[1] if counters[0] else None


def public_key(data: bytes) -> PinKey | None:
    """Return the key; None where it is missing, or its kind cannot be checked."""
    kind = _KINDS.get(tlv.find(data, _ALGORITHM) or b"")
    value = tlv.find(data, _PUBLIC_KEY) or b""
    key = tlv.find(value, _PUBLIC_KEY_TEMPLATE) or value
    if kind not in RSA_KINDS.values():
        return public_keys.from_point(kind, tlv.find(key, _POINT) or b"")
    return public_keys.from_rsa_template(key)


NAME: Final = "piv"

APPLICATION_IDS: Final = (bytes.fromhex("a00000030800001000"), bytes.fromhex("a000000308"))
"""The full name first (part 1, 2.2); some cards answer only to the short one."""

PIN: Final = 0x80
PUK: Final = 0x81
"""The key references of the PIV card application PIN and of the PUK (part 1, table 4)."""

KEY_NAME: Final = "ca"
"""Begins an identifier that is made from a key: 66 digits in all, where a GUID has 32."""

_FIELD: Final = 8
_SHORTEST_PIN: Final = 6
_SHORTEST_KNOWN: Final = 4


def build(secret: str) -> Driver:
    return Driver(NAME, APPLICATION_IDS, PivSession, secret)


class PivSession(TriedOut, NoAdminKey):
    """A selected PIV card application; each data object is read once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._objects: dict[bytes, bytes] = {}

    def identifier(self) -> str:
        """Return the GUID in hex, or ``ca`` and the key's SHA-256; ``CardUnknown`` for neither."""
        chuid = self._object(CHUID)
        guid = guid_of(chuid)
        if guid is not None:
            return guid.hex()
        read = certificate(self._object(CARD_AUTHENTICATION_CERTIFICATE))
        if read is None:
            missing = "a PIV card with neither a GUID nor a card-authentication key"
            raise CardUnknown(missing, NAME)
        return KEY_NAME + key_fingerprint(read)

    def pin_state(self) -> PinState:
        """Ask with an empty VERIFY (part 2, 3.2.1); it costs no try.

        Raises ``GlobalPinInUse`` where the holder uses that PIN: RESET RETRY COUNTER does not reset
        it (part 2, 3.2.3), and entered here it would cost a try of the application's PIN.

        A verified PIN hides the counter, so the verified state is ended first where the card can do
        so.
        """
        response = self._channel.send(get_data(DISCOVERY))
        if response.status.is_ok and uses_global_pin(response.data):
            raise GlobalPinInUse("its PIN in use is the Global PIN, which is not served")
        status = self._ask_state(0x00)
        if status.is_ok:
            self._ask_state(0xFF)
            status = self._ask_state(0x00)
        return pin_state(status)

    def expires_at(self) -> datetime | None:
        """Return the end of the first there is: PIV authentication, card authentication, CHUID."""
        for tag in (AUTHENTICATION_CERTIFICATE, CARD_AUTHENTICATION_CERTIFICATE):
            read = certificate(self._object(tag))
            if read is not None:
                return read.not_after
        return chuid_expiry(self._object(CHUID))

    def certificate(self) -> bytes | None:
        """Return the card-authentication certificate; None where none can be read."""
        read = certificate(self._object(CARD_AUTHENTICATION_CERTIFICATE))
        return read.der if read is not None else None

    def secret_tries(self) -> int | None:
        """Ask for the PUK's tries; None where the card has no GET METADATA."""
        response = self._channel.send(get_metadata(PUK))
        return tries_left(response.data) if response.status.is_ok else None

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """GENERAL AUTHENTICATE with the card-authentication key (part 2, 3.2.4)."""
        signature = self._sign(CARD_AUTHENTICATION, challenge.key, challenge.message)
        return None if signature is None else CardProof(signature)

    def pin_format(self) -> PinFormat:
        """Allow a present PIN of four digits: some cards took one, against the standard."""
        return PinFormat(_SHORTEST_KNOWN, _FIELD, _SHORTEST_PIN)

    def takes_pad(self) -> bool:
        """Return True: PINs are ASCII digits in blocks of eight bytes (part 2, 2.4.3)."""
        return True

    def changes_on_pad(self) -> bool:
        """Return True: the old PIN ends where its block ends."""
        return True

    def pin_key(self) -> PinKey | None:
        """Return the PIV authentication key (9A), from its certificate or by GET METADATA."""
        read = certificate(self._object(AUTHENTICATION_CERTIFICATE))
        if read is not None:
            return public_keys.in_certificate(read)
        response = self._channel.send(get_metadata(PIV_AUTHENTICATION))
        return public_key(response.data) if response.status.is_ok else None

    def attest_pin_key(self) -> Attestation | None:
        """ATTEST, which is not in the standard: YubiKeys have it from firmware 4.3."""
        by = certificate(self._object(ATTESTATION_CERTIFICATE))
        if by is None:
            return None
        response = self._channel.send(attest(PIV_AUTHENTICATION))
        return Attestation(response.data, by.der) if response.status.is_ok else None

    def verify_pin(self, pin: PinEntry) -> None:
        """VERIFY (part 2, 3.2.1)."""
        self._send(VERIFY, _PINS.current(pin), failed=verify_error)

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """GENERAL AUTHENTICATE with the PIV authentication key (part 2, 3.2.4)."""
        return self._sign(PIV_AUTHENTICATION, key.kind, challenge.message)

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """CHANGE REFERENCE DATA (part 2, 3.2.2)."""
        self._send(CHANGE_REFERENCE_DATA, _PINS.both(current, new))

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """CHANGE REFERENCE DATA for the PUK (part 2, 3.2.2)."""
        # A new PUK has eight digits, which every card accepts; some refuse anything else.
        body = PinBody(_current(current) + new_digits(new, _FIELD, _FIELD))
        self._send(CHANGE_REFERENCE_DATA, body, PUK)

    def prepare_unblock(self) -> None:
        """Do nothing: no state is needed."""

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """RESET RETRY COUNTER with the PUK (part 2, 3.2.3); the PIN need not be blocked."""
        self._send(RESET_RETRY_COUNTER, _PINS.new(new, behind=PinBody(_current(secret))))

    def _object(self, tag: bytes) -> bytes:
        if tag not in self._objects:
            self._objects[tag] = read_object(self._channel, tag) or b""
        return self._objects[tag]

    def _sign(self, slot: int, kind: KeyKind, message: bytes) -> bytes | None:
        """Have the card sign; nothing is returned for an answer without a signature."""
        data = public_keys.to_sign(kind, message)
        if (size := _RSA_BYTES.get(kind)) is not None:
            # PKCS #1 v1.5 (RFC 8017, 9.2)
            data = b"\x00\x01" + b"\xff" * (size - 3 - len(data)) + b"\x00" + data
        asked = tlv.make(_RESPONSE, b"") + tlv.make(_CHALLENGE, data)
        header = CommandHeader(0x00, GENERAL_AUTHENTICATE, ALGORITHMS[kind], slot)
        command = CommandApdu(header, tlv.make(_TEMPLATE, asked), LE_ALL, harmless=True)
        response = self._channel.send(command)
        if not response.status.is_ok:
            return None
        return tlv.find(tlv.find(response.data, _TEMPLATE) or b"", _RESPONSE) or b""

    def _ask_state(self, p1: int) -> StatusWord:
        """Send VERIFY without a body; add an Le for a card that wants a fifth byte."""
        question = CommandApdu(CommandHeader(0x00, VERIFY, p1, PIN))
        status = self._channel.send(question).status
        if status != WRONG_LENGTH:
            return status
        return self._channel.send(question.with_le(LE_ALL)).status

    def _send(
        self,
        instruction: int,
        body: PinBody,
        reference: int = PIN,
        failed: Callable[[StatusWord], CardError] = change_error,
    ) -> None:
        """Send the command; any answer but 9000 raises the error that ``failed`` returns."""
        header = CommandHeader(0x00, instruction, 0x00, reference)
        status = self._channel.send(CommandApdu(header, body.data, pad=body.pad)).status
        if not status.is_ok:
            raise failed(status)


def _current(secret: Sensitive) -> bytes:
    """Pad the card's present PIN or PUK."""
    return known_text(secret, 1, _FIELD).ljust(_FIELD, BLANK)


def _new(pin: Sensitive) -> bytes:
    """Pad a new PIN: 6 to 8 digits (part 2, 2.4.3). Some cards would take anything."""
    return new_digits(pin, _SHORTEST_PIN, _FIELD).ljust(_FIELD, BLANK)


_PINS: Final = PinEncoding(_current, _new, _SHORTEST_KNOWN, _SHORTEST_PIN, _FIELD, _FIELD)
