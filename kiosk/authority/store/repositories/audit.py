"""The audit: append only, one hash chain, its head locked by whoever appends."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlmodel import col

from kiosk.authority.store.audit_chain import (
    FIRST,
    REDACTED,
    ChainWalk,
    detail_digest,
    link_hash,
)
from kiosk.authority.store.gateway import UNREADABLE, Gateway, table_of
from kiosk.authority.store.records import (
    AuditAnchor,
    AuditEvent,
    AuditFault,
    AuditHead,
    AuditPiece,
    AuditQuery,
    AuditVerdict,
    FaultKind,
    Scalar,
)
from kiosk.authority.store.tables import (
    AuditAnchorRow,
    AuditEventRow,
    AuditHeadRow,
    scalars_to_text,
    values,
)
from kiosk.contract.errors import StoreError

AnchorCheck = Callable[[AuditAnchor], bool]
"""Says whether an anchor's signature is good."""

Progress = Callable[[int, int], None]
"""Takes the rows checked so far and the rows in all."""

BATCH = 1000

_SALT = 16
"""Bytes, drawn for each event."""

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import AuditMacs


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
    salt: str = ""
    detail_sha256: str = ""
    seq: int = 0
    previous: str = ""
    hash: str = ""
    mac: str = ""
    mac_key: str = ""


class Audit:
    """The chain of everything that happened."""

    def __init__(self, gateway: Gateway, now: datetime, macs: AuditMacs | None = None) -> None:
        self._gateway = gateway
        self._now = now
        self._macs = macs
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
                link.salt = secrets.token_hex(_SALT)
                link.detail_sha256 = detail_digest(link.salt, link.detail)
                link.hash = link_hash(link)
                if self._macs is not None:
                    link.mac, link.mac_key = self._macs.tag(link.seq, link.hash)
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
        if self.anchor_at(anchor.seq) is not None:
            return False  # SQLite's trigger would refuse the whole statement
        insert = self._gateway.upsert(AuditAnchorRow).values(values(anchor))
        return self._gateway.run(insert.on_conflict_do_nothing()) == 1

    def anchors(self) -> tuple[AuditAnchor, ...]:
        """Return every anchor, by row number."""
        return self._anchors(select(AuditAnchorRow).order_by(col(AuditAnchorRow.seq)))

    def newest_anchors(self, before: int | None = None, limit: int = 10) -> tuple[AuditAnchor, ...]:
        """Return some anchors, the newest first, from before row ``before`` on."""
        seq = col(AuditAnchorRow.seq)
        statement = select(AuditAnchorRow).order_by(seq.desc()).limit(limit)
        return self._anchors(statement if before is None else statement.where(seq < before))

    def anchor_at(self, seq: int) -> AuditAnchor | None:
        """Return the anchor of a row."""
        found = self._anchors(select(AuditAnchorRow).where(col(AuditAnchorRow.seq) == seq))
        return found[0] if found else None

    def _anchors(self, statement: Select[AuditAnchorRow]) -> tuple[AuditAnchor, ...]:
        rows = self._gateway.many(statement, AuditAnchorRow)
        return tuple(row.record(AuditAnchor) for row in rows)

    def _anchors_of(self, after: int, most: int) -> tuple[AuditAnchor, ...]:
        """Return those of a piece of the chain, and the last one of all."""
        seq = col(AuditAnchorRow.seq)
        within = select(AuditAnchorRow).where(seq.between(after, after + most + BATCH))
        return (*self._anchors(within), *self.newest_anchors(limit=1))

    def verify(
        self,
        *,
        progress: Progress | None = None,
        anchors: Iterable[AuditAnchor] | None = None,
        check: AnchorCheck | None = None,
        keyed: bool = True,
    ) -> AuditVerdict:
        """Walk the chain and name the first row that does not fit; call it in ``store.read()``.

        ``anchors`` are those kept elsewhere (default: the table's own). Without ``check``
        their hashes are compared, but nobody looked at a signature. The MACs of the rows are
        checked where the store has their keys, unless ``keyed`` is false.
        """
        head, macs = self._head(select(AuditHeadRow)), self._macs if keyed else None
        known = self.anchors() if anchors is None else anchors
        walk = ChainWalk(head, known, check, macs=macs, redacted=self._redacted())
        fault = self._walk(walk, head.seq if head else 0, progress) or walk.finish()
        checked = macs is not None
        return AuditVerdict(walk.rows, walk.anchors_seen, walk.anchored_to, fault, checked)

    def verify_piece(self, after: AuditHead, most: int, check: AnchorCheck) -> AuditPiece:
        """Walk on from row ``after``, which fitted, over at most about ``most`` rows.

        Called again and again with what it returned, it verifies as ``verify`` does, against
        the table's own anchors, and nobody waits for it for long.
        """
        head, anchors = self._head(select(AuditHeadRow)), self._anchors_of(after.seq, most)
        if (gone := self._missed(after)) is not None:
            return AuditPiece(after, over=True, fault=gone)
        walk = ChainWalk(head, anchors, check, after, self._macs, self._redacted())
        fault = self._walk(walk, 0, None, most)
        over = fault is not None or self._is_last(walk.last)
        fault = walk.finish() if over and fault is None else fault
        return AuditPiece(walk.last, over, fault)

    def _missed(self, row: AuditHead) -> AuditFault | None:
        same = select(col(AuditEventRow.hash)).where(col(AuditEventRow.seq) == row.seq)
        there = self._gateway.scalar(same)
        if row == FIRST or there == row.hash:
            return None
        kind = FaultKind.CUT if there is None else FaultKind.CHANGED
        because = f"row {row.seq}, which fitted before, is not there any more as it was"
        return AuditFault(kind, row.seq, because)

    def _redacted(self) -> frozenset[int]:
        """Return the rows of which the audit itself says that their detail was redacted."""
        rows = (said.get("row") for said in self._redactions() if said.get("what") == "detail")
        return frozenset(row for row in rows if isinstance(row, int))

    def redacted_notes(self) -> frozenset[str]:
        """Return the ids of the notes of which the audit says that their texts were redacted."""
        notes = (said.get("of_note") for said in self._redactions())
        return frozenset(note for note in notes if isinstance(note, str))

    def _redactions(self) -> list[dict[str, Scalar]]:
        says = select(col(AuditEventRow.detail)).where(col(AuditEventRow.kind) == REDACTED)
        return [_parsed(detail) for (detail,) in self._gateway.tuples(says)]

    def redact_detail(self, seq: int) -> bool:
        """Take the detail out of a row, with its salt; False where there is none.

        The same unit of work has to append the event that says so.
        """
        row = col(AuditEventRow.seq) == seq, col(AuditEventRow.detail).is_not(None)
        statement = update(AuditEventRow).where(*row)
        return self._gateway.run(statement.values(detail=None, salt=None)) == 1

    def get(self, seq: int) -> AuditEvent | None:
        """Return one event."""
        found = self._events(select(AuditEventRow).where(col(AuditEventRow.seq) == seq))
        return found[0] if found else None

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
    said = row.model_dump(exclude={"detail", "salt", "detail_sha256", "mac", "mac_key"})
    return AuditEvent(**said, detail=_parsed(row.detail))


