"""Signed heads of the audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.records import AuditHead, GapKind

AT = datetime(2026, 3, 1, 12, 30, 1, 500, tzinfo=UTC)
HEAD = AuditHead(7, "ab" * 32)


def test_a_signed_head_is_good_in_any_time_zone() -> None:
    signer = AnchorSigner(KeyRing.fresh())
    anchor = signer.sign(HEAD, AT)
    assert signer.check(anchor)
    elsewhere = timezone(timedelta(hours=2))
    assert signer.check(replace(anchor, signed_at=AT.astimezone(elsewhere)))


def test_nothing_of_it_can_be_changed() -> None:
    signer = AnchorSigner(KeyRing.fresh())
    anchor = signer.sign(HEAD, AT)
    for forged in (
        replace(anchor, seq=8),
        replace(anchor, hash="ac" * 32),
        replace(anchor, signed_at=AT + timedelta(microseconds=1)),
        replace(anchor, signature=bytes(64)),
        replace(anchor, signature=b""),
        replace(anchor, key_id="audit-sign-0"),
    ):
        assert not signer.check(forged)


def test_nothing_of_a_gap_can_be_changed() -> None:
    signer = AnchorSigner(KeyRing.fresh())
    gap = signer.sign_gap(3, HEAD, GapKind.PURGED, AT)
    assert signer.check(gap)
    for forged in (
        replace(gap, first=2),
        replace(gap, last=8),
        replace(gap, hash="ac" * 32),
        replace(gap, kind=GapKind.RESTORED),
        replace(gap, signed_at=AT + timedelta(microseconds=1)),
    ):
        assert not signer.check(forged)


def test_anchor_stays_good_after_a_rotation_and_is_not_anothers() -> None:
    ring = KeyRing.fresh()
    anchor = AnchorSigner(ring).sign(HEAD, AT)
    rotated = AnchorSigner(ring.with_new(KeyPurpose.AUDIT_SIGN))
    assert rotated.check(anchor)
    assert rotated.sign(HEAD, AT).key_id != anchor.key_id
    assert not AnchorSigner(KeyRing.fresh()).check(anchor)


def test_public_keys_can_be_kept_elsewhere() -> None:
    signer = AnchorSigner(KeyRing.fresh())
    raw = signer.public_keys()[signer.sign(HEAD, AT).key_id]
    assert len(Ed25519PublicKey.from_public_bytes(raw).public_bytes_raw()) == 32
