"""Public keys in the forms that cards return, and the data to sign with each kind.

A key is None where no signature of it could be checked: its kind is not in ``KeyKind``, or there is
none. What a station reads of an X.509 certificate (RFC 5280, 4.1) is its key, from when, and until
when. It trusts nothing in it: the authority parses the certificate again, with a library, before it
decides. That library would be a fifth of a station's memory.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256, sha384
from typing import Final, assert_never

from hardware import tlv
from hardware.apdu import LE_ALL, Channel, CommandApdu, CommandHeader
from hardware.driver import PinKey
from kiosk.contract.messages import RSA_EXPONENT, RSA_KINDS, KeyKind

SEQUENCE: Final = 0x30
INTEGER: Final = 0x02
_VERSION: Final = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_FIELDS: Final = (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE)
"""Serial number, signature, issuer, validity, subject, subjectPublicKeyInfo."""

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Certificate:
    """``public_key`` is the SubjectPublicKeyInfo; a time is None where it is no date."""

    der: bytes
    public_key: bytes
    not_before: datetime | None
    not_after: datetime | None


def read_certificate(der: bytes) -> Certificate | None:
    """Return the certificate; None where these bytes are not one."""
    whole = tlv.find(der, SEQUENCE)
    if whole is None or len(whole) > tlv.LONGEST_MADE or tlv.make(SEQUENCE, whole) != der:
        return None
    fields = list(tlv.elements(tlv.find(whole, SEQUENCE) or b""))
    if fields and fields[0].tag == _VERSION:
        del fields[0]
    if tuple(field.tag for field in fields[: len(_FIELDS)]) != _FIELDS:
        return None
    validity = list(tlv.elements(fields[3].value))
    times = map(_time, validity) if len(validity) == 2 else (None, None)
    return Certificate(der, tlv.make(SEQUENCE, fields[5].value), *times)


def read_pem_certificate(text: str) -> Certificate | None:
    """Return the first certificate in a text (RFC 7468); None where there is none."""
    _, begin, rest = text.partition(_BEGIN)
    try:
        return read_certificate(ssl.PEM_cert_to_DER_cert(begin + rest.partition(_END)[0] + _END))
    except ValueError:
        return None


def _time(element: tlv.Element) -> datetime | None:
    """Read a time in one of the two forms that certificates use (RFC 5280, 4.1.2.5)."""
    text = element.value.decode("ascii", "replace")
    if element.tag == _UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    elif element.tag != _GENERALIZED_TIME:
        return None
    digits = text.removesuffix("Z")
    if len(text) != 15 or len(digits) != 14 or not digits.isdigit():
        return None
    try:
        # Not by strptime: its first call took a visit's process longer than to read the card.
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}Z")
    except ValueError:
        return None


_OBJECT, _BITS, _NULL = 0x06, 0x03, b"\x05\x00"

_RSA: Final = bytes.fromhex("2a864886f70d010101")
_CURVE_KEY: Final = bytes.fromhex("2a8648ce3d0201")
_ED25519: Final = bytes.fromhex("2b6570")
_CURVES: Final = {
    KeyKind.P_256: bytes.fromhex("2a8648ce3d030107"),
    KeyKind.P_384: bytes.fromhex("2b81040022"),
}
"""Object identifiers (RFC 3279, RFC 5480, RFC 8410)."""

_PRIMES: Final = {
    KeyKind.P_256: 2**256 - 2**224 + 2**192 + 2**96 - 1,
    KeyKind.P_384: 2**384 - 2**128 - 2**96 + 2**32 - 1,
}
_B: Final = {
    KeyKind.P_256: 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    KeyKind.P_384: int(
        "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE814112"
        "0314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF",
        16,
    ),
}
"""Of y² = x³ - 3x + b over the field (SP 800-186, 3.2.1)."""

_MODULUS, _EXPONENT = 0x81, 0x82

_ED25519_BYTES: Final = 32
_UNCOMPRESSED: Final = 0x04
"""First byte of a point with both coordinates (SEC 1, 2.3.3)."""

_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""Precedes a SHA-256 hash in a PKCS #1 signature (RFC 8017, 9.2)."""

_COORDINATE: Final = {KeyKind.P_256: 32, KeyKind.P_384: 48}
"""Bytes of each of the two numbers of an ECDSA signature."""


def in_certificate(read: Certificate | None) -> PinKey | None:
    if read is None or (kind := _kind(read.public_key)) is None:
        return None
    return PinKey(kind, read.public_key, read.der)


def from_rsa_numbers(modulus: bytes, exponent: bytes) -> PinKey | None:
    """Return an RSA key; both numbers are big-endian."""
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    if e != RSA_EXPONENT or n.bit_length() not in RSA_KINDS:
        return None
    numbers = tlv.make(SEQUENCE, _integer(n) + _integer(e))
    return _made(RSA_KINDS[n.bit_length()], tlv.make(_OBJECT, _RSA) + _NULL, numbers)


def from_rsa_template(template: bytes) -> PinKey | None:
    """Return the RSA key in the content of a public key template (ISO/IEC 7816-8, table 3)."""
    modulus, exponent = tlv.find(template, _MODULUS), tlv.find(template, _EXPONENT)
    return from_rsa_numbers(modulus or b"", exponent or b"")


def from_point(kind: KeyKind | None, point: bytes) -> PinKey | None:
    """Return a key on a curve: SEC 1 for P-256 and P-384, 32 bytes for Ed25519 (RFC 8032)."""
    if kind is KeyKind.ED25519:
        named = tlv.make(_OBJECT, _ED25519)
        return _made(kind, named, point) if len(point) == _ED25519_BYTES else None
    if kind not in _CURVES or not _is_point(kind, point):
        return None
    named = tlv.make(_OBJECT, _CURVE_KEY) + tlv.make(_OBJECT, _CURVES[kind])
    return _made(kind, named, point)


def to_sign(kind: KeyKind, message: bytes) -> bytes:
    """Return the data for a card that pads for RSA by itself.

    The DigestInfo (RFC 8017, 9.2) for RSA, the hash for ECDSA, the message itself for Ed25519.
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


def signed(channel: Channel, header: CommandHeader, kind: KeyKind, message: bytes) -> bytes | None:
    """Have the card sign by a command that may be sent twice; None for any other answer."""
    command = CommandApdu(header, to_sign(kind, message), LE_ALL, harmless=True)
    response = channel.send(command)
    return signature(kind, response.data) if response.status.is_ok else None


def signature(kind: KeyKind, answer: bytes) -> bytes | None:
    """Return the signature of a card that joins the numbers of ECDSA; None where malformed."""
    size = _COORDINATE.get(kind)
    if size is None:
        return answer or None
    if len(answer) != 2 * size:
        return None
    numbers = (int.from_bytes(half) for half in (answer[:size], answer[size:]))
    return tlv.make(SEQUENCE, b"".join(_integer(number) for number in numbers))


def _kind(public_key: bytes) -> KeyKind | None:
    """Return the kind of a SubjectPublicKeyInfo; None where it is not in ``KeyKind``."""
    key = tlv.find(public_key, SEQUENCE) or b""
    names = [item.value for item in tlv.elements(tlv.find(key, SEQUENCE) or b"")]
    bits = tlv.find(key, _BITS) or b""
    match names:
        case [algorithm, *_] if algorithm == _RSA:
            numbers = [item.value for item in tlv.elements(tlv.find(bits[1:], SEQUENCE) or b"")]
            if len(numbers) != 2 or int.from_bytes(numbers[1]) != RSA_EXPONENT:
                return None
            return RSA_KINDS.get(int.from_bytes(numbers[0]).bit_length())
        case [algorithm, curve] if algorithm == _CURVE_KEY:
            kinds = (kind for kind, named in _CURVES.items() if named == curve)
            return next((kind for kind in kinds if _is_point(kind, bits[1:])), None)
        case [algorithm] if algorithm == _ED25519:
            return KeyKind.ED25519 if len(bits) == 1 + _ED25519_BYTES else None
        case _:
            return None


def _is_point(kind: KeyKind, point: bytes) -> bool:
    """Return whether the point is on the curve: nobody could check a signature of another."""
    size, prime = _COORDINATE[kind], _PRIMES[kind]
    if len(point) != 1 + 2 * size or point[0] != _UNCOMPRESSED:
        return False
    x, y = int.from_bytes(point[1 : 1 + size]), int.from_bytes(point[1 + size :])
    on_curve = (y * y - x**3 + 3 * x - _B[kind]) % prime == 0
    return on_curve and x < prime and y < prime


def _made(kind: KeyKind, algorithm: bytes, bits: bytes) -> PinKey:
    content = tlv.make(SEQUENCE, algorithm) + tlv.make(_BITS, b"\x00" + bits)
    return PinKey(kind, tlv.make(SEQUENCE, content), None)


def _integer(number: int) -> bytes:
    """Return a DER INTEGER: its first bit is its sign."""
    return tlv.make(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))
