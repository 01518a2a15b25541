"""The audit: append only, one hash chain, its head locked by whoever appends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlmodel import col

from kiosk.errors import StoreError
from kiosk.store.audit_chain import FIRST, ChainWalk, link_hash
from kiosk.store.audit_records import (
    AuditAnchor,
    AuditEvent,
    AuditFault,
    AuditHead,
    AuditPiece,
    AuditVerdict,
    FaultKind,
)
from kiosk.store.gateway import UNREADABLE, Gateway, table_of
from kiosk.store.records import Scalar
from kiosk.store.tables.base import values
from kiosk.store.tables.columns import scalars_to_text
from kiosk.store.tables.services import AuditAnchorRow, AuditEventRow, AuditHeadRow

AnchorCheck = Callable[[AuditAnchor], bool]
"""Says whether an anchor's signature is good."""

Progress = Callable[[int, int], None]
"""Takes the rows checked so far and the rows in all."""

BATCH = 1000


@dataclass(slots=True)
class _Queued:
    """An event that waits for its place in the chain; small, for an import has many."""

    at: datetime
    kind: str
    reference: str
    visit_id: str | None
    card_id: str | None
    holder_id: str | None
    station: str | None
    actor: str | None
    detail: str
    seq: int = 0
    previous: str = ""
    hash: str = ""


