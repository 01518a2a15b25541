"""The data objects of a PIV card that the product reads (SP 800-73-5 part 1, table 3 and annex A).

All of it can be read without a PIN, also on a blocked card. Whatever does not follow
the standard's shape counts as absent: a card is not refused for a certificate that
nobody here can read.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.apdu import GET_DATA, LE_ALL, Channel, Command, Header
from hardware.drivers import tlv

CHUID: Final = bytes.fromhex("5fc102")
PIV_AUTHENTICATION: Final = bytes.fromhex("5fc105")
CARD_AUTHENTICATION: Final = bytes.fromhex("5fc101")

_TAG_LIST: Final = 0x5C
_CONTENT: Final = 0x53
_GUID: Final = 0x34
_EXPIRY: Final = 0x35
_CERTIFICATE: Final = 0x70

LONGEST_CERTIFICATE: Final = 32 * 1024
"""Bytes after decompression; the standard's containers hold less than 2 KiB."""

_FURTHEST_YEAR: Final = 2100


def get_data(tag: bytes) -> Command:
    """GET DATA for one data object (part 2, 3.1.2)."""
    body = bytes((_TAG_LIST, len(tag))) + tag
    return Command(Header(0x00, GET_DATA, 0x3F, 0xFF), body, LE_ALL)


def read_object(channel: Channel, tag: bytes) -> bytes | None:
    """Return the content of a data object, or None where the card gives none."""
    response = channel.send(get_data(tag))
    if not response.status.is_ok:
        return None
    return tlv.find(response.data, _CONTENT)


def guid(chuid: bytes) -> bytes | None:
    """Return the 16 bytes of the CHUID's GUID; None when it is absent.

    So are all zeros and all ones: what a card has that nobody issued names no card.
    """
    value = tlv.find(chuid, _GUID)
    unissued = bytes(16), b"\xff" * 16
    return value if value is not None and len(value) == 16 and value not in unissued else None


def chuid_expiry(chuid: bytes) -> datetime | None:
    """Return the end of the CHUID's expiry day (YYYYMMDD).

    None when there is no such date, or when it is so far off that it means "never".
    """
    value = tlv.find(chuid, _EXPIRY) or b""
    if len(value) != 8 or not value.isdigit():
        return None
    try:
        day = datetime(int(value[:4]), int(value[4:6]), int(value[6:]), tzinfo=UTC)
    except ValueError:
        return None
    return day + timedelta(days=1) if day.year < _FURTHEST_YEAR else None


def certificate(content: bytes) -> x509.Certificate | None:
    """Return the certificate of a certificate object; None when it cannot be read.

    CertInfo (tag 71) says whether it is compressed, but not all cards agree on the bit;
    the first bytes cannot lie: DER begins with 30, gzip with 1F8B.
    """
    value = tlv.find(content, _CERTIFICATE) or b""
    der = _inflate(value) if value.startswith(b"\x1f\x8b") else value
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        return None


def certificate_expiry(read: x509.Certificate) -> datetime | None:
    """Return the end of the certificate's validity, or None where its date is no date."""
    try:
        return read.not_valid_after_utc
    except ValueError:
        return None


def _inflate(packed: bytes) -> bytes:
    """Unpack gzip; return nothing where it is broken or larger than allowed."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(packed, LONGEST_CERTIFICATE)
    except zlib.error:
        return b""
    return data if unpacker.eof else b""


def key_fingerprint(read: x509.Certificate) -> str | None:
    """Return the SHA-256 of the certificate's SubjectPublicKeyInfo in hex, or None."""
    try:
        key = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return sha256(key).hexdigest()
