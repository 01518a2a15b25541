"""The audit: append only, in hash chains; each writer appends to one that nobody else holds."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from kiosk.authority.audit.rows import (
    ROWS_A_CHAIN,
    before_first,
    chain_of,
    place_of,
    row_name,
)
from kiosk.authority.errors import NotFound, RowAltered, StoreError, ValueUnreadable
from kiosk.authority.records import (
    AuditAnchor,
    AuditEvent,
    AuditFault,
    AuditGap,
    AuditHead,
    AuditPiece,
    AuditQuery,
    AuditVerdict,
    FaultKind,
    GapKind,
    Progress,
    Scalar,
    Signed,
    Sought,
    UnblockEntry,
    Visit,
)
from kiosk.authority.refusals import NoSuchRow
from kiosk.authority.store.audit_chain import (
    REDACTED,
    ChainLink,
    ChainWalk,
    detail_digest,
    first_head,
    link_hash,
)
from kiosk.authority.store.gateway import Gateway, Prepared, Repository, table_of
from kiosk.authority.store.tables import (
    ROW_NUMBER,
    ActionNoteRow,
    AuditAnchorRow,
    AuditEventRow,
    AuditGapRow,
    AuditHeadRow,
    PolicySettingRow,
    UnblockRow,
    UtcDateTime,
    col,
    scalars_to_text,
    values,
)

_HEADS, _EVENTS = table_of(AuditHeadRow), table_of(AuditEventRow)

JOINED = 8
"""Rows that one statement writes together with the move of their head; an import has more."""

_UNMOVED = (
    select(_HEADS.c.chain)
    .where(
        _HEADS.c.chain == bindparam("chain_moved", type_=_HEADS.c.chain.type),
        _HEADS.c.seq == bindparam("seq_before", type_=_HEADS.c.seq.type),
        _HEADS.c.hash == bindparam("hash_before", type_=_HEADS.c.hash.type),
    )
    .with_for_update(skip_locked=True)
)
MOVE = (
    update(_HEADS)
    .where(_HEADS.c.chain.in_(_UNMOVED))
    .values(
        seq=bindparam("seq_after", type_=_HEADS.c.seq.type),
        hash=bindparam("hash_after", type_=_HEADS.c.hash.type),
    )
)
"""Moves a head that has not changed and that nobody has locked."""


@cache
def _move_and_insert(rows: int) -> Prepared:
    """Return the statement that moves a head and, if it moved, inserts so many rows."""
    moved = MOVE.returning(_HEADS.c.chain).cte("moved")
    names = [field.name for field in fields(ChainLink)]
    each = (
        select(*(bindparam(f"{name}_{row}", type_=_EVENTS.c[name].type) for name in names))
        for row in range(rows)
    )
    written = union_all(*(one.select_from(moved) for one in each))
    return Prepared(insert(_EVENTS).from_select(names, written))


_ENTRIES = table_of(UnblockRow)


@cache
def _before_release(of_holder: tuple[str, ...], of_station: tuple[str, ...], ever: str) -> Prepared:
    """Return the statement of ``Audit.before_release``: each part has an index."""
    kind, at = _EVENTS.c.kind, _EVENTS.c.at
    of_card = _ENTRIES.c.card_id == bindparam("card"), _ENTRIES.c.closed_at.is_(None)
    entries = select(*_ENTRIES.c, *(cast(null(), each.type) for each in _EVENTS.c)).where(
        or_(_ENTRIES.c.visit_id == bindparam("visit"), and_(*of_card))
    )
    events = select(*(cast(null(), each.type) for each in _ENTRIES.c), *_EVENTS.c)
    lasting = or_(*(kind == each for each in of_holder))
    theirs = _EVENTS.c.holder_id == bindparam("holder"), or_(at >= bindparam("since"), lasting)
    stations = [and_(kind == each, _EVENTS.c.station == bindparam("at")) for each in of_station]
    return Prepared(
        union_all(entries, events.where(*theirs), events.where(or_(kind == ever, *stations)))
    )


SignatureCheck = Callable[[Signed], bool]
"""Returns whether the signature of an anchor, or of a gap, is good."""

BATCH = 1000

_SALT = 16
"""Bytes, drawn for each event."""

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import AuditMacs


class Audit(Repository):
    """The chains of everything that happened.

    Their number is the largest number of concurrent writers so far; SQLite, where a writer is
    alone, has one. ``known`` are the heads of the chains that this process wrote to. A unit of work
    takes one, and puts it back with its commit: one that was lost is read again.
    """

    def __init__(
        self, gateway: Gateway, now: datetime, known: list[AuditHead], macs: AuditMacs | None = None
    ) -> None:
        super().__init__(gateway, now)
        self._known = known
        self._macs = macs
        self._queue: list[ChainLink] = []
        self._written: AuditHead | None = None

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

        ``commit`` writes the rows, in order and in one chain, so that the lock on its head is
        always the last one taken and never held for long. People appear by id only, so that one can
        be erased and the chain still verifies. Raises ``TypeError`` for a detail that is no scalar.
        """
        written = scalars_to_text(dict(detail or {}))
        about = visit_id, card_id, holder_id, station, actor
        self._queue.append(ChainLink(self._now, kind, reference, *about, written))

    def write(self) -> None:
        """Take a chain and write what was appended."""
        if not self._queue:
            return
        was: AuditHead | None = None
        with suppress(IndexError):  # other threads take some, too
            was = self._known.pop()
        head = self._linked(was) if was else None
        if was is None or head is None or not self._written_after(was, head):
            # No head is known, or another process has written to that chain since.
            was = self._free_head(other_than=was)
            head = self._linked(was)
            if not self._written_after(was, head):
                raise StoreError("the audit's head was moved by another writer", "audit")
        self._queue, self._written = [], head

    def committed(self) -> None:
        if self._written is not None:
            self._known.append(self._written)

    def _linked(self, head: AuditHead) -> AuditHead:
        """Link the waiting events to ``head``; return the new head."""
        for link in self._queue:
            link.seq, link.previous = head.seq + 1, head.hash
            link.salt = secrets.token_hex(_SALT)
            link.detail_sha256 = detail_digest(link.salt, link.detail)
            link.hash = link_hash(link)
            if self._macs is not None:
                link.mac, link.mac_key = self._macs.tag(link.seq, link.hash)
            head = AuditHead(link.seq, link.hash)
        return head

    def _written_after(self, was: AuditHead, head: AuditHead) -> bool:
        """Move the chain's head and write its rows; return False if it has moved or is locked."""
        moved = {
            "chain_moved": chain_of(was.seq),
            "seq_before": was.seq,
            "hash_before": was.hash,
            "seq_after": head.seq,
            "hash_after": head.hash,
        }
        if self._gateway.joins_writes and len(self._queue) <= JOINED:
            rows = {
                f"{n}_{i}": v for i, link in enumerate(self._queue) for n, v in values(link).items()
            }
            return self._gateway.run(_move_and_insert(len(self._queue)), [moved | rows]) > 0
        if self._gateway.run(MOVE, [moved]) == 0:
            return False
        for begin in range(0, len(self._queue), BATCH):
            links = self._queue[begin : begin + BATCH]
            self._gateway.run(insert(_EVENTS), [values(link) for link in links])
        return True

    def heads(self) -> tuple[AuditHead, ...]:
        """Return the end of each chain, as committed, by its number."""
        ordered = select(AuditHeadRow).order_by(col(AuditHeadRow.chain))
        return self._all(AuditHead, AuditHeadRow, ordered)

    # --- anchors and verification ---

    def add_anchor(self, anchor: AuditAnchor) -> bool:
        """Store a signed head; return False where somebody signed the same one at the same time."""
        if self.anchor_at(anchor.seq) is not None:
            return False  # SQLite's trigger would refuse the whole statement
        return self._gateway.add_new(AuditAnchorRow, values(anchor))

    def anchors(self) -> tuple[AuditAnchor, ...]:
        ordered = select(AuditAnchorRow).order_by(col(AuditAnchorRow.seq))
        return self._all(AuditAnchor, AuditAnchorRow, ordered)

    def newest_anchors(
        self,
        chain: int,
        before: int | None = None,
        limit: int = 10,
        signed_before: datetime | None = None,
    ) -> tuple[AuditAnchor, ...]:
        """Return the newest first, from before row ``before``."""
        seq, begin = col(AuditAnchorRow.seq), before_first(chain)
        end = begin + ROWS_A_CHAIN if before is None else before
        within = select(AuditAnchorRow).where(seq > begin, seq < end)
        if signed_before is not None:
            within = within.where(col(AuditAnchorRow.signed_at) < signed_before)
        newest = within.order_by(seq.desc()).limit(limit)
        return self._all(AuditAnchor, AuditAnchorRow, newest)

    def first_signed_within(self, chain: int, since: datetime, until: datetime) -> int | None:
        """Return the first row whose anchor says that it was signed in a span."""
        seq, begin = col(AuditAnchorRow.seq), before_first(chain)
        signed = col(AuditAnchorRow.signed_at).between(since, until)
        first = select(func.min(seq)).where(seq > begin, seq < begin + ROWS_A_CHAIN, signed)
        found: int | None = self._gateway.scalar(first)
        return found

    def anchor_at(self, seq: int) -> AuditAnchor | None:
        same = select(AuditAnchorRow).where(col(AuditAnchorRow.seq) == seq)
        return self._one(AuditAnchor, AuditAnchorRow, same)

    def verify(
        self,
        *,
        progress: Progress | None = None,
        elsewhere: Iterable[AuditAnchor] = (),
        check: SignatureCheck | None = None,
        keyed: bool = True,
    ) -> AuditVerdict:
        """Walk every chain and return the first row that does not fit; call it in ``store.read()``.

        The chains have to fit the table's anchors, and those kept ``elsewhere``. Without ``check``
        their hashes are compared, but not their signatures. The MACs of the rows are checked where
        the store has their keys, unless ``keyed`` is false.
        """
        macs, redacted = self._macs if keyed else None, self._redacted()
        known = tuple(dict.fromkeys((*elsewhere, *self.anchors())))
        heads = {chain_of(head.seq): head for head in self.heads()}
        gaps = self.gaps()
        total = self.count_rows()
        rows = seen = anchored = 0

        def in_all(before: int, done: int) -> None:
            if progress is not None:
                progress(before + done, max(total, before + done))

        fault = _bad_gap(gaps, check)
        for chain in self.chains(known):
            if fault is not None:
                break
            own = (anchor for anchor in known if chain_of(anchor.seq) == chain)
            of_chain = [gap for gap in gaps if chain_of(gap.last) == chain]
            begin = self.begin(chain, of_chain)
            walk = ChainWalk(heads.get(chain), own, check, begin, macs, redacted, of_chain)
            fault = self._walk(walk, partial(in_all, rows)) or walk.finish()
            rows += walk.rows
            seen += walk.anchors_seen
            anchored += walk.anchored
        return AuditVerdict(rows, seen, anchored, fault, macs is not None, gaps)

    def count_rows(self) -> int:
        ends = sum(place_of(head.seq) for head in self.heads())
        lost = sum(gap.last - gap.first + 1 for gap in self.gaps())
        return ends - lost

    def chains(self, elsewhere: Iterable[AuditAnchor] = ()) -> range:
        """Return the numbers of all chains there are, or were: by heads, rows and anchors.

        Numbers are assigned without a gap, so a missing one was deleted. Anchors that are kept
        ``elsewhere`` count, too.
        """
        numbers = AuditEventRow.seq, AuditHeadRow.seq, AuditAnchorRow.seq, AuditGapRow.last_row
        found = [self._gateway.scalar(select(func.max(col(number)))) for number in numbers]
        found += [anchor.seq for anchor in elsewhere]
        return range(1, max(chain_of(seq or 0) for seq in found) + 1)

    def verify_piece(self, after: AuditHead, most: int, check: SignatureCheck) -> AuditPiece:
        """Walk on from row ``after``, which fitted, over at most about ``most`` rows of its chain.

        Repeated calls, each with the result of the one before, verify as ``verify`` does, against
        the table's anchors, without blocking others for long.
        """
        chain = chain_of(after.seq)
        gaps = self.gaps(chain)
        if (bad := _bad_gap(gaps, check)) is not None:
            return AuditPiece(after, over=True, fault=bad)
        begin, ends = self.begin(chain, gaps), [AuditHead(gap.last, gap.hash) for gap in gaps]
        if after.seq < begin.seq:
            after = begin  # what came before was purged since
        elif after not in (begin, *ends) and (gone := self._missed(after)) is not None:
            return AuditPiece(after, over=True, fault=gone)
        of_chain = select(AuditHeadRow).where(col(AuditHeadRow.chain) == chain)
        head = self._one(AuditHead, AuditHeadRow, of_chain)
        seq, until = col(AuditAnchorRow.seq), min(after.seq + most + BATCH, before_first(chain + 1))
        within = select(AuditAnchorRow).where(seq.between(after.seq, until))
        near = self._all(AuditAnchor, AuditAnchorRow, within)
        anchors = (*near, *self.newest_anchors(chain, limit=1))
        walk = ChainWalk(head, anchors, check, after, self._macs, self._redacted(), gaps)
        fault = self._walk(walk, None, most)
        beyond = _following(select(col(AuditEventRow.seq)), walk.last.seq).limit(1)
        over = fault is not None or self._gateway.scalar(beyond) is None
        fault = walk.finish() if over and fault is None else fault
        return AuditPiece(walk.last, over, fault)

    # --- rows that are absent for a good reason ---

    def gaps(self, chain: int | None = None) -> tuple[AuditGap, ...]:
        """Return all, or those of a chain, by row number."""
        last, within = col(AuditGapRow.last_row), select(AuditGapRow)
        if chain is not None:
            within = within.where(last.between(before_first(chain), before_first(chain + 1)))
        found: dict[int, list[AuditGap]] = {}
        for row in self._gateway.many(within.order_by(last), AuditGapRow):
            of_chain = found.setdefault(chain_of(row.last_row), [])
            if row.kind is GapKind.PURGED:
                of_chain.clear()  # they are part of this later purge
            of_chain.append(row.record(AuditGap, first=row.first_row, last=row.last_row))
        return tuple(gap for of_chain in found.values() for gap in of_chain)

    def lock_gaps(self) -> None:
        """Let nobody else who calls this cut a chain until the end."""
        self._gateway.take_turns("audit-gaps")

    def add_gap(self, gap: AuditGap) -> None:
        """Store a signed gap; a restored gap moves its chain's head behind it."""
        fields = values(gap, without={"first", "last"})
        self._gateway.add(AuditGapRow, {**fields, "first_row": gap.first, "last_row": gap.last})
        if gap.kind is GapKind.RESTORED:
            moved = {"seq": gap.last, "hash": gap.hash}
            head = self._gateway.upsert(AuditHeadRow).values(chain=chain_of(gap.last), **moved)
            self._gateway.run(head.on_conflict_do_update(index_elements=["chain"], set_=moved))

    def count_between(self, after: int, last: int) -> int:
        seq = col(AuditEventRow.seq)
        within = select(func.count()).where(seq > after, seq <= last)
        return self._gateway.count(within)

    def rows(self, after: int, last: int, limit: int) -> Sequence[AuditEventRow]:
        """Return rows by number, after one, up to row ``last``."""
        seq = col(AuditEventRow.seq)
        within = select(AuditEventRow).where(seq > after, seq <= last)
        return self._gateway.many(within.order_by(seq).limit(limit), AuditEventRow)

    def is_ours(self, seq: int) -> bool:
        """Return whether the service wrote a row as it stands: by its hashes and its MAC."""
        same = select(AuditEventRow).where(col(AuditEventRow.seq) == seq)
        row = self._gateway.one(same, AuditEventRow)
        if row is None:
            return False
        before = AuditHead(seq - 1, row.previous)
        return ChainWalk(None, last=before, macs=self._macs).step(row) is None

    def before_release(
        self,
        visit: Visit,
        since: datetime,
        *,
        of_holder: tuple[str, ...],
        of_station: tuple[str, ...],
        ever: str,
    ) -> tuple[tuple[UnblockEntry, ...], tuple[AuditEvent, ...]]:
        """Return the journal's entries of a visit, and the card's open one, with the audit's word.

        That are the holder's events ``since`` then and those of the kinds ``of_holder`` from any
        time, the kinds ``of_station`` of the visit's station, and the kind ``ever``; the oldest
        first. Raises ``RowAltered`` for one that the service did not write.
        """
        names = {"visit": visit.id, "card": visit.card_id, "holder": visit.holder_id}
        found = self._gateway.joined(
            _before_release(of_holder, of_station, ever),
            (UnblockRow, AuditEventRow),
            names | {"since": since, "at": visit.station},
        )
        entries = tuple(entry.record(UnblockEntry) for entry, _ in found if entry is not None)
        rows = [row for _, row in found if row is not None]
        return entries, self._verified(rows)

    def verified(self, query: AuditQuery) -> tuple[AuditEvent, ...]:
        """Return all of a few events for a decision, the oldest first.

        Raises ``RowAltered`` for one that the service did not write.
        """
        wanted = select(AuditEventRow).where(*_conditions(query))
        return self._verified(self._gateway.many(wanted, AuditEventRow))

    def _verified(self, rows: Sequence[AuditEventRow]) -> tuple[AuditEvent, ...]:
        for row in rows:
            # A redaction leaves the row's hash and MAC, which cover the digest of its detail.
            before, gone = AuditHead(row.seq - 1, row.previous), (row.seq,)
            if ChainWalk(None, last=before, macs=self._macs, redacted=gone).step(row) is not None:
                raise RowAltered("audit_event", row_name(row.seq))
        return tuple(map(event_of, sorted(rows, key=lambda row: (row.at, row.seq))))

    def delete_purged(self, most: int) -> int:
        """Delete some rows that gaps record as purged, the oldest first; return how many.

        Their reasons are deleted with them, except the reason of a setting that is still in force.
        """
        for gap in self.gaps():
            if gap.kind is not GapKind.PURGED:
                continue
            seq = col(AuditEventRow.seq)
            rows = select(seq).where(seq.between(gap.first, gap.last)).order_by(seq)
            until = self._gateway.scalar(rows.offset(most - 1).limit(1)) or gap.last
            some = seq.between(gap.first, until)
            details = self._gateway.tuples(select(col(AuditEventRow.detail)).where(some))
            notes = {str(parsed_detail(detail).get("note") or "") for (detail,) in details}
            held = select(col(PolicySettingRow.note_id))
            note = col(ActionNoteRow.id)
            self._gateway.run(delete(ActionNoteRow).where(note.in_(notes), note.not_in(held)))
            if deleted := self._gateway.run(delete(AuditEventRow).where(some)):
                return deleted
            anchor = col(AuditAnchorRow.seq)
            self._gateway.run(delete(AuditAnchorRow).where(anchor >= gap.first, anchor < gap.last))
        return 0

    def begin(self, chain: int, gaps: Sequence[AuditGap]) -> AuditHead:
        """Return the head before the first row that has to exist.

        Rows that are purged and not deleted yet still have to fit each other, up to the last.
        """
        purged = next((gap for gap in gaps if gap.kind is GapKind.PURGED), None)
        if purged is None:
            return first_head(chain)
        links: Select[Any] = select(*(_EVENTS.c[name] for name in ("seq", "previous")))
        oldest = self._gateway.tuples(_following(links, before_first(chain)).limit(1))
        if not oldest or oldest[0][0] > purged.last:
            return AuditHead(purged.last, purged.hash)
        seq, previous = oldest[0]
        return first_head(chain) if seq < purged.first else AuditHead(seq - 1, previous)

    def _missed(self, row: AuditHead) -> AuditFault | None:
        same = select(col(AuditEventRow.hash)).where(col(AuditEventRow.seq) == row.seq)
        there = self._gateway.scalar(same)
        if place_of(row.seq) == 0 or there == row.hash:
            return None
        kind = FaultKind.CUT if there is None else FaultKind.CHANGED
        because = f"row {row_name(row.seq)}, which fitted before, is not there any more as it was"
        return AuditFault(kind, row.seq, because)

    def _redacted(self) -> frozenset[int]:
        found = self._redactions().values()
        rows = (detail.get("row") for detail in found if detail.get("what") == "detail")
        return frozenset(row for row in rows if isinstance(row, int))

    def redacted_notes(self) -> frozenset[str]:
        notes = (detail.get("of_note") for detail in self._redactions().values())
        return frozenset(note for note in notes if isinstance(note, str))

    def redacting(self) -> dict[int, int]:
        """Return the row that each redacting row redacted."""
        rows = {seq: detail.get("row") for seq, detail in self._redactions().items()}
        return {seq: row for seq, row in rows.items() if isinstance(row, int)}

    def _redactions(self) -> dict[int, dict[str, Scalar]]:
        says = select(col(AuditEventRow.seq), col(AuditEventRow.detail))
        found = self._gateway.tuples(says.where(col(AuditEventRow.kind) == REDACTED))
        return {seq: parsed_detail(detail) for seq, detail in found}

    def redact_detail(self, seq: int) -> bool:
        """Delete a row's detail and salt; return False where there is none.

        The same unit of work has to append the event that records it.
        """
        row = col(AuditEventRow.seq) == seq, col(AuditEventRow.detail).is_not(None)
        statement = update(AuditEventRow).where(*row)
        return self._gateway.run(statement.values(detail=None, salt=None)) == 1

    def get(self, seq: int) -> AuditEvent | None:
        same = select(AuditEventRow).where(col(AuditEventRow.seq) == seq)
        row = self._gateway.one(same, AuditEventRow)
        return event_of(row) if row else None

    def _walk(
        self, walk: ChainWalk, progress: Callable[[int], None] | None, most: int | None = None
    ) -> AuditFault | None:
        after = walk.last.seq
        while (most is None or walk.rows < most) and (rows := self._batch(after)):
            if isinstance(rows, AuditFault):
                return rows
            for row in rows:
                if (fault := walk.step(row)) is not None:
                    return fault
            after = rows[-1].seq
            if progress is not None:
                progress(walk.rows)
        return None

    def _batch(self, after: int) -> list[AuditEventRow] | AuditFault:
        for limit in (BATCH, 1):
            statement = _following(select(AuditEventRow), after).limit(limit)
            try:
                return list(self._gateway.many(statement, AuditEventRow))
            except ValueUnreadable:
                continue
        seq = self._gateway.scalar(_following(select(col(AuditEventRow.seq)), after).limit(1))
        return AuditFault(FaultKind.CHANGED, seq, f"row {row_name(seq)} cannot be read any more")

    # --- the heads ---

    def _free_head(self, other_than: AuditHead | None) -> AuditHead:
        """Lock the head of a chain that nobody is writing to, or of a new one.

        Somebody else is using the chain of ``other_than``.
        """
        chain = col(AuditHeadRow.chain)
        used = chain_of(other_than.seq) if other_than else 0
        free = select(AuditHeadRow).order_by(chain == used, chain).limit(1)
        free = free.with_for_update(skip_locked=True)
        while (head := self._one(AuditHead, AuditHeadRow, free)) is None:
            last = self._gateway.scalar(select(func.max(chain)))
            if last is None:
                raise StoreError("the audit has lost its head", "audit")
            new = first_head(last + 1)
            begun = self._gateway.upsert(AuditHeadRow).values(chain=last + 1, **values(new))
            if self._gateway.run(begun.on_conflict_do_nothing()) == 1:
                return new  # else somebody else began it, and has committed since
        return head


def _bad_gap(gaps: Iterable[AuditGap], check: SignatureCheck | None) -> AuditFault | None:
    """Return the first gap without a good signature: somebody deleted rows by hand."""
    for gap in gaps:
        if check is not None and not check(gap):
            rows = f"{row_name(gap.first)} to {row_name(gap.last)}"
            because = f"the signature of the gap from row {rows} is not good"
            return AuditFault(FaultKind.SIGNATURE, gap.first, because)
    return None


def _following(statement: Select[Any], after: int) -> Select[Any]:
    """Return the query for the rows of a chain after a given one.

    After row 0 it includes any row that somebody put before the first.
    """
    seq, chain = col(AuditEventRow.seq), chain_of(after)
    begins = place_of(after) == 0
    beyond = [seq >= after if begins else seq > after] if chain > 1 or not begins else []
    return statement.where(*beyond, seq < before_first(chain + 1)).order_by(seq)


def event_of(row: AuditEventRow) -> AuditEvent:
    """Return a row's record; a detail that was overwritten with no JSON is shown as such."""
    fields = row.model_dump(exclude={"detail", "salt", "detail_sha256", "mac", "mac_key"})
    return AuditEvent(**fields, detail=parsed_detail(row.detail))


def parsed_detail(text: str | None) -> dict[str, Scalar]:
    """Return a stored detail; None was redacted, and anything but a JSON object is "unreadable"."""
    if text is None:
        return {"redacted": True}
    try:
        detail = json.loads(text)
    except ValueError:
        detail = None
    return detail if isinstance(detail, dict) else {"unreadable": True}


