"""A PIV card signs: GENERAL AUTHENTICATE with its card-authentication or authentication key.

SP 800-73-5 part 2, 3.2.4 (and annex A.4, internal authentication): the key in slot 9E
signs without a PIN, on a blocked card, and over the air, the key in slot 9A only after
VERIFY. The card only does the bare operation; hash and padding are the host's (SP 800-78-5,
3.1), but for Ed25519, which signs the message itself.
"""

from __future__ import annotations

from hashlib import sha256, sha384
from typing import Final, assert_never

from hardware.apdu import GENERAL_AUTHENTICATE, LE_ALL, Command, Header
from hardware.drivers import tlv
from kiosk.dialogue import KeyKind

CARD_AUTHENTICATION: Final = 0x9E
PIV_AUTHENTICATION: Final = 0x9A
"""Key references (SP 800-73-5 part 1, table 4)."""

ALGORITHMS: Final = {
    KeyKind.RSA_2048: 0x07,
    KeyKind.RSA_3072: 0x05,
    KeyKind.RSA_4096: 0x16,
    KeyKind.P_256: 0x11,
    KeyKind.P_384: 0x14,
    KeyKind.ED25519: 0xE0,
}
"""SP 800-78-5, table 6-2; RSA-4096 and Ed25519 as YubiKeys of firmware 5.7 have them."""

_TEMPLATE: Final = 0x7C
_CHALLENGE: Final = 0x81
_RESPONSE: Final = 0x82

SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in a PKCS #1 signature (RFC 8017, 9.2)."""


def question(slot: int, kind: KeyKind, message: bytes) -> Command:
    """Return the command that has the card sign; to send it twice does no harm."""
    asked = tlv.make(_RESPONSE, b"") + tlv.make(_CHALLENGE, _to_sign(kind, message))
    header = Header(0x00, GENERAL_AUTHENTICATE, ALGORITHMS[kind], slot)
    return Command(header, tlv.make(_TEMPLATE, asked), LE_ALL, harmless=True)


def signature(answer: bytes) -> bytes:
    """Return the signature in an answer; nothing where there is none."""
    return tlv.find(tlv.find(answer, _TEMPLATE) or b"", _RESPONSE) or b""


def _to_sign(kind: KeyKind, message: bytes) -> bytes:
    match kind:
        case KeyKind.RSA_2048:
            return _pkcs1(sha256(message).digest(), 256)
        case KeyKind.RSA_3072:
            return _pkcs1(sha256(message).digest(), 384)
        case KeyKind.RSA_4096:
            return _pkcs1(sha256(message).digest(), 512)
        case KeyKind.P_256:
            return sha256(message).digest()
        case KeyKind.P_384:
            return sha384(message).digest()
        case KeyKind.ED25519:
            return message
        case _:
            assert_never(kind)


def _pkcs1(digest: bytes, size: int) -> bytes:
    tail = b"\x00" + SHA256_INFO + digest
    return b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail
