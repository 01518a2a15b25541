"""Pinning the audit down: its head is signed, stored, and given back to be kept elsewhere."""

from __future__ import annotations

from kiosk.secrets.anchors import AnchorSigner
from kiosk.store.audit_records import AuditAnchor
from kiosk.store.database import Store


def anchor_head(store: Store, signer: AnchorSigner) -> AuditAnchor | None:
    """Sign the head where it has moved since the last anchor; None where it has not.

    Of several that sign at once, one is given its anchor and the others None.

    To be called at intervals. Keep what it returns outside of the database too: an anchor
    that is only in there can be deleted with the rows that it covers.
    """
    with store.begin() as uow:
        head, anchors = uow.audit.head(), uow.audit.anchors()
        if head.seq == 0 or (anchors and anchors[-1].seq >= head.seq):
            return None
        anchor = signer.sign(head, uow.now)
        if not uow.audit.add_anchor(anchor):
            return None
        uow.commit()
        return anchor
