"""A PIV card proves itself: GENERAL AUTHENTICATE with its card-authentication key.

SP 800-73-5 part 2, 3.2.4 (and annex A.4, internal authentication): the key in slot 9E
signs without a PIN, on a blocked card, and over the air. The card only does the bare
operation; hash and padding are the host's (SP 800-78-5, 3.1).
"""

from __future__ import annotations

from hashlib import sha256, sha384
from typing import Final

from hardware.apdu import GENERAL_AUTHENTICATE, LE_ALL, Command, Header
from hardware.drivers import tlv
from kiosk.dialogue import CardChallenge, KeyKind

SLOT: Final = 0x9E

ALGORITHMS: Final = {
    KeyKind.RSA_2048: 0x07,
    KeyKind.RSA_3072: 0x05,
    KeyKind.P_256: 0x11,
    KeyKind.P_384: 0x14,
}
"""SP 800-78-5, table 6-2."""

_TEMPLATE: Final = 0x7C
_CHALLENGE: Final = 0x81
_RESPONSE: Final = 0x82

_RSA_BYTES: Final = {KeyKind.RSA_2048: 256, KeyKind.RSA_3072: 384}
_SHA256_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 in a PKCS #1 signature (RFC 8017, 9.2)."""


def question(challenge: CardChallenge) -> Command:
    """Return the command that has the card sign; to send it twice does no harm."""
    asked = tlv.make(_RESPONSE, b"") + tlv.make(_CHALLENGE, _to_sign(challenge))
    header = Header(0x00, GENERAL_AUTHENTICATE, ALGORITHMS[challenge.key], SLOT)
    return Command(header, tlv.make(_TEMPLATE, asked), LE_ALL, harmless=True)


def signature(answer: bytes) -> bytes:
    """Return the signature in an answer; nothing where there is none."""
    return tlv.find(tlv.find(answer, _TEMPLATE) or b"", _RESPONSE) or b""


def _to_sign(challenge: CardChallenge) -> bytes:
    if challenge.key is KeyKind.P_384:
        return sha384(challenge.message).digest()
    digest = sha256(challenge.message).digest()
    size = _RSA_BYTES.get(challenge.key)
    return digest if size is None else _pkcs1(digest, size)


def _pkcs1(digest: bytes, size: int) -> bytes:
    tail = b"\x00" + _SHA256_INFO + digest
    return b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail
