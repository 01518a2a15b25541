"""Small certificates, made on the spot."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

EXPIRES = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@cache
def key(seed: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(seed, ec.SECP256R1())


def der(seed: int = 7, expires: datetime = EXPIRES, serial: int = 1, filler: int = 0) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key(seed).public_key(),
        serial_number=serial,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_valid_after=expires,
    )
    if filler:
        extra = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), bytes(filler))
        builder = builder.add_extension(extra, critical=False)
    return builder.sign(key(seed), hashes.SHA256()).public_bytes(Encoding.DER)


def tlv(tag: int, value: bytes) -> bytes:
    size = max(1, (tag.bit_length() + 7) // 8)
    return tag.to_bytes(size) + bytes((0x82,)) + len(value).to_bytes(2) + value


def content(data: bytes, *, info: int = 0) -> bytes:
    """What is in a certificate object, without its outer tag."""
    return tlv(0x70, data) + bytes((0x71, 1, info, 0xFE, 0))


def certificate_object(certificate: bytes, *, packed: bool = False, info: int = 0) -> bytes:
    return tlv(0x53, content(gzip.compress(certificate) if packed else certificate, info=info))