class Audit:
    """The chain of everything that happened."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now
        self._queue: list[_Queued] = []

    def append(
        self,
        *,
        kind: str,
        reference: str,
        visit_id: str | None = None,
        card_id: str | None = None,
        holder_id: str | None = None,
        station: str | None = None,
        actor: str | None = None,
        detail: Mapping[str, Scalar] | None = None,
    ) -> None:
        """Add one event, at the unit of work's time, to what its commit will write.

        The rows are written by ``commit`` itself, in order, so that the estate-wide lock
        on the chain's head is always the last one taken and never held for long. People
        appear by id only, so that one can be erased and the chain still verifies. Raises
        ``TypeError`` for a detail that is no scalar.
        """
        said = scalars_to_text(dict(detail or {}))
        about = visit_id, card_id, holder_id, station, actor
        self._queue.append(_Queued(self._now, kind, reference, *about, said))

    def write(self) -> None:
        """Lock the head and write what was appended; the unit of work's commit does it."""
        if not self._queue:
            return
        was = head = self._locked_head()
        for begin in range(0, len(self._queue), BATCH):
            links = self._queue[begin : begin + BATCH]
            for link in links:
                link.seq, link.previous = head.seq + 1, head.hash
                link.hash = link_hash(link)
                head = AuditHead(link.seq, link.hash)
            self._gateway.run(insert(table_of(AuditEventRow)), [values(link) for link in links])
        self._move_head(was, head)
        self._queue = []

    def head(self) -> AuditHead:
        """Return the last event's number and hash, as committed."""
        return self._head(select(AuditHeadRow)) or FIRST

    # --- looking things up ---

    def of_holder(self, holder_id: str, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events of a holder, newest first."""
        statement = select(AuditEventRow).where(col(AuditEventRow.holder_id) == holder_id)
        return self._events(statement.order_by(col(AuditEventRow.seq).desc()).limit(limit))

    def latest(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events, newest first."""
        statement = select(AuditEventRow).order_by(col(AuditEventRow.seq).desc())
        return self._events(statement.limit(limit))

    # --- anchors and verification ---

    def add_anchor(self, anchor: AuditAnchor) -> bool:
        """Store a signed head; False where somebody signed the same one at the same time."""
        insert = self._gateway.upsert(AuditAnchorRow).values(values(anchor))
        return self._gateway.run(insert.on_conflict_do_nothing()) == 1

    def anchors(self) -> tuple[AuditAnchor, ...]:
        """Return every anchor, by row number."""
        statement = select(AuditAnchorRow).order_by(col(AuditAnchorRow.seq))
        rows = self._gateway.many(statement, AuditAnchorRow)
        return tuple(row.record(AuditAnchor) for row in rows)

    def verify(
        self,
        *,
        progress: Progress | None = None,
        anchors: Iterable[AuditAnchor] | None = None,
        check: AnchorCheck | None = None,
    ) -> AuditVerdict:
        """Walk the chain and name the first row that does not fit; call it in ``store.read()``.

        ``anchors`` are those kept elsewhere (default: the table's own). Without ``check``
        their hashes are compared, but nobody looked at a signature.
        """
        head = self._head(select(AuditHeadRow))
        walk = ChainWalk(head, self.anchors() if anchors is None else anchors, check)
        fault = self._walk(walk, head.seq if head else 0, progress) or walk.finish()
        return AuditVerdict(walk.rows, walk.anchors_seen, walk.anchored_to, fault)

    def verify_piece(self, after: AuditHead, most: int, check: AnchorCheck) -> AuditPiece:
        """Walk on from row ``after``, which fitted, over at most about ``most`` rows.

        Called again and again with what it returned, it verifies as ``verify`` does, against
        the table's own anchors, and nobody waits for it for long.
        """
        walk = ChainWalk(self._head(select(AuditHeadRow)), self.anchors(), check, after)
        fault = self._walk(walk, 0, None, most)
        over = fault is not None or self._is_last(walk.last)
        fault = walk.finish() if over and fault is None else fault
        return AuditPiece(walk.last, over, fault)

    def _is_last(self, row: AuditHead) -> bool:
        return self._gateway.scalar(_following(select(col(AuditEventRow.seq)), row.seq)) is None

    def _walk(
        self, walk: ChainWalk, total: int, progress: Progress | None, most: int | None = None
    ) -> AuditFault | None:
        begin = walk.rows
        after = begin or None  # from the very first row on: one below 1 would be an added one
        while (most is None or walk.rows - begin < most) and (rows := self._batch(after)):
            if isinstance(rows, AuditFault):
                return rows
            for row in rows:
                if (fault := walk.step(row)) is not None:
                    return fault
            after = rows[-1].seq
            if progress is not None:
                progress(walk.rows, max(total, walk.rows))
        return None

    def _batch(self, after: int | None) -> list[AuditEventRow] | AuditFault:
        for limit in (BATCH, 1):
            statement = _following(select(AuditEventRow), after).limit(limit)
            try:
                return list(self._gateway.many(statement, AuditEventRow))
            except StoreError as error:
                if error.code != UNREADABLE:
                    raise
        seq = self._gateway.scalar(_following(select(col(AuditEventRow.seq)), after))
        return AuditFault(FaultKind.CHANGED, seq, f"row {seq} cannot be read any more")

    # --- the head ---

    def _locked_head(self) -> AuditHead:
        head = self._head(select(AuditHeadRow).with_for_update())
        if head is None:
            raise StoreError("the audit has lost its head", "audit")
        return head

    def _head(self, statement: Select[AuditHeadRow]) -> AuditHead | None:
        row = self._gateway.one(statement, AuditHeadRow)
        return row.record(AuditHead) if row else None

    def _move_head(self, was: AuditHead, to: AuditHead) -> None:
        statement = update(AuditHeadRow).where(col(AuditHeadRow.seq) == was.seq)
        if self._gateway.run(statement.values(values(to))) != 1:
            raise StoreError("the audit's head was moved by another writer", "audit")

    def _events(self, statement: Select[AuditEventRow]) -> tuple[AuditEvent, ...]:
        return tuple(event_of(row) for row in self._gateway.many(statement, AuditEventRow))


def _following(statement: Select[Any], after: int | None) -> Select[Any]:
    seq = col(AuditEventRow.seq)
    return (statement if after is None else statement.where(seq > after)).order_by(seq)


def event_of(row: AuditEventRow) -> AuditEvent:
    """Return a row's record; a detail that was overwritten with no JSON reads as such."""
    try:
        detail = json.loads(row.detail)
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        detail = {"unreadable": True}
    return AuditEvent(**row.model_dump(exclude={"detail"}), detail=detail)
