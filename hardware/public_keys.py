"""Public keys in the forms in which cards give them, and what is signed with each kind.

A key is None that nobody could check a signature of: one of a kind that ``KeyKind`` does not
know, or none at all.
"""

from __future__ import annotations

from hashlib import sha256, sha384
from typing import Final, assert_never

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.driver import PinKey
from kiosk.contract.messages import CURVE_KINDS, RSA_EXPONENT, RSA_KINDS, KeyKind

_CURVES: Final[dict[KeyKind, ec.EllipticCurve]] = {
    KeyKind.P_256: ec.SECP256R1(),
    KeyKind.P_384: ec.SECP384R1(),
}

_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in a PKCS #1 signature (RFC 8017, 9.2)."""

_COORDINATE: Final = {KeyKind.P_256: 32, KeyKind.P_384: 48}
"""Bytes of each of the two numbers of an ECDSA signature."""


def in_certificate(read: x509.Certificate) -> PinKey | None:
    """Return the key of a certificate, with the certificate."""
    try:
        return _named(read.public_key(), read.public_bytes(Encoding.DER))
    except (ValueError, UnsupportedAlgorithm):
        return None


def from_rsa_numbers(modulus: bytes, exponent: bytes) -> PinKey | None:
    """Return an RSA key; both numbers are big-endian."""
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    if e != RSA_EXPONENT or n.bit_length() not in RSA_KINDS:
        return None
    try:
        return _named(rsa.RSAPublicNumbers(e, n).public_key())
    except ValueError:
        return None


def from_point(kind: KeyKind | None, point: bytes) -> PinKey | None:
    """Return a key on a curve: SEC 1 for P-256 and P-384, 32 bytes for Ed25519 (RFC 8032)."""
    try:
        if kind is KeyKind.ED25519:
            return _named(ed25519.Ed25519PublicKey.from_public_bytes(point))
        if kind not in _CURVES:
            return None
        return _named(ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[kind], point))
    except ValueError:
        return None


def to_sign(kind: KeyKind, message: bytes) -> bytes:
    """Return what goes to a card that pads for RSA by itself.

    The DigestInfo (RFC 8017, 9.2) for RSA, the hash for ECDSA, for Ed25519 the message itself.
    """
    match kind:
        case KeyKind.RSA_2048 | KeyKind.RSA_3072 | KeyKind.RSA_4096:
            return _SHA256_INFO + sha256(message).digest()
        case KeyKind.P_256:
            return sha256(message).digest()
        case KeyKind.P_384:
            return sha384(message).digest()
        case KeyKind.ED25519:
            return message
        case _:
            assert_never(kind)


def signature(kind: KeyKind, answer: bytes) -> bytes | None:
    """Return the signature from a card that joins the two numbers of ECDSA; None for no such."""
    size = _COORDINATE.get(kind)
    if size is None:
        return answer or None
    if len(answer) != 2 * size:
        return None
    return encode_dss_signature(int.from_bytes(answer[:size]), int.from_bytes(answer[size:]))


def _named(public_key: object, certificate: bytes | None = None) -> PinKey | None:
    kind = None
    if isinstance(public_key, rsa.RSAPublicKey):
        usual = public_key.public_numbers().e == RSA_EXPONENT
        kind = RSA_KINDS.get(public_key.key_size) if usual else None
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        kind = CURVE_KINDS.get(public_key.curve.name)
    elif isinstance(public_key, ed25519.Ed25519PublicKey):
        kind = KeyKind.ED25519
    else:
        return None
    if kind is None:
        return None
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PinKey(kind, der, certificate)