# The audit as staff read it: filtered, newest or oldest first, from any row on.
#
# All chains are read in one order: by time, and rows of one moment by number. Every filter uses an
# index that ends with the time, so a page costs the same at the beginning of the audit and at its
# end.

_AT, _SEQ = col(AuditEventRow.at), col(AuditEventRow.seq)
_PLACE = tuple_(_AT, _SEQ)


class AuditTrail(Repository):
    """Reads what ``Audit`` writes."""

    def newest(
        self, query: AuditQuery, before: int | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        return self._events(query, before, limit, newest_first=True)

    def oldest(
        self, query: AuditQuery, after: int | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        return self._events(query, after, limit, newest_first=False)

    def count(self, query: AuditQuery) -> int:
        statement = select(func.count()).select_from(AuditEventRow)
        return self._gateway.count(statement.where(*_conditions(query)))

    def last_by_actor(self, kind: str) -> dict[str, datetime]:
        actor = col(AuditEventRow.actor)
        caused = col(AuditEventRow.kind) == kind, actor.is_not(None)
        latest = select(actor, func.max(_AT)).where(*caused).group_by(actor)
        return {str(actor): at for actor, at in self._gateway.tuples(latest)}

    def _events(
        self, query: AuditQuery, row: int | None, limit: int, *, newest_first: bool
    ) -> tuple[AuditEvent, ...]:
        wanted = select(AuditEventRow).where(*_conditions(query))
        if row is not None:
            at = self._gateway.scalar(select(_AT).where(col(AuditEventRow.seq) == row))
            if at is None:
                raise NotFound(NoSuchRow(row))
            place = tuple_(literal(at, UtcDateTime()), literal(row, ROW_NUMBER))
            beyond = (at >= _AT, place > _PLACE) if newest_first else (at <= _AT, place < _PLACE)
            wanted = wanted.where(*beyond)
        order = (_AT.desc(), _SEQ.desc()) if newest_first else (_AT.asc(), _SEQ.asc())
        rows = self._gateway.many(wanted.order_by(*order).limit(limit), AuditEventRow)
        return tuple(event_of(row) for row in rows)


def _conditions(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    for name in ("holder_id", "station", "kind", "reference"):
        if (wanted := getattr(query, name)) is not None:
            yield col(getattr(AuditEventRow, name)) == wanted
    kind = col(AuditEventRow.kind)
    if query.actors is not None:
        yield col(AuditEventRow.actor).in_(query.actors)
    if query.holder_ids is not None:
        yield col(AuditEventRow.holder_id).in_(query.holder_ids)
    if query.kinds is not None:
        yield kind.in_(sorted(query.kinds))
    if query.sought is not None:
        yield is_any_of(query.sought)
    if query.without:
        yield kind.not_in(sorted(query.without))
    if query.since is not None:
        yield query.since <= _AT
    if query.until is not None:
        yield query.until > _AT


def is_any_of(sought: Sequence[Sought]) -> ColumnElement[bool]:
    kind, detail = col(AuditEventRow.kind), col(AuditEventRow.detail)
    is_sought = kind.in_(sorted({each.kind for each in sought}))
    if not any(each.name for each in sought):
        return is_sought
    each_one = []
    for each in sought:
        pair = scalars_to_text({each.name: each.value})[1:-1]
        says = [detail.contains(pair, autoescape=True)] if each.name else []
        each_one.append(and_(kind == each.kind, *says))
    return and_(is_sought, or_(*each_one))
