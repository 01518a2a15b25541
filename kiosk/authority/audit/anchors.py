"""Signing the heads of the audit, after the rows that they cover were verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.audit.rows import row_name
from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.errors import AuditNotIntact, KeyMissing
from kiosk.authority.records import AuditAnchor, AuditGap, AuditHead, GapKind, Signed
from kiosk.authority.store.audit_chain import first_head
from kiosk.authority.store.database import Store, UnitOfWork

EVERY_ROW = 2**62


def sign_heads(
    store: Store,
    signer: AnchorSigner,
    *,
    most: int = EVERY_ROW,
    expected: Iterable[AuditAnchor] = (),
) -> tuple[AuditAnchor, ...]:
    """Verify the rows after each chain's last good anchor, and sign the last of them.

    About ``most`` rows are verified at most: the next call goes on from there. ``expected`` are
    anchors that have to be in the database. Of several callers at once, one gets to sign a row.
    Raises ``AuditNotIntact`` for a row that does not fit; nothing is signed then. Keep the result
    outside of the database, too, where nobody can delete it with the rows that it covers.
    """
    moved: list[AuditHead] = []
    with store.read() as uow:
        purged = [gap for gap in uow.audit.gaps() if signer.check(gap)]
        for anchor in expected:
            if any(gap.first <= anchor.seq < gap.last for gap in purged):
                continue
            if uow.audit.anchor_at(anchor.seq) != anchor:
                row = row_name(anchor.seq)
                because = f"the anchor that was signed for row {row} is not there any more"
                raise AuditNotIntact(anchor.seq, row, because)
        for chain in uow.audit.chains():
            last = newest_good(uow, signer, chain)
            after = AuditHead(last.seq, last.hash) if last else first_head(chain)
            piece = uow.audit.verify_piece(after, most, signer.check)
            if (fault := piece.fault) is not None:
                raise AuditNotIntact(fault.seq, row_name(fault.seq), fault.because)
            if piece.last != after:
                moved.append(piece.last)
            most -= piece.last.seq - after.seq
            if most <= 0:
                break
    if not moved:
        return ()
    with store.begin() as uow:
        # By this machine's clock: the owner of the database server could set that one.
        now = store.machine_clock.now()
        anchors = (signer.sign(head, now) for head in moved)
        signed = tuple(anchor for anchor in anchors if uow.audit.add_anchor(anchor))
        uow.commit()
    return signed


def newest_good(
    uow: UnitOfWork,
    signer: AnchorSigner,
    chain: int,
    *,
    before: int | None = None,
    signed_before: datetime | None = None,
) -> AuditAnchor | None:
    """Return a chain's newest anchor whose signature is good, of a row before ``before``."""
    while some := uow.audit.newest_anchors(chain, before, signed_before=signed_before):
        for anchor in some:
            if signer.check(anchor):
                return anchor
        before = some[-1].seq
    return None


# Signing the head of the audit chain with a key that the database does not have.
#
# The owner of the database can recompute a whole chain. A signed head that is also kept elsewhere
# fixes every row up to it. The same key signs gaps: otherwise the owner of the database could
# delete rows and claim that they were purged.


class AnchorVerifier:
    """Checks signatures with public keys alone; ``public`` holds the raw ones (RFC 8032) by key id.

    Raises ``ValueError`` for anything else.
    """

    def __init__(self, public: Mapping[str, bytes]) -> None:
        self.keys = {
            key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in public.items()
        }

    def check(self, signed: Signed) -> bool:
        """Return whether the signature is good; False for an unknown key."""
        try:
            self.keys[signed.key_id].verify(signed.signature, _message(signed))
        except (KeyError, InvalidSignature):
            return False
        return True


class AnchorSigner:
    """Signs heads and gaps with the current key; checks with the key they name (Ed25519)."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._verifier = AnchorVerifier(self.public_keys())

    def sign(self, head: AuditHead, at: datetime) -> AuditAnchor:
        """Return the anchor of ``head``, signed at ``at`` (aware)."""
        key = self._ring.current(KeyPurpose.AUDIT_SIGN)
        unsigned = AuditAnchor(head.seq, head.hash, at, b"", key.id)
        return replace(unsigned, signature=_private(key).sign(_message(unsigned)))

    def sign_gap(self, first: int, head: AuditHead, kind: GapKind, at: datetime) -> AuditGap:
        """Sign that the rows from ``first`` to that of ``head`` are absent for a good reason."""
        key = self._ring.current(KeyPurpose.AUDIT_SIGN)
        unsigned = AuditGap(first, head.seq, head.hash, kind, at, b"", key.id)
        return replace(unsigned, signature=_private(key).sign(_message(unsigned)))

    def check(self, signed: Signed) -> bool:
        """Return whether the signature is good; False for an unknown key."""
        if signed.key_id not in self._verifier.keys:
            try:
                self._ring.key(KeyPurpose.AUDIT_SIGN, signed.key_id)
            except KeyMissing:
                return False
            self._verifier = AnchorVerifier(self.public_keys())
        return self._verifier.check(signed)

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


def _message(signed: Signed) -> bytes:
    """Return the bytes to sign; an anchor's signature is never good for a gap."""
    moment = signed.signed_at.astimezone(UTC).isoformat(timespec="microseconds")
    match signed:
        case AuditAnchor(seq=seq, hash=head):
            return framed("audit-anchor", signed.key_id, seq, head, moment)
        case AuditGap(first=first, last=last, hash=head, kind=kind):
            return framed("audit-gap", signed.key_id, first, last, head, kind.value, moment)
        case _:
            assert_never(signed)
