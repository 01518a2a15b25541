"""Signing the heads of the audit, once the rows that they cover were verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kiosk.authority.audit_rows import row_name
from kiosk.authority.crypto.anchors import AnchorSigner
from kiosk.authority.store.audit_chain import first_head
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import AuditAnchor, AuditHead
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import AuditNotIntact

EVERY_ROW = 2**62


def sign_heads(
    store: Store,
    signer: AnchorSigner,
    *,
    most: int = EVERY_ROW,
    expected: Iterable[AuditAnchor] = (),
) -> tuple[AuditAnchor, ...]:
    """Verify the rows after each chain's last good anchor, and sign the last of them.

    At most about ``most`` rows are verified, and then the last ones of these are signed: the
    next call goes on from there. ``expected`` are anchors that have to be in the database.
    Of several that sign at once, one is given the anchor of a row.

    Raises ``AuditNotIntact`` for a row that does not fit; nothing is signed then. Keep what
    is returned outside of the database too: an anchor that is only in there can be deleted
    with the rows that it covers.
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
            after = _last_signed(uow, signer, chain)
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
        # By this machine's clock: whoever owns the database server sets that one's.
        now = store.machine_clock.now()
        anchors = (signer.sign(head, now) for head in moved)
        signed = tuple(anchor for anchor in anchors if uow.audit.add_anchor(anchor))
        uow.commit()
    return signed


def _last_signed(uow: UnitOfWork, signer: AnchorSigner, chain: int) -> AuditHead:
    """Return the row of a chain's newest anchor whose signature is good."""
    for anchor in _newest_first(uow, chain):
        if signer.check(anchor):
            return AuditHead(anchor.seq, anchor.hash)
    return first_head(chain)


def _newest_first(uow: UnitOfWork, chain: int) -> Iterator[AuditAnchor]:
    before = None
    while some := uow.audit.newest_anchors(chain, before):
        yield from some
        before = some[-1].seq
