"""The authentication key of an OpenPGP card: what it is, and what it signs.

OpenPGP card application 3.4: algorithm attributes in 4.4.3.9, public keys in 7.2.14, INTERNAL
AUTHENTICATE in 7.2.13, which a card obeys only after VERIFY of PW1 in mode 82.
"""

from __future__ import annotations

from typing import Final

from hardware import public_keys
from hardware.apdu import (
    GENERATE_ASYMMETRIC_KEY_PAIR,
    INTERNAL_AUTHENTICATE,
    LE_ALL,
    Command,
    Header,
)
from hardware.driver import PinKey
from hardware.drivers import tlv
from kiosk.dialogue import KeyKind

_READ: Final = 0x81
"""P1 of GENERATE ASYMMETRIC KEY PAIR: only tell the public key. 80 would replace the key."""

_AUTHENTICATION: Final = bytes.fromhex("a400")

_RELATED, _DISCRETIONARY, _ATTRIBUTES = 0x6E, 0x73, 0xC3
_TEMPLATE, _MODULUS, _EXPONENT, _POINT = 0x7F49, 0x81, 0x82, 0x86
_RSA, _ECDSA, _EDDSA = 0x01, 0x13, 0x16
_ED25519_POINT: Final = 32
_NATIVE: Final = 0x40
"""Stands before an Ed25519 key where a card writes it as OpenPGP does (RFC 9580, 11.2.1)."""

_CURVES: Final = (
    (_ECDSA, bytes.fromhex("2a8648ce3d030107"), KeyKind.P_256),
    (_ECDSA, bytes.fromhex("2b81040022"), KeyKind.P_384),
    (_EDDSA, bytes.fromhex("2b06010401da470f01"), KeyKind.ED25519),
    (_EDDSA, bytes.fromhex("2b6570"), KeyKind.ED25519),
)
"""Algorithm, object identifier of the curve, and kind; one more byte may follow in the card."""


def attributes(related: bytes) -> bytes:
    """Return the attributes of the authentication key (DO C3) from the related data (DO 6E)."""
    related = tlv.find(related, _RELATED) or related
    inner = tlv.find(related, _DISCRETIONARY) or related
    return tlv.find(inner, _ATTRIBUTES) or b""


def read_question() -> Command:
    """Ask for the public key; it may be sent twice."""
    header = Header(0x00, GENERATE_ASYMMETRIC_KEY_PAIR, _READ, 0x00)
    return Command(header, _AUTHENTICATION, LE_ALL, harmless=True)


def public_key(attributes: bytes, told: bytes) -> PinKey | None:
    """Return the key; None where there is none, or of a kind that cannot be checked."""
    key = tlv.find(told, _TEMPLATE) or b""
    if attributes[:1] == bytes((_RSA,)):
        modulus, exponent = tlv.find(key, _MODULUS), tlv.find(key, _EXPONENT)
        return public_keys.from_rsa_numbers(modulus or b"", exponent or b"")
    point = tlv.find(key, _POINT) or b""
    for algorithm, curve, kind in _CURVES:
        if attributes[:1] == bytes((algorithm,)) and attributes[1:].startswith(curve):
            return public_keys.from_point(kind, _bare(kind, point))
    return None


def sign_question(kind: KeyKind, message: bytes) -> Command:
    """Have the card sign; it may be sent twice. The card pads for RSA, the host hashes."""
    header = Header(0x00, INTERNAL_AUTHENTICATE, 0x00, 0x00)
    return Command(header, public_keys.to_sign(kind, message), LE_ALL, harmless=True)


def _bare(kind: KeyKind, point: bytes) -> bytes:
    prefixed = len(point) == _ED25519_POINT + 1 and point[0] == _NATIVE
    return point[1:] if kind is KeyKind.ED25519 and prefixed else point
