"""Signing the head of the audit chain with a key that the database does not have.

Whoever owns the database can recompute a whole chain. A signed head, kept elsewhere
too, pins down every row up to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.store.records import AuditAnchor, AuditHead


class AnchorVerifier:
    """Checks anchors with public keys alone; ``public`` holds the raw ones (RFC 8032) by key id.

    Raises ``ValueError`` for what is no such key.
    """

    def __init__(self, public: Mapping[str, bytes]) -> None:
        self._public = {
            key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in public.items()
        }

    def check(self, anchor: AuditAnchor) -> bool:
        """Tell whether the signature is good; an anchor of a key that is not here is not."""
        try:
            message = _message(anchor.key_id, anchor.seq, anchor.hash, anchor.signed_at)
            self._public[anchor.key_id].verify(anchor.signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True


class AnchorSigner:
    """Signs heads with the current key and checks anchors with the key they name (Ed25519)."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._verifier = AnchorVerifier(self.public_keys())

    def sign(self, head: AuditHead, at: datetime) -> AuditAnchor:
        """Return the anchor of ``head``, signed at ``at`` (aware)."""
        key = self._ring.current(KeyPurpose.AUDIT_SIGN)
        signature = _private(key).sign(_message(key.id, head.seq, head.hash, at))
        return AuditAnchor(head.seq, head.hash, at, signature, key.id)

    def check(self, anchor: AuditAnchor) -> bool:
        """Tell whether the signature is good; an anchor of a key that is not here is not."""
        return self._verifier.check(anchor)

    def public_keys(self) -> dict[str, bytes]:
        """Return the raw public key (RFC 8032) of each key id."""
        return {
            key_id: _private(self._ring.key(KeyPurpose.AUDIT_SIGN, key_id))
            .public_key()
            .public_bytes(Encoding.Raw, PublicFormat.Raw)
            for key_id in self._ring.ids(KeyPurpose.AUDIT_SIGN)
        }


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey("audit-anchor"))


def _message(key_id: str, seq: int, chain_hash: str, at: datetime) -> bytes:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return framed("audit-anchor", key_id, seq, chain_hash, moment)
