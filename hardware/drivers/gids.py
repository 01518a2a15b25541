"""GIDS cards, after the Generic Identity Device Specification 2.0 of Windows.

The commands are those of ISO/IEC 7816-4. The identifier is the one that the Windows minidriver
gives a card. A PIN is reset after mutual authentication of host and card with the admin key; the
key itself is never sent. A session carries nonces and cryptograms between the two and does not hold
the key.

A card splits two joined PINs by the length of the PIN it holds. An old PIN is therefore verified
first, and joined only once its length is proven.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hardware import public_keys, tlv
from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    CONDITIONS_NOT_SATISFIED,
    GENERAL_AUTHENTICATE,
    GET_DATA,
    LE_ALL,
    MANAGE_SECURITY_ENVIRONMENT,
    PERFORM_SECURITY_OPERATION,
    RESET_RETRY_COUNTER,
    SECURITY_STATUS_NOT_SATISFIED,
    VERIFY,
    Channel,
    CommandApdu,
    CommandHeader,
    StatusWord,
    change_error,
    pin_state,
    unexpected_status,
    verify_error,
)
from hardware.driver import Driver, PinBody, PinEncoding, PinKey, TriedOut, known_text, new_digits
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    CardUnknown,
    NotAllowed,
    PinBlocked,
    PinWrong,
)
from kiosk.contract.messages import (
    CardChallenge,
    KeyAnswer,
    KeyChallenge,
    KeyKind,
    KeyNonce,
    PinChallenge,
    PinEntry,
    PinFormat,
    PinState,
)
from kiosk.contract.sensitive import Sensitive

# The PIN's status object, and the status words of the admin key. Cards differ in whether they count
# wrong attempts at that key, and in whether they report the count.

PIN_STATUS: Final = 0x7F71
_LEFT, _LEFT_ONCE = 0x97, 0x9F17
"""The tries left; the first edition of the specification has another tag for them."""


def not_begun(status: StatusWord) -> CardError:
    """Return the error where the card did not begin: it got no cryptogram, and no try is spent.

    A blocked key is not ``PinBlocked``: the holder would take that for their PIN.
    """
    if status.is_blocked:
        return NotAllowed("no tries are left of the admin key")
    if status == SECURITY_STATUS_NOT_SATISFIED:
        return NotAllowed("the card does not let its admin key be used here", status)
    return CardProtocolError("the card does not begin with its admin key", status)


def cryptogram_refused(status: StatusWord) -> CardError:
    """Return the error where the card refused a cryptogram; 6982 means that it was wrong."""
    if status.is_blocked:
        return PinBlocked("no tries are left of the admin key")
    if status.is_wrong or status == SECURITY_STATUS_NOT_SATISFIED:
        return PinWrong(status.tries_left)
    if status == CONDITIONS_NOT_SATISFIED:
        return NotAllowed("the card has forgotten what it was asked with")
    return unexpected_status(status, "the card refuses the cryptogram")


def pin_not_reset(status: StatusWord) -> CardError:
    """Return the error where the PIN was not reset, though the admin key was proven."""
    if status == SECURITY_STATUS_NOT_SATISFIED:
        return NotAllowed("the card does not take its admin key for proven (any more)")
    if status.is_wrong or status.is_blocked:
        return CardProtocolError("the card does not reset its PIN", status)
    return change_error(status)


# Keys in containers.
#
# Generic Identity Device Specification 2.0, 12.5.3.1 (mechanisms) and ISO/IEC 7816-8, 11.7 (COMPUTE
# DIGITAL SIGNATURE). Only RSA: cards name their other mechanisms differently.

REFERENCES: Final = range(0x81, 0x89)
"""The first containers; a card may have many more, but one key is enough."""

_KEY, _REFERENCE, _VALUES = 0x70, 0x84, 0xA5
_PUBLIC_KEY_TEMPLATE: Final = 0x7F49
_ALGORITHM: Final = 0x80
_SET, _DIGITAL_SIGNATURE = 0x41, 0xB6
_SIGN: Final = CommandHeader(0x00, PERFORM_SECURITY_OPERATION, 0x9E, 0x9A)

_PKCS1: Final = 0x50
_MECHANISMS: Final = {
    KeyKind.RSA_2048: _PKCS1 | 0x07,
    KeyKind.RSA_3072: _PKCS1 | 0x08,
    KeyKind.RSA_4096: _PKCS1 | 0x09,
}


def read_key_command(reference: int) -> CommandApdu:
    """GET DATA for the public key alone (ISO/IEC 7816-4, 11.4.3)."""
    wanted = tlv.make(_REFERENCE, bytes((reference,))) + tlv.make(_VALUES, b"\x7f\x49\x80")
    return CommandApdu(CommandHeader(0x00, GET_DATA, 0x3F, 0xFF), tlv.make(_KEY, wanted), LE_ALL)


def public_key(answer: bytes) -> PinKey | None:
    """Return the key; None where it cannot be asked to sign."""
    key = (
        tlv.find(answer, _PUBLIC_KEY_TEMPLATE)
        or tlv.find(tlv.find(answer, _KEY) or b"", _PUBLIC_KEY_TEMPLATE)
        or b""
    )
    return public_keys.from_rsa_template(key)


def choose(reference: int, kind: KeyKind) -> CommandApdu:
    """MANAGE SECURITY ENVIRONMENT: this key, with PKCS #1 v1.5 over the host's hash."""
    mechanism = tlv.make(_ALGORITHM, bytes((_MECHANISMS[kind],)))
    body = mechanism + tlv.make(_REFERENCE, bytes((reference,)))
    header = CommandHeader(0x00, MANAGE_SECURITY_ENVIRONMENT, _SET, _DIGITAL_SIGNATURE)
    return CommandApdu(header, body, harmless=True)


