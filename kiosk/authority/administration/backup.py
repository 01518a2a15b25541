"""Backups of the database, and what has to happen to one that is restored.

Everything after a backup is lost: visits, codes, attempts, blocks, acts of staff. After a restore,
therefore, nothing that was open continues, and the audit records a gap. The numbers of lost rows
are not reused, nor are those of an earlier restore of the same backup: an anchor that was signed
for one of them is then no contradiction, but shows how much was lost. Cards that got another
unblock secret since the backup still open, because secrets derive from one another
(``SecretSource``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kiosk.authority.administration.office import expire
from kiosk.authority.administration.verification import verify_audit
from kiosk.authority.administration.views import Progress
from kiosk.authority.audit.anchors import AnchorSigner, newest_good, sign_heads
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.audit.rows import before_first, chain_of, place_of, row_name
from kiosk.authority.errors import AuditNotIntact, StoreError
from kiosk.authority.records import AuditAnchor, AuditHead, GapKind, Restore
from kiosk.authority.store.audit_chain import first_head
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.sqlite_file import copy_file
from kiosk.authority.visit.registration import stop_change, stop_further
from kiosk.contract.messages import VisitEnd

SKIPPED: Final = 10_000_000
"""The least number of rows that a chain skips after a restore: more than can be lost unnoticed."""

ROWS_A_MINUTE: Final = 10_000
"""More than a chain gets: a number that continues from the present minute is after all before."""

_EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""Minutes since then number the secrets after a restore; no card gets one each minute."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore ended, and the last remaining row of each chain, as the audit has it."""

    visits: int
    codes: int
    address_changes: int
    proposals: int
    saved_codes: int
    """Of how many people: some may have been used since."""
    until: str


def back_up(
    store: Store, signer: AnchorSigner, source: Path, target: Path, actor: str, progress: Progress
) -> None:
    """Copy the database of ``store``, which stays in use, into a new file; the audit records it.

    A copy that could not be audited is deleted. Raises ``StoreError``, and ``AuditNotIntact``: a
    damaged copy is no backup.
    """
    sign_heads(store, signer)
    copy_file(source, target, progress)
    try:
        kind = ServiceKind.STORE_BACKED_UP.value
        store.record_event(kind, actor=actor, detail={"file": target.name})
    except StoreError:
        target.unlink()
        raise


def verify_copy(
    store: Store,
    signer: AnchorSigner,
    elsewhere: Iterable[AuditAnchor],
    there: Mapping[int, int],
    progress: Progress,
) -> dict[int, int]:
    """Verify the audit of a backup; raises ``AuditNotIntact``.

    Anchors of rows that it does not have yet are no fault. Return the last lost row by chain, as
    they, or the rows that were ``there``, show it.
    """
    with store.read() as uow:
        ends = {chain_of(head.seq): head.seq for head in uow.audit.heads()}
    anchors = [anchor for anchor in elsewhere if signer.check(anchor)]
    lost: dict[int, int] = {}
    for row in (*there.values(), *(anchor.seq for anchor in anchors)):
        chain = chain_of(row)
        if row > max(ends.get(chain, before_first(chain)), lost.get(chain, 0)):
            lost[chain] = row
    known = [one for one in anchors if one.seq <= ends.get(chain_of(one.seq), 0)]
    fault = verify_audit(store, signer, known, progress).fault
    if fault is not None:
        raise AuditNotIntact(fault.seq, row_name(fault.seq), fault.because)
    return lost


def conclude_restore(
    store: Store,
    signer: AnchorSigner,
    actor: str,
    lost: Mapping[int, int],
    altered: Iterable[tuple[str, str]] = (),
) -> Restored:
    """End what was open in a restored database, and mark the gap in its audit.

    ``lost`` is the last row by chain that is known to be lost. Rows that are ``altered``, table and
    key, stay as they are: nobody is served by them.
    """
    now = store.machine_clock.now()
    left = defaultdict[str, set[str]](set)
    for table, row in altered:
        left[table].add(row)
    with store.begin() as uow:
        visits = uow.visits.close_all(uow.now, VisitEnd.FAULT, but=left["visit"])
        codes = uow.codes.revoke_every(but=left["email_code"])
        waiting = [
            change
            for change in uow.addresses.every_waiting(but=left["address"])
            if change.visit_id not in left["visit"]
        ]
        for change in waiting:
            stop_change(uow, change.holder_id)
        for holder_id in uow.addresses.holders_with_further_waiting(but=left["address"]):
            if holder_id not in left["registration"]:
                stop_further(uow, holder_id)
        saved = uow.registrations.drop_every_saved_code(but=left["registration"])
        proposals = expire(uow, uow.proposals.waiting())
        uow.pending.delete_all()
        uow.enrolments.close_unused()  # a line that was used since would let another key in
        # The clock may be behind, as on a new machine: numbers of before would come again.
        signed = (newest_good(uow, signer, chain) for chain in uow.audit.chains())
        latest = max([now, *(anchor.signed_at for anchor in signed if anchor)])
        until = _mark_gaps(uow, signer, lost, now, latest)
        former = uow.restores.newest(1)
        least = former[0].generations_from + 1 if former else 1
        uow.restores.add(Restore(uow.now, max(_minutes(latest), least)))
        done = Restored(visits, codes, len(waiting), proposals, saved, until)
        uow.audit.append(
            kind=ServiceKind.STORE_RESTORED.value,
            reference="",
            actor=actor,
            detail=asdict(done),
        )
        uow.commit()
    sign_heads(store, signer)
    return done


def _mark_gaps(
    uow: UnitOfWork, signer: AnchorSigner, lost: Mapping[int, int], now: datetime, latest: datetime
) -> str:
    """Continue each chain after the largest number that it can have had by ``latest``."""
    heads = {chain_of(head.seq): head for head in uow.audit.heads()}
    marked = []
    for chain in range(1, max((*heads, *lost), default=0) + 1):
        head = heads.get(chain, first_head(chain))
        largest = max(head.seq, lost.get(chain, 0))
        if place_of(largest) == 0 and chain in heads:
            continue
        by_time = before_first(chain) + _minutes(latest) * ROWS_A_MINUTE
        last = AuditHead(max(largest + SKIPPED, by_time), head.hash)
        uow.audit.add_gap(signer.sign_gap(head.seq + 1, last, GapKind.RESTORED, now))
        marked.append(row_name(head.seq))
    return ", ".join(marked)


def _minutes(now: datetime) -> int:
    return int((now - _EPOCH).total_seconds() // 60)
