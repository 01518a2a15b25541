"""One-time codes: unpredictable digits, stored as a keyed digest alone.

Somebody who reads the database can try all eight-digit codes, so the digest is an HMAC under a key
that is not in it. It covers the purpose of the code: a digest that is copied to another card, visit
or purpose matches nothing.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.contract.messages import Purpose
from kiosk.contract.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class CodeBinding:
    """The purpose of one code; ``code_id`` is drawn for each code and never used again."""

    code_id: str
    purpose: Purpose
    card_id: str
    visit_id: str


@dataclass(frozen=True, slots=True)
class CodeDigest:
    """The stored digest of a code, and the id of its key."""

    digest: bytes = field(repr=False)
    key_id: str


def draw_code(digits: int) -> Sensitive:
    """Draw a code of so many digits, all equally likely, with leading zeros."""
    return Sensitive(f"{secrets.randbelow(10**digits):0{digits}d}")


class CodeMac:
    """Makes and compares the digests of codes."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def code_of(self, binding: CodeBinding, digits: int) -> Sensitive:
        """Return a code of so many digits that is unpredictable without the key.

        It is deterministic, so that a repeated mail, also from another process, carries the first
        one's code.
        """
        key = self._ring.current(KeyPurpose.CODE_MAC)
        drawn = hmac.new(key.subkey("mailed-code"), _of(binding), sha256).digest()
        return Sensitive(f"{int.from_bytes(drawn) % 10**digits:0{digits}d}")

    def digest(self, code: Sensitive, binding: CodeBinding) -> CodeDigest:
        """Return the digest of ``code`` to store, under the current key."""
        key = self._ring.current(KeyPurpose.CODE_MAC)
        return CodeDigest(_mac(key, code, binding), key.id)

    def bind(self, attempt: str, entered: Sensitive, code_id: str, key_id: str) -> bytes:
        """Return the digest of one entry, for its charge; raises ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.CODE_MAC, key_id)
        message = framed(code_id, attempt, entered.reveal())
        return hmac.new(key.subkey("entered-code"), message, sha256).digest()

    def can_match(self, key_id: str) -> bool:
        """Return whether the key is in the ring: check before an entry is charged."""
        return key_id in self._ring.ids(KeyPurpose.CODE_MAC)

    def matches(self, code: Sensitive, kept: CodeDigest, binding: CodeBinding) -> bool:
        """Return, in constant time, whether ``code`` is the stored one; raises ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.CODE_MAC, kept.key_id)
        return hmac.compare_digest(_mac(key, code, binding), kept.digest)


def _mac(key: Key, code: Sensitive, binding: CodeBinding) -> bytes:
    message = framed(_of(binding).hex(), code.reveal())
    return hmac.new(key.subkey("email-code"), message, sha256).digest()


def _of(binding: CodeBinding) -> bytes:
    return framed(binding.code_id, binding.purpose.value, binding.card_id, binding.visit_id)
