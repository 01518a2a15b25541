"""Signing the head of the audit, once the rows that it covers were verified."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.authority.crypto.anchors import AnchorSigner
from kiosk.authority.store.audit_chain import FIRST
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import AuditAnchor, AuditHead
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import AuditNotIntact

EVERY_ROW = 2**62


def anchor_head(
    store: Store,
    signer: AnchorSigner,
    *,
    most: int = EVERY_ROW,
    expected: AuditAnchor | None = None,
) -> AuditAnchor | None:
    """Verify the rows after the last good anchor, and sign the last of them; None for none.

    At most about ``most`` rows are verified, and then the last one of these is signed: the
    next call goes on from there. ``expected`` is an anchor that has to be in the database.
    Of several that sign at once, one is given its anchor and the others None.

    Raises ``AuditNotIntact`` for a row that does not fit; nothing is signed then. Keep what
    is returned outside of the database too: an anchor that is only in there can be deleted
    with the rows that it covers.
    """
    with store.read() as uow:
        if expected is not None and uow.audit.anchor_at(expected.seq) != expected:
            because = f"the anchor that was signed for row {expected.seq} is not there any more"
            raise AuditNotIntact(expected.seq, because)
        after = _last_signed(uow, signer)
        piece = uow.audit.verify_piece(after, most, signer.check)
    if piece.fault is not None:
        raise AuditNotIntact(piece.fault.seq, piece.fault.because)
    if piece.last == after:
        return None
    with store.begin() as uow:
        anchor = signer.sign(piece.last, uow.now)
        if not uow.audit.add_anchor(anchor):
            return None
        uow.commit()
        return anchor


def _last_signed(uow: UnitOfWork, signer: AnchorSigner) -> AuditHead:
    """Return the row of the newest anchor whose signature is good."""
    for anchor in _newest_first(uow):
        if signer.check(anchor):
            return AuditHead(anchor.seq, anchor.hash)
    return FIRST


def _newest_first(uow: UnitOfWork) -> Iterator[AuditAnchor]:
    before = None
    while some := uow.audit.newest_anchors(before):
        yield from some
        before = some[-1].seq
