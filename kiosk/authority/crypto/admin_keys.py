"""Admin keys: with one of them a card and the authority show each other that they have it.

After the Generic Identity Device Specification 2.0, mutual authentication: each side draws a
number of 16 bytes. The authority encrypts the card's number and its own, the card encrypts
them the other way round, each with eight bytes behind that mean nothing here (triple DES in
CBC mode, from a block of zeros). So the key itself is never sent. Keys come here as
``kiosk.contract.policy`` tidies them.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from kiosk.contract.sensitive import Sensitive

NUMBER_BYTES: Final = 16
"""Of what either side draws."""

DIGEST_BYTES: Final = 32
"""Of what is kept of the card's answer."""

_BLOCK: Final = 8
_CRYPTOGRAM_BYTES: Final = 2 * NUMBER_BYTES + _BLOCK


def can_be_used() -> bool:
    """Tell whether there is triple DES: an OpenSSL that is held to FIPS 140 has none."""
    try:
        _encrypted(Sensitive(bytes(range(3 * _BLOCK)).hex()), bytes(_BLOCK))
    except (InternalError, UnsupportedAlgorithm):
        return False
    return True


def draw_number() -> bytes:
    """Draw the authority's number."""
    return secrets.token_bytes(NUMBER_BYTES)


def mirrors(ours: bytes, cards: bytes) -> bool:
    """Tell whether the card's number repeats a block of ours.

    A genuine card draws one such in 2^62 times. To one that had our own number from us, what
    we encrypt for it would be the very answer that it owes.
    """
    return not _blocks(ours).isdisjoint(_blocks(cards))


def cryptogram(key: Sensitive, ours: bytes, cards: bytes) -> bytes:
    """Return what the authority sends; its last byte is the padding that cards look for."""
    return _encrypted(key, cards + ours + secrets.token_bytes(_BLOCK - 1) + b"\x80")


def awaited(key: Sensitive, ours: bytes, cards: bytes) -> bytes:
    """Return the digest of the only answer of the card's that is right.

    It may be kept in the clear: the answer cannot be told from it.
    """
    return sha256(_encrypted(key, ours + cards)).digest()


def is_right(answer: bytes, digest: bytes) -> bool:
    """Tell, in constant time, whether ``answer`` is the one that is awaited."""
    given = sha256(answer[: 2 * NUMBER_BYTES]).digest()
    return len(answer) == _CRYPTOGRAM_BYTES and hmac.compare_digest(given, digest)


def _encrypted(key: Sensitive, plain: bytes) -> bytes:
    # The key is never bound to a name: a traceback could show it.
    cipher = Cipher(TripleDES(bytes.fromhex(key.reveal())), CBC(bytes(_BLOCK))).encryptor()
    return cipher.update(plain) + cipher.finalize()


def _blocks(number: bytes) -> frozenset[bytes]:
    return frozenset((number[:_BLOCK], number[_BLOCK:]))