def _parsed(text: str | None) -> dict[str, Scalar]:
    if text is None:
        return {"redacted": True}
    try:
        detail = json.loads(text)
    except ValueError:
        detail = None
    return detail if isinstance(detail, dict) else {"unreadable": True}


# The audit as staff read it: filtered, newest or oldest first, from any row on.
#
# Whatever narrows it is looked up in an index that ends with the row's number, so a page costs
# the same at the beginning of the audit and at its end. Rows are numbered in the order in which
# they were written. Their times are those of the stations' clocks, which may disagree a little:
# so a span of time becomes the span of numbers that holds all of it.

Conditions = Sequence[ColumnElement[bool]]


class AuditTrail:
    """Reads what ``Audit`` writes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def newest(
        self, query: AuditQuery, before: int | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        """Return the newest events before row ``before``, newest first."""
        seq = col(AuditEventRow.seq)
        beyond = () if before is None else (seq < before,)
        return self._events(query, beyond, seq.desc(), limit)

    def oldest(self, query: AuditQuery, after: int = 0, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the oldest events after row ``after``, oldest first."""
        seq = col(AuditEventRow.seq)
        return self._events(query, (seq > after,), seq.asc(), limit)

    def count(self, query: AuditQuery) -> int:
        """Return how many there are."""
        statement = select(func.count()).select_from(AuditEventRow)
        count: int = self._gateway.scalar(statement.where(*self._conditions(query)))
        return count

    def last_by_actor(self, kind: str) -> dict[str, datetime]:
        """Return when each actor last caused an event of a kind."""
        actor = col(AuditEventRow.actor)
        latest = select(actor, func.max(col(AuditEventRow.at))).where(
            col(AuditEventRow.kind) == kind
        )
        rows = self._gateway.tuples(latest.where(actor.is_not(None)).group_by(actor))
        return {str(actor): at for actor, at in rows}

    def _events(
        self, query: AuditQuery, beyond: Conditions, order: Any, limit: int
    ) -> tuple[AuditEvent, ...]:
        wanted = select(AuditEventRow).where(*self._conditions(query), *beyond)
        rows = self._gateway.many(wanted.order_by(order).limit(limit), AuditEventRow)
        return tuple(event_of(row) for row in rows)

    def _conditions(self, query: AuditQuery) -> Conditions:
        if query.since is None and query.until is None:
            return named(query)
        first, last = self._gateway.tuples(numbers_within(query))[0]
        numbers = col(AuditEventRow.seq).between(first or 1, last or 0)
        return (*named(query), *_within(query), numbers)


def named(query: AuditQuery) -> Conditions:
    """Return what a query says about anything but time."""
    row = AuditEventRow
    same = (
        (col(row.holder_id), query.holder_id),
        (col(row.station), query.station),
        (col(row.kind), query.kind),
        (col(row.reference), query.reference),
    )
    conditions = [column == wanted for column, wanted in same if wanted is not None]
    if query.actors is not None:
        conditions.append(col(row.actor).in_(query.actors))
    if query.holder_ids is not None:
        conditions.append(col(row.holder_id).in_(query.holder_ids))
    if query.kinds is not None:
        conditions.append(col(row.kind).in_(sorted(query.kinds)))
    if query.without:
        conditions.append(col(row.kind).not_in(sorted(query.without)))
    return conditions


def numbers_within(query: AuditQuery) -> Select[int, int]:
    """Return what finds the least and the greatest number of the rows in a span of time.

    The sum keeps either database from walking the numbers themselves, from the far end.
    """
    number = col(AuditEventRow.seq) + 0
    return select(func.min(number), func.max(number)).where(*_within(query))


def _within(query: AuditQuery) -> Conditions:
    at = col(AuditEventRow.at)
    since = [] if query.since is None else [at >= query.since]
    return [*since, *([] if query.until is None else [at < query.until])]
