"""Which unblock secrets did not open when they were wanted, as the audit has it."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.administration.standing import BrokenSeals
from kiosk.authority.audit import AuditKind
from kiosk.store.audit_records import AuditQuery
from kiosk.store.unit_of_work import UnitOfWork

_LOOKED_BACK = 500
"""So many events are looked at, the newest ones."""


def broken_seals(uow: UnitOfWork, holder_ids: Iterable[str]) -> BrokenSeals:
    """Return what is broken of the cards of these holders; at most 500 of them."""
    query = AuditQuery(holder_ids=tuple(holder_ids), kind=AuditKind.SECRET_BROKEN.value)
    found = uow.trail.newest(query, limit=_LOOKED_BACK)
    revisions = ((event.card_id, event.detail.get("revision")) for event in found)
    return frozenset(
        (card_id, revision)
        for card_id, revision in revisions
        if card_id is not None and isinstance(revision, int)
    )
