"""What stands in a transcript for keys, signatures, certificates and identifiers.

Everything has the length of what it stands for, so that the pieces in which a card answered stay as
they were. A stand-in key is of the same kind, and what the real key signed rightly is signed
rightly by its stand-in: a replay proves it again.
"""

from __future__ import annotations

import hmac
import secrets
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final, assert_never

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hardware import tlv
from hardware.public_keys import SEQUENCE, from_point, from_rsa_template, read_certificate
from kiosk.authority.crypto.card_keys import spki_of
from kiosk.contract.messages import KeyKind

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Rewrite = Callable[[bytes], bytes]

_SIGNATURES: Final = 4096
"""ECDSA signatures in DER have 70 to 72 bytes: so many are made until one has the same length."""

_LONGEST_KEPT: Final = 16
_LARGEST: Final = 32 * 1024
"""Bytes of a certificate, after decompression."""

_BITS, _BYTES, _INTEGER = 0x03, 0x04, 0x02
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_KEPT: Final = frozenset({0x01, 0x05, 0x06})
"""BOOLEAN, NULL, OBJECT IDENTIFIER."""
_STRINGS: Final = frozenset({0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1E})
_BEGIN, _END = b"20260101000000Z", b"20361231235959Z"
_VERSION: Final = 0xA0


def blank(data: bytes) -> bytes:
    return bytes(len(data))


def keep(data: bytes) -> bytes:
    """Keep a short value that names nobody, such as a counter or an algorithm."""
    return data if len(data) <= _LONGEST_KEPT else blank(data)


def objects(rewrites: Mapping[int, Rewrite]) -> Rewrite:
    """Return what keeps the structure of BER-TLV and blanks each value that has no rewrite."""

    def rewrite(data: bytes) -> bytes:
        found = list(tlv.elements(data))
        if b"".join(tlv.make(each.tag, each.value) for each in found) != data:
            return blank(data)
        return b"".join(
            tlv.make(each.tag, rewrites.get(each.tag, blank)(each.value)) for each in found
        )

    return rewrite


