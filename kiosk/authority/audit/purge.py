"""Deleting old rows of the audit, so that the others still verify.

The age of rows is not taken from the rows or the database's clock, both of which the owner of the
server can set. It is taken from the anchors, which the service signed by the clock of its machine.
Each chain is cut at the last anchor that is old enough, of those before the first that is not: an
anchor after it was signed while the clock was behind. The rows up to it are verified first, so that
a tampered row is noticed, and the gap that they leave is signed. Rows stay that were not exported,
that the collector has not been sent, or that record a redaction in a row that stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kiosk.authority.audit.anchors import AnchorSigner, newest_good, sign_heads
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.audit.rows import before_first, chain_of, row_name
from kiosk.authority.errors import AuditNotIntact
from kiosk.authority.records import AuditAnchor, AuditGap, AuditHead, GapKind
from kiosk.authority.store.audit_chain import first_head
from kiosk.authority.store.database import Store, UnitOfWork

BATCH: Final = 1000
"""Rows that one transaction verifies, or deletes."""


@dataclass(frozen=True, slots=True)
class AuditCut:
    """The row at which a chain is cut, and how many rows are deleted."""

    last: AuditHead
    rows: int


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What a purge would do: the cuts, and how many rows stay that are old enough.

    They stay because no export holds them, or because the collector has not been sent them.
    """

    cuts: tuple[AuditCut, ...]
    unexported: int
    unsent: int

    @property
    def rows(self) -> int:
        return sum(cut.rows for cut in self.cuts)


def plan_purge(
    store: Store,
    signer: AnchorSigner,
    before: datetime,
    exported: Mapping[int, int] | None,
    sent: Mapping[int, int] | None,
) -> AuditPlan:
    """Verify the rows that are old enough, and return what can be deleted.

    ``exported`` is the last exported row of each chain, ``sent`` the last that the collector has;
    None: also delete what was not exported, or sent. Raises ``AuditNotIntact`` for a row that does
    not fit.
    """
    limits = [limit for limit in (exported, sent) if limit is not None]
    with store.read() as uow:

        def anchor_of(chain: int, last: int | None = None) -> AuditAnchor | None:
            """Return the newest anchor that is old enough, of row ``last`` at most."""
            ends = (young[chain], None if last is None else last + 1)
            until = min((end for end in ends if end is not None), default=None)
            return newest_good(uow, signer, chain, before=until, signed_before=before)

        chains = uow.audit.chains()
        now = store.machine_clock.now()  # a later time is none: the clock was ahead
        young = {chain: uow.audit.first_signed_within(chain, before, now) for chain in chains}
        redacting = uow.audit.redacting()
        kept = {
            chain: anchor_of(chain, min((limit.get(chain, 0) for limit in limits), default=None))
            for chain in chains
        }
        while tied := _tied_row(redacting, kept):
            kept[chain_of(tied)] = anchor_of(chain_of(tied), tied - 1)
        # The last row that was purged: some may not be deleted yet.
        gone = {chain: before_first(chain) for chain in chains}
        gone |= {chain_of(gap.last): gap.last for gap in _purged(uow)}
        cuts = tuple(
            AuditCut(
                AuditHead(anchor.seq, anchor.hash),
                uow.audit.count_between(gone[chain], anchor.seq),
            )
            for chain, anchor in kept.items()
            if anchor is not None and anchor.seq > gone[chain]
        )
        due = {chain: anchor_of(chain) for chain in chains}
        unexported, unsent = (
            sum(
                uow.audit.count_between(max(gone[chain], limit.get(chain, 0)), anchor.seq)
                for chain, anchor in due.items()
                if anchor is not None and limit is not None
            )
            for limit in (exported, sent)
        )
    for cut in cuts:
        after = first_head(chain_of(cut.last.seq))
        while after.seq < cut.last.seq:
            with store.read() as uow:
                piece = uow.audit.verify_piece(after, BATCH, signer.check)
            if (fault := piece.fault) is not None:
                raise AuditNotIntact(fault.seq, row_name(fault.seq), fault.because)
            after = piece.last
    return AuditPlan(cuts, unexported, unsent)


def purge_audit(store: Store, signer: AnchorSigner, plan: AuditPlan, actor: str) -> None:
    """Sign the gaps, audit them, and delete what they cover, some rows at a time.

    Also deletes what a killed purge has left. A chain that another purge has cut as far since it
    was planned is not cut again.
    """
    if plan.cuts:
        with store.begin() as uow:
            uow.audit.lock_gaps()
            gone = {chain_of(gap.last): gap.last for gap in _purged(uow)}
            cuts = [cut for cut in plan.cuts if cut.last.seq > gone.get(chain_of(cut.last.seq), 0)]
            for cut in cuts:
                first = before_first(chain_of(cut.last.seq)) + 1
                now = store.machine_clock.now()
                uow.audit.add_gap(signer.sign_gap(first, cut.last, GapKind.PURGED, now))
            if cuts:
                rows = sum(cut.rows for cut in cuts)
                until = ", ".join(row_name(cut.last.seq) for cut in cuts)
                uow.audit.append(
                    kind=ServiceKind.AUDIT_PURGED.value,
                    reference="",
                    actor=actor,
                    detail={"rows": rows, "until": until},
                )
                uow.commit()
    deleted = BATCH
    while deleted:
        with store.begin() as uow:
            deleted = uow.audit.delete_purged(BATCH)
            uow.commit()
    sign_heads(store, signer)


def _purged(uow: UnitOfWork) -> Iterator[AuditGap]:
    """Yield the gaps that purges have left, at most one of a chain."""
    return (gap for gap in uow.audit.gaps() if gap.kind is GapKind.PURGED)


def _tied_row(redacting: Mapping[int, int], kept: Mapping[int, AuditAnchor | None]) -> int | None:
    """Return a row to be deleted that records a redaction in one that stays."""

    def goes(row: int) -> bool:
        anchor = kept.get(chain_of(row))
        return anchor is not None and row <= anchor.seq

    return next((seq for seq, row in redacting.items() if goes(seq) and not goes(row)), None)
