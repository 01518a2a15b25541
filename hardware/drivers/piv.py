"""PIV cards, after NIST SP 800-73-5.

The driver follows the standard's shape and copes with what cards make of it; it does
not ask which card it talks to. Identity is the GUID of the CHUID. A card without one is
known by its card-authentication key instead: an issuer that personalises no CHUID has
nothing else that is the card's own and survives a change of PIN.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from hardware import public_keys
from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    LE_ALL,
    RESET_RETRY_COUNTER,
    VERIFY,
    Channel,
    Command,
    Header,
    Response,
    StatusWord,
    select,
)
from hardware.driver import NoAdminKey, PinKey
from hardware.drivers import piv_metadata, piv_objects, piv_proof, piv_status
from hardware.entry import PinBody, PinForm
from kiosk.dialogue import CardChallenge, CardProof, KeyKind, PinChallenge, PinEntry, PinState
from kiosk.errors import CardProtocolError, CardUnknown, NotAllowed, PinRefused, PinWrong
from kiosk.sensitive import Sensitive

APPLICATION_IDS: Final = (bytes.fromhex("a00000030800001000"), bytes.fromhex("a000000308"))
"""The full name first (part 1, 2.2); some cards answer only to the short one."""

PIN: Final = 0x80
PUK: Final = 0x81
"""The key references of the PIV card application PIN and of the PUK (part 1, table 4)."""

WRONG_LENGTH: Final = 0x6700

KEY_NAME: Final = "ca"
"""Begins an identifier made from a key: 66 digits in all, where a GUID has 32."""

_FIELD: Final = 8
_SHORTEST_PIN: Final = 6


class PivDriver:
    """Recognises a PIV card application."""

    name: Final = "piv"

    def open(self, channel: Channel) -> PivSession | None:
        """Select by the full, then by the short name; any answer but 9000 means "not here"."""
        for aid in APPLICATION_IDS:
            if channel.send(select(aid)).status.is_ok:
                return PivSession(channel)
        return None


class PivSession(NoAdminKey):
    """A selected PIV card application; each data object is read once."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._objects: dict[bytes, bytes] = {}

    def identifier(self) -> str:
        """Return the GUID's 32 digits, or 66 that begin with ``ca`` and name the card's key.

        Raises ``CardUnknown`` for a card that has neither.
        """
        chuid = self._object(piv_objects.CHUID)
        guid = piv_objects.guid(chuid)
        if guid is not None:
            return guid.hex()
        read = piv_objects.certificate(self._object(piv_objects.CARD_AUTHENTICATION))
        fingerprint = piv_objects.key_fingerprint(read) if read is not None else None
        if fingerprint is None:
            raise CardUnknown("a PIV card with neither a GUID nor a card-authentication key", "piv")
        return KEY_NAME + fingerprint

    def pin_state(self) -> PinState:
        """Ask with an empty VERIFY (part 2, 3.2.1); it costs no try.

        A PIN that is verified hides the counter, so that state is dropped first where
        the card can do so.
        """
        status = self._ask_state(0x00)
        if status.is_ok:
            self._ask_state(0xFF)
            status = self._ask_state(0x00)
        state = piv_status.pin_state(status)
        if state is not None:
            return state
        if status in piv_status.NOT_ALLOWED:
            raise NotAllowed("the card does not tell the state of its PIN here", status)
        raise CardProtocolError("the card does not tell the state of its PIN", status)

    def expires_at(self) -> datetime | None:
        """Return the end of the first certificate that can be read, else of the CHUID.

        The PIV authentication certificate is asked first, then the card's own.
        """
        for tag in (piv_objects.PIV_AUTHENTICATION, piv_objects.CARD_AUTHENTICATION):
            read = piv_objects.certificate(self._object(tag))
            if read is not None:
                return piv_objects.certificate_expiry(read)
        return piv_objects.chuid_expiry(self._object(piv_objects.CHUID))

    def certificate(self) -> bytes | None:
        """Return the card-authentication certificate; None where there is none to be read."""
        read = piv_objects.certificate(self._object(piv_objects.CARD_AUTHENTICATION))
        return read.public_bytes(Encoding.DER) if read is not None else None

    def secret_tries(self) -> int | None:
        """Ask for the PUK's; None of a card that does not know the question."""
        response = self._channel.send(piv_metadata.question(PUK))
        return piv_metadata.tries_left(response.data) if response.status.is_ok else None

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """GENERAL AUTHENTICATE with the card-authentication key (part 2, 3.2.4)."""
        signature = self._sign(piv_proof.CARD_AUTHENTICATION, challenge.key, challenge.message)
        return None if signature is None else CardProof(signature)

    def takes_pad(self) -> bool:
        """Return True: PINs are ASCII digits in blocks of eight bytes (part 2, 2.4.3)."""
        return True

    def changes_on_pad(self) -> bool:
        """Return True: the block says where the old PIN ends."""
        return True

    def pin_key(self) -> PinKey | None:
        """Return the PIV authentication key (9A), from its certificate or by GET METADATA."""
        read = piv_objects.certificate(self._object(piv_objects.PIV_AUTHENTICATION))
        if read is not None:
            return public_keys.in_certificate(read)
        response = self._channel.send(piv_metadata.question(piv_proof.PIV_AUTHENTICATION))
        return piv_metadata.public_key(response.data) if response.status.is_ok else None

    def verify_pin(self, pin: PinEntry) -> None:
        """VERIFY (part 2, 3.2.1)."""
        response = self._send(VERIFY, _PINS.current(pin))
        if not response.status.is_ok:
            raise piv_status.not_verified(response.status)

    def sign_with_pin_key(self, key: PinKey, challenge: PinChallenge) -> bytes | None:
        """GENERAL AUTHENTICATE with the PIV authentication key (part 2, 3.2.4)."""
        return self._sign(piv_proof.PIV_AUTHENTICATION, key.kind, challenge.message)

    def change_pin(self, current: PinEntry, new: PinEntry) -> None:
        """CHANGE REFERENCE DATA (part 2, 3.2.2)."""
        response = self._send(CHANGE_REFERENCE_DATA, _PINS.both(current, new))
        if not response.status.is_ok:
            raise piv_status.not_changed(response.status)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """CHANGE REFERENCE DATA for the PUK (part 2, 3.2.2)."""
        body = _current(current) + _new_secret(new)
        response = self._send(CHANGE_REFERENCE_DATA, PinBody(body), PUK)
        if not response.status.is_ok:
            raise piv_status.not_changed(response.status)

    def prepare_unblock(self) -> None:
        """Read nothing: there is nothing to know."""

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """RESET RETRY COUNTER with the PUK (part 2, 3.2.3); it works on any PIN."""
        response = self._send(RESET_RETRY_COUNTER, _PINS.new(new, behind=_current(secret)))
        if not response.status.is_ok:
            raise piv_status.not_changed(response.status)

    def _object(self, tag: bytes) -> bytes:
        if tag not in self._objects:
            self._objects[tag] = piv_objects.read_object(self._channel, tag) or b""
        return self._objects[tag]

    def _sign(self, slot: int, kind: KeyKind, message: bytes) -> bytes | None:
        response = self._channel.send(piv_proof.question(slot, kind, message))
        return piv_proof.signature(response.data) if response.status.is_ok else None

    def _ask_state(self, p1: int) -> StatusWord:
        """Send VERIFY without a body, with an Le to a card that misses a fifth byte."""
        question = Command(Header(0x00, VERIFY, p1, PIN))
        status = self._channel.send(question).status
        if status != WRONG_LENGTH:
            return status
        return self._channel.send(question.with_le(LE_ALL)).status

    def _send(self, instruction: int, body: PinBody, reference: int = PIN) -> Response:
        header = Header(0x00, instruction, 0x00, reference)
        return self._channel.send(Command(header, body.data, pad=body.pad))


def _current(secret: Sensitive) -> bytes:
    """Pad a PIN or PUK that the card knows; one that cannot be right is not sent at all."""
    text = secret.reveal()
    if not text.isascii() or not 1 <= len(text) <= _FIELD:
        raise PinWrong(None)
    return _padded(text)


def _new(pin: Sensitive) -> bytes:
    """Pad a new PIN: 6 to 8 digits (part 2, 2.4.3). Some cards would take anything."""
    text = pin.reveal()
    if not (text.isascii() and text.isdigit() and _SHORTEST_PIN <= len(text) <= _FIELD):
        raise PinRefused("format")
    return _padded(text)


def _new_secret(secret: Sensitive) -> bytes:
    """Check a new PUK: eight digits, which every card takes; some refuse anything else."""
    text = secret.reveal()
    if not (text.isascii() and text.isdigit() and len(text) == _FIELD):
        raise PinRefused("format")
    return text.encode("ascii")


def _padded(text: str) -> bytes:
    return text.encode("ascii").ljust(_FIELD, b"\xff")


_PINS: Final = PinForm(_current, _new, _SHORTEST_PIN, _FIELD, _FIELD)