NAME: Final = "gids"

APPLICATION_IDS: Final = (
    bytes.fromhex("a000000397425446590201"),
    bytes.fromhex("a00000039742544659"),
)
"""The name of the second edition first; then the part that all editions share."""

APPLICATION, CARD_ID_FILE = 0x3FFF, 0xA012
CARD_ID: Final = 0xDF20
"""The minidriver's file ``cardid``, which can be read without a PIN: 16 bytes."""

PIN: Final = 0x80
_ADMIN_KEY: Final = bytes.fromhex("830180")
_EXTERNAL_OR_MUTUAL, _AUTHENTICATION = 0xC1, 0xA4
_AFTER_THE_KEY: Final = 0x02

_AUTHENTICATION_TEMPLATE, _NONCE, _CRYPTOGRAM = 0x7C, 0x81, 0x82
_ID_SIZE, _NONCE_SIZE = 16, 16
_SHORTEST_PIN, _LONGEST_PIN = 4, 16


def build(secret: str) -> Driver:
    return Driver(NAME, APPLICATION_IDS, GidsSession, secret)


class GidsSession(TriedOut):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def identifier(self) -> str:
        """Return the 32 digits; ``CardUnknown`` for none, or zeros: it was never personalised."""
        card_id = tlv.find(self._object(CARD_ID_FILE, CARD_ID), CARD_ID) or b""
        if len(card_id) != _ID_SIZE or not any(card_id):
            raise CardUnknown("a GIDS card without a card identifier", NAME)
        return card_id.hex()

    def pin_state(self) -> PinState:
        """Read the PIN's status object, or ask with an empty VERIFY; no try is spent."""
        answer = self._object(APPLICATION, PIN_STATUS)
        status = tlv.find(answer, PIN_STATUS) or answer
        left = tlv.find(status, _LEFT) or tlv.find(status, _LEFT_ONCE) or b""
        if len(left) == 1:
            return PinState(blocked=not left[0], tries_left=left[0])
        question = CommandApdu(CommandHeader(0x00, VERIFY, 0x00, PIN))
        return pin_state(self._channel.send(question).status)

    def expires_at(self) -> None:
        """Return None: the specification has no object for the date."""

    def certificate(self) -> None:
        """Return None: no key of the application signs without a PIN."""

    def secret_tries(self) -> None:
        """Return None: the tries of the admin key are reported only after a wrong cryptogram."""

    def prove(self, challenge: CardChallenge) -> None:
        """Return None: the card proves itself by the admin key."""

    def pin_format(self) -> PinFormat:
        return PinFormat(_SHORTEST_PIN, _LONGEST_PIN, _SHORTEST_PIN, letters=True)

    def takes_pad(self) -> bool:
        """Return True: PINs are ASCII digits without padding."""
        return True

    def changes_on_pad(self) -> bool:
        """Return False: only the card knows where the old PIN ends."""
        return False

    def pin_key(self) -> PinKey | None:
        """Return the key of the first container whose signature can be checked.

        The specification does not say how the minidriver keeps certificates, so none is read.
        """
        for reference in REFERENCES:
            response = self._channel.send(read_key_command(reference))
            key = public_key(response.data) if response.status.is_ok else None
            if key is not None:
                return replace(key, reference=reference)
        return None

    def attest_pin_key(self) -> None:
        """Return None: no attestation of such a card is checked."""

    def verify_pin(self, pin: PinEntry) -> None:
        """VERIFY (ISO/IEC 7816-4, 11.6.6)."""
        self._send(VERIFY, 0x00, _PINS.current(pin), verify_error)

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """Choose the key, then COMPUTE DIGITAL SIGNATURE (ISO/IEC 7816-8, 11.7)."""
        chosen = self._channel.send(choose(key.reference, key.kind))
        if not chosen.status.is_ok:
            return None
        return public_keys.signed(self._channel, _SIGN, key.kind, challenge.message)

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """VERIFY the old, then CHANGE REFERENCE DATA (ISO/IEC 7816-4, 11.6.7)."""
        joined = _PINS.both(current, new)
        self.verify_pin(current)
        self._send(CHANGE_REFERENCE_DATA, 0x00, joined, change_error)

    def prepare_unblock(self) -> None:
        """Do nothing: no state is needed."""

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Raise ``NotAllowed``: the secret of this card is a key, which is never sent."""
        raise NotAllowed("the admin key of a GIDS card is never sent to it")

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        raise NotAllowed("the admin key of a GIDS card is never sent to it")

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        """Choose the admin key, then GENERAL AUTHENTICATE with the host's number (11.6.5)."""
        header = CommandHeader(
            0x00, MANAGE_SECURITY_ENVIRONMENT, _EXTERNAL_OR_MUTUAL, _AUTHENTICATION
        )
        chosen = self._channel.send(CommandApdu(header, _ADMIN_KEY, harmless=True)).status
        if not chosen.is_ok:
            raise not_begun(chosen)
        response = self._channel.send(_authenticate(_NONCE, challenge.nonce, harmless=True))
        if not response.status.is_ok:
            raise not_begun(response.status)
        nonce = _answered(response.data, _NONCE)
        if len(nonce) != _NONCE_SIZE:
            raise CardProtocolError(f"the card begins with a nonce of {len(nonce)} bytes")
        return KeyNonce(nonce)

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        """GENERAL AUTHENTICATE with the host's cryptogram; return the card's, unchecked.

        It may be empty: the authority treats that as a wrong one.
        """
        response = self._channel.send(_authenticate(_CRYPTOGRAM, cryptogram, harmless=False))
        if not response.status.is_ok:
            raise cryptogram_refused(response.status)
        return KeyAnswer(_answered(response.data, _CRYPTOGRAM))

    def reset_pin(self, new: PinEntry) -> None:
        """RESET RETRY COUNTER with the new PIN alone (11.6.10): it ends the authenticated state."""
        self._send(RESET_RETRY_COUNTER, _AFTER_THE_KEY, _PINS.new(new), pin_not_reset)

    def _object(self, file: int, tag: int) -> bytes:
        """GET DATA with a list of one tag; return nothing where the card gives nothing."""
        header = CommandHeader(0x00, GET_DATA, file >> 8, file & 0xFF)
        response = self._channel.send(CommandApdu(header, tlv.make(0x5C, tag.to_bytes(2)), LE_ALL))
        return response.data if response.status.is_ok else b""

    def _send(
        self, instruction: int, p1: int, body: PinBody, failed: Callable[[StatusWord], CardError]
    ) -> None:
        """Send the command; any answer but 9000 raises the error that ``failed`` returns."""
        header = CommandHeader(0x00, instruction, p1, PIN)
        status = self._channel.send(CommandApdu(header, body.data, pad=body.pad)).status
        if not status.is_ok:
            raise failed(status)


def _authenticate(tag: int, value: bytes, *, harmless: bool) -> CommandApdu:
    body = tlv.make(_AUTHENTICATION_TEMPLATE, tlv.make(tag, value))
    return CommandApdu(
        CommandHeader(0x00, GENERAL_AUTHENTICATE, 0x00, 0x00), body, LE_ALL, harmless=harmless
    )


def _answered(data: bytes, tag: int) -> bytes:
    return tlv.find(tlv.find(data, _AUTHENTICATION_TEMPLATE) or b"", tag) or b""


_PINS: Final = PinEncoding(
    lambda pin: known_text(pin, _SHORTEST_PIN, _LONGEST_PIN),
    lambda pin: new_digits(pin, _SHORTEST_PIN, _LONGEST_PIN),
    _SHORTEST_PIN,
    _SHORTEST_PIN,
    _LONGEST_PIN,
)
