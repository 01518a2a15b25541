"""What host and card make of both random numbers with the admin key.

Three-key DES in CBC mode from zeros, over five blocks: first the other's number, then one's
own, then seven random bytes that end in 80.
"""

from __future__ import annotations

import secrets

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

NONCE = 16
CRYPTOGRAM = 40
_END = b"\x80"


def make(key: bytes, theirs: bytes, own: bytes) -> bytes:
    """Return the 40 bytes that prove knowledge of ``key`` to whoever drew ``theirs``."""
    step = _cipher(key).encryptor()
    block = theirs + own + secrets.token_bytes(7) + _END
    return step.update(block) + step.finalize()


def fits(key: bytes, cryptogram: bytes, own: bytes, theirs: bytes) -> bool:
    """Whether ``cryptogram`` was made with ``key`` over these two numbers."""
    if len(cryptogram) != CRYPTOGRAM:
        return False
    step = _cipher(key).decryptor()
    block = step.update(cryptogram) + step.finalize()
    return block.startswith(own + theirs) and block.endswith(_END)


def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(TripleDES(key), modes.CBC(bytes(8)))  # as the specification has it
