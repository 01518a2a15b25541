"""The data objects that say who a card is (SP 800-73-5 part 1, appendix A)."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.virtual.tlv import tlv

CHUID = 0x5FC102
CAPABILITY = 0x5FC107
DISCOVERY = 0x7E
CERT_PIV_AUTHENTICATION = 0x5FC105
CERT_CARD_AUTHENTICATION = 0x5FC101

AID = bytes.fromhex("A00000030800001000")
AID_VERSION = bytes.fromhex("0100")
AID_PREFIX = AID[:5]
FULL_AID = AID + AID_VERSION

# A FASC-N that names no agency, system or person: the form for cards outside the federal
# scheme, which are known by their GUID alone (part 1, 3.1.2).
_FASCN = bytes.fromhex("D4E739DA739CED39CE739D836858210842108421C84210C3EB")


def chuid(guid: bytes, expires: datetime) -> bytes:
    """The card holder unique identifier; ``guid`` is the 16 bytes of tag 34."""
    date = expires.astimezone(UTC).strftime("%Y%m%d").encode("ascii")
    return tlv(0x30, _FASCN) + tlv(0x34, guid) + tlv(0x35, date) + tlv(0x3E, b"") + tlv(0xFE, b"")


def capability(serial: int) -> bytes:
    """The card capability container; only its identifier (F0) carries anything."""
    identifier = bytes.fromhex("A000000116FF02") + serial.to_bytes(14, "big")
    empty = b"".join(tlv(tag, b"") for tag in (0xF3, 0xF4))
    tail = b"".join(tlv(tag, b"") for tag in (0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE))
    versions = tlv(0xF1, b"\x21") + tlv(0xF2, b"\x21")
    return tlv(0xF0, identifier) + versions + empty + tlv(0xF5, b"\x10") + tail


def discovery() -> bytes:
    """The discovery object: the PIV PIN alone is there, and it is the primary one."""
    return tlv(0x4F, FULL_AID) + tlv(0x5F2F, bytes.fromhex("4000"))


def certificate(cert: x509.Certificate) -> bytes:
    """A certificate container: not compressed (71), no error detection code (FE)."""
    return tlv(0x70, cert.public_bytes(Encoding.DER)) + tlv(0x71, b"\x00") + tlv(0xFE, b"")


def property_template(*, outer_tag: bool) -> bytes:
    """The answer to SELECT (part 2, 3.1.1); some cards leave its outer tag 61 away."""
    inner = tlv(0x4F, FULL_AID[5:]) + tlv(0x79, tlv(0x4F, AID_PREFIX))
    return tlv(0x61, inner) if outer_tag else inner
