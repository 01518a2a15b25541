"""The keys in a GIDS card's containers: what they are, and what they sign.

Generic Identity Device Specification 2.0, 12.5.3.1 (mechanisms) and ISO/IEC 7816-8, 11.7
(COMPUTE DIGITAL SIGNATURE). Only RSA: how a card names its other mechanisms differs.
"""

from __future__ import annotations

from typing import Final

from hardware import public_keys
from hardware.apdu import (
    GET_DATA,
    LE_ALL,
    MANAGE_SECURITY_ENVIRONMENT,
    PERFORM_SECURITY_OPERATION,
    Command,
    Header,
)
from hardware.driver import PinKey
from hardware.drivers import tlv
from kiosk.dialogue import KeyKind

REFERENCES: Final = range(0x81, 0x89)
"""The first containers; a card may have many more, but one key is enough."""

_KEY, _REFERENCE, _VALUES = 0x70, 0x84, 0xA5
_TEMPLATE, _MODULUS, _EXPONENT = 0x7F49, 0x81, 0x82
_ALGORITHM: Final = 0x80
_SET, _DIGITAL_SIGNATURE = 0x41, 0xB6
_SIGNATURE, _DIGEST = 0x9E, 0x9A

_PKCS1: Final = 0x50
_MECHANISMS: Final = {
    KeyKind.RSA_2048: _PKCS1 | 0x07,
    KeyKind.RSA_3072: _PKCS1 | 0x08,
    KeyKind.RSA_4096: _PKCS1 | 0x09,
}


def read_question(reference: int) -> Command:
    """GET DATA for the public key alone (ISO/IEC 7816-4, 11.4.3)."""
    wanted = tlv.make(_REFERENCE, bytes((reference,))) + tlv.make(_VALUES, b"\x7f\x49\x80")
    return Command(Header(0x00, GET_DATA, 0x3F, 0xFF), tlv.make(_KEY, wanted), LE_ALL)


def public_key(told: bytes) -> PinKey | None:
    """Return the key; None where it is none that can be asked to sign."""
    key = tlv.find(told, _TEMPLATE) or tlv.find(tlv.find(told, _KEY) or b"", _TEMPLATE) or b""
    modulus, exponent = tlv.find(key, _MODULUS), tlv.find(key, _EXPONENT)
    return public_keys.from_rsa_numbers(modulus or b"", exponent or b"")


def choose(reference: int, kind: KeyKind) -> Command:
    """MANAGE SECURITY ENVIRONMENT: this key, with PKCS #1 v1.5 over a hash of the host's."""
    mechanism = tlv.make(_ALGORITHM, bytes((_MECHANISMS[kind],)))
    body = mechanism + tlv.make(_REFERENCE, bytes((reference,)))
    header = Header(0x00, MANAGE_SECURITY_ENVIRONMENT, _SET, _DIGITAL_SIGNATURE)
    return Command(header, body, harmless=True)


def sign_question(kind: KeyKind, message: bytes) -> Command:
    """COMPUTE DIGITAL SIGNATURE; it may be sent twice."""
    header = Header(0x00, PERFORM_SECURITY_OPERATION, _SIGNATURE, _DIGEST)
    return Command(header, public_keys.to_sign(kind, message), LE_ALL, harmless=True)
