"""A PIV card signs: GENERAL AUTHENTICATE with its card-authentication or authentication key.

SP 800-73-5 part 2, 3.2.4 (and annex A.4, internal authentication): the key in slot 9E
signs without a PIN, on a blocked card, and over the air, the key in slot 9A only after
VERIFY. The card only does the bare operation; hash and padding are the host's (SP 800-78-5,
3.1), but for Ed25519, which signs the message itself.
"""

from __future__ import annotations

from typing import Final

from hardware import public_keys
from hardware.apdu import GENERAL_AUTHENTICATE, LE_ALL, Command, Header
from hardware.drivers import tlv
from kiosk.dialogue import RSA_KINDS, KeyKind

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

_RSA_BYTES: Final = {kind: bits // 8 for bits, kind in RSA_KINDS.items()}


def question(slot: int, kind: KeyKind, message: bytes) -> Command:
    """Return the command that has the card sign; to send it twice does no harm."""
    asked = tlv.make(_RESPONSE, b"") + tlv.make(_CHALLENGE, _to_sign(kind, message))
    header = Header(0x00, GENERAL_AUTHENTICATE, ALGORITHMS[kind], slot)
    return Command(header, tlv.make(_TEMPLATE, asked), LE_ALL, harmless=True)


def signature(answer: bytes) -> bytes:
    """Return the signature in an answer; nothing where there is none."""
    return tlv.find(tlv.find(answer, _TEMPLATE) or b"", _RESPONSE) or b""


def _to_sign(kind: KeyKind, message: bytes) -> bytes:
    data, size = public_keys.to_sign(kind, message), _RSA_BYTES.get(kind)
    return data if size is None else _padded(data, size)


def _padded(info: bytes, size: int) -> bytes:
    """Pad as PKCS #1 v1.5 does (RFC 8017, 9.2)."""
    return b"\x00\x01" + b"\xff" * (size - 3 - len(info)) + b"\x00" + info