class StandIns:
    """Makes stand-ins, the same one for the same value within one transcript."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._keys: dict[bytes, PrivateKey] = {}

    def name(self, value: bytes) -> bytes:
        """Return what stands for an identifier; one that is not assigned (00 or FF) is kept."""
        if value in (bytes(len(value)), b"\xff" * len(value)):
            return value
        made = b""
        while len(made) < len(value):
            made += hmac.digest(self._salt, bytes((len(made),)) + value, "sha256")
        return made[: len(value)]

    def public_key(self, spki: bytes) -> bytes:
        """Return the SubjectPublicKeyInfo of the stand-in; blank for a kind that nobody checks."""
        try:
            real = load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm):
            return blank(spki)
        if not isinstance(real, PublicKey):
            return blank(spki)
        if spki not in self._keys:
            self._keys[spki] = _like(real)
        made = spki_of(self._keys[spki].public_key())
        return made if len(made) == len(spki) else blank(spki)

    def fingerprint(self, digest: str) -> str | None:
        """Return the fingerprint of the stand-in of the key with this one (SHA-256, hex)."""
        for spki in self._keys:
            if sha256(spki).hexdigest() == digest:
                return sha256(self.public_key(spki)).hexdigest()
        return None

    def rsa_template(self, template: bytes) -> bytes:
        """Rewrite modulus (81) and exponent (82) of a public key template."""
        key = from_rsa_template(template)
        if key is None:
            return objects({})(template)
        made = load_der_public_key(self.public_key(key.public_key))
        if not isinstance(made, rsa.RSAPublicKey):
            return objects({})(template)
        modulus = made.public_numbers().n

        def number(value: bytes) -> bytes:
            return modulus.to_bytes(len(value))

        return objects({0x81: number, 0x82: keep})(template)

    def point(self, kind: KeyKind, point: bytes) -> bytes:
        """Rewrite a point on a curve, also an Ed25519 key with 40 before it."""
        native = point[:1] if kind is KeyKind.ED25519 and len(point) == 33 else b""
        key = from_point(kind, point[len(native) :])
        if key is None:
            return blank(point)
        made = native + self.public_key(key.public_key)[-(len(point) - len(native)) :]
        return made if len(made) == len(point) else blank(point)

    def certificate(self, value: bytes) -> bytes:
        """Rewrite a certificate in DER, or one that is compressed with gzip."""
        if not value.startswith(b"\x1f\x8b"):
            return self._der_certificate(value)
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            der = unpacker.decompress(value, _LARGEST)
        except zlib.error:
            return blank(value)
        packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
        packed = packer.compress(self._der_certificate(der)) + packer.flush()
        spare = len(value) - len(packed)
        if not unpacker.eof or spare < 0:
            return blank(value)
        if not spare:
            return packed
        # A comment in the header (RFC 1952, 2.3.1) makes it as long as the real one.
        return packed[:3] + b"\x10" + packed[4:10] + b"x" * (spare - 1) + b"\x00" + packed[10:]

    def _der_certificate(self, der: bytes) -> bytes:
        read = read_certificate(der)
        if read is None:
            return blank(der)
        made = self._der(der, read.public_key)
        return made if len(made) == len(der) else blank(der)

    def _der(self, data: bytes, spki: bytes) -> bytes:
        """Keep the structure of DER, and no name, number, time, key or signature in it."""
        found = list(tlv.elements(data))
        if b"".join(tlv.make(each.tag, each.value) for each in found) != data:
            return blank(data)
        made = b""
        for each in found:
            whole = tlv.make(each.tag, each.value)
            if whole == spki:
                made += self.public_key(spki)
            elif each.tag == _VERSION:
                made += whole if len(each.value) == 3 else tlv.make(each.tag, blank(each.value))
            elif each.tag in _KEPT:
                made += whole
            elif each.tag == _UTC_TIME or each.tag == _GENERALIZED_TIME:
                made += tlv.make(each.tag, _time(each.value, is_end=bool(made)))
            elif each.tag in _STRINGS:
                made += tlv.make(each.tag, b"X" * len(each.value))
            elif each.tag == _INTEGER:
                made += tlv.make(each.tag, b"\x01" * len(each.value))
            elif each.tag & 0x20:
                made += tlv.make(each.tag, self._der(each.value, spki))
            else:
                made += tlv.make(each.tag, blank(each.value))
        return made

    def signature(self, data: bytes, signature: bytes) -> bytes:
        """Return the stand-in's signature over ``data``, as cards are given it; else a blank one.

        It is right where the real one was, and of the same form: RSA, ECDSA in DER or as two
        numbers, Ed25519.
        """
        for spki, stand_in in self._keys.items():
            real = load_der_public_key(spki)
            is_usable = isinstance(real, PublicKey)
            if is_usable and (made := _signed_alike(real, stand_in, data, signature)) is not None:
                return made
        return blank(signature)


def _like(real: PublicKey) -> PrivateKey:
    match real:
        case rsa.RSAPublicKey():
            return rsa.generate_private_key(65537, real.key_size)
        case ec.EllipticCurvePublicKey():
            return ec.generate_private_key(real.curve)
        case ed25519.Ed25519PublicKey():
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            assert_never(real)


def _time(value: bytes, *, is_end: bool) -> bytes:
    """Return a time of the same length; of a validity the second one is the end."""
    made = _END if is_end else _BEGIN
    return made[-len(value) :] if len(value) in (13, 15) else b"0" * len(value)


def _signed_alike(
    real: object, stand_in: PrivateKey, data: bytes, signature: bytes
) -> bytes | None:
    if isinstance(real, rsa.RSAPublicKey) and isinstance(stand_in, rsa.RSAPrivateKey):
        numbers, size = real.public_numbers(), real.key_size // 8
        block = data
        if len(data) < size:  # the card pads (RFC 8017, 9.2)
            block = b"\x00\x01" + b"\xff" * (size - 3 - len(data)) + b"\x00" + data
        if pow(int.from_bytes(signature), numbers.e, numbers.n) != int.from_bytes(block):
            return None
        private = stand_in.private_numbers()
        modulus = private.public_numbers.n
        return pow(int.from_bytes(block), private.d, modulus).to_bytes(len(signature))
    if isinstance(real, ed25519.Ed25519PublicKey) and isinstance(
        stand_in, ed25519.Ed25519PrivateKey
    ):
        with suppress(InvalidSignature):
            real.verify(signature, data)
            return stand_in.sign(data)
    if isinstance(real, ec.EllipticCurvePublicKey) and isinstance(
        stand_in, ec.EllipticCurvePrivateKey
    ):
        return _ecdsa_alike(real, stand_in, data, signature)
    return None


def _ecdsa_alike(
    real: ec.EllipticCurvePublicKey,
    stand_in: ec.EllipticCurvePrivateKey,
    data: bytes,
    signature: bytes,
) -> bytes | None:
    size = (real.key_size + 7) // 8
    algorithm: HashAlgorithm = SHA384() if len(data) == SHA384.digest_size else SHA256()
    if len(data) != algorithm.digest_size:
        return None
    is_joined = tlv.find(signature, SEQUENCE) is None
    der = signature
    if is_joined:
        first, second = signature[:size], signature[size:]
        der = utils.encode_dss_signature(int.from_bytes(first), int.from_bytes(second))
    how = ec.ECDSA(utils.Prehashed(algorithm))
    try:
        real.verify(der, data, how)
    except InvalidSignature:
        return None
    if is_joined:
        numbers = utils.decode_dss_signature(stand_in.sign(data, how))
        return b"".join(number.to_bytes(size) for number in numbers)
    for _ in range(_SIGNATURES):
        made = stand_in.sign(data, how)
        if len(made) == len(signature):
            return made
    return None
