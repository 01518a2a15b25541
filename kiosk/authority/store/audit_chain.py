"""The chains: how an event is hashed, and how a walk along one finds the first misfit.

Concurrent writers write to different chains, so that none waits for another.

Each event's hash covers its number, its content and the hash before it. A changed row does not
match its hash, a removed row leaves a gap, a moved row matches only under its old number, and the
head shows a tail that was cut off. Anybody with a copy of the database can check these hashes.

Each event also has a MAC over its hash, under a key that is not in the database. Somebody who owns
the database can recompute the hashes, but not the MACs. They can still cut off tail and head
together: only the anchors, which are signed and kept elsewhere, show that.

Rows may be absent for a good reason: purged after the retention time, or lost when an older copy of
the database was restored. A gap records that, and is signed with the anchors' key.

The hash covers a salted digest of the detail. A detail can therefore be redacted, with its salt,
without breaking the chain; a later event has to record that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from kiosk.authority.audit.rows import before_first, chain_of, row_name
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import (
    AuditAnchor,
    AuditFault,
    AuditGap,
    AuditHead,
    FaultKind,
    GapKind,
    Signed,
)

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import AuditMacs
    from kiosk.authority.store.tables import AuditEventRow


def first_head(chain: int) -> AuditHead:
    """Return the head of an empty chain."""
    return AuditHead(before_first(chain), "0" * 64)


FIRST = first_head(1)

REDACTED = "audit-redacted"
"""The kind of the event that says which row was redacted: ``row`` and ``what`` in its detail."""

OLDER_ENDED = "older-programs-ended"
"""The kind of the event that ended older programs: the oldest that serves is ``level``."""

_NEIGHBOURS = 10_000
"""How far from its place a moved row is searched for."""

_DIGITS = 12
"""How many digits of an anchor's hash a fault shows."""


@dataclass(slots=True)
class ChainLink:
    """An event before it is stored; small, as an import has many.

    ``detail`` is the canonical JSON text.
    """

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


def detail_digest(salt: str, detail: str) -> str:
    """Return the SHA-256 that a link's hash covers in place of its detail."""
    return hashlib.sha256(f"{salt}:{detail}".encode("utf-8", "surrogatepass")).hexdigest()


def link_hash(link: ChainLink | AuditEventRow, seq: int | None = None) -> str:
    """Return the SHA-256 of a link as canonical JSON; ``seq`` stands in for its own number."""
    fields = {
        "seq": link.seq if seq is None else seq,
        "at": link.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": link.kind,
        "reference": link.reference,
        "visit": link.visit_id,
        "card": link.card_id,
        "holder": link.holder_id,
        "station": link.station,
        "actor": link.actor,
        "detail_sha256": link.detail_sha256,
        "previous": link.previous,
    }
    # A value of another type that somebody forced into a column is hashed, too, and misfits.
    plain = {
        name: value if isinstance(value, str | int | None) else repr(value)
        for name, value in fields.items()
    }
    return hashlib.sha256(canonical(plain)).hexdigest()


def canonical(fields: Mapping[str, str | int | None]) -> bytes:
    """Return JSON in printable ASCII with sorted names and no blanks."""
    try:
        text = _SORTED.encode(fields)  # a tenth of the time that ``json`` takes, at every row
    except (UnicodeEncodeError, TypeError):
        pass  # half of a surrogate pair, or a kind of str: only ``json`` writes them
    else:
        if text.isascii() and b"\x7f" not in text:
            return text
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


_SORTED: Final = msgspec.json.Encoder(order="sorted")


class ChainWalk:
    """One walk along a chain, from the row after ``last``, which fitted before.

    ``head`` is None where the head's row is gone. ``macs``: None checks the plain hashes only.
    ``redacted`` are the rows whose detail may be absent, ``gaps`` list the rows that may be absent.
    """

    def __init__(
        self,
        head: AuditHead | None,
        anchors: Iterable[AuditAnchor] = (),
        check: Callable[[Signed], bool] | None = None,
        last: AuditHead = FIRST,
        macs: AuditMacs | None = None,
        redacted: Container[int] = (),
        gaps: Collection[AuditGap] = (),
    ) -> None:
        self._head = head
        self._anchors: dict[int, list[AuditAnchor]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.seq, []).append(anchor)
        self._check = check
        self._macs = macs
        self._redacted = redacted
        self._purged = {gap.last: gap for gap in gaps if gap.kind is GapKind.PURGED}
        self._lost = {gap.first: gap for gap in gaps if gap.kind is GapKind.RESTORED}
        self.last = last
        self.rows = 0
        self.anchored = 0
        self.anchors_seen = 0

    def step(self, link: AuditEventRow) -> AuditFault | None:
        """Check the next row, by number; return why it does not fit."""
        self._pass_lost(before=link.seq)
        if (fault := self._misfit(link)) is not None:
            return fault
        # The last row of a purge of which some rows are still stored.
        purge = self._purged.get(link.seq)
        if purge is not None and purge.hash != link.hash:
            what = "is not the one up to which rows were purged"
            return _row_fault(FaultKind.ANCHOR, link.seq, what)
        if anchors := self._anchors.get(link.seq):
            if (fault := self._anchors_misfit(link.seq, link.hash)) is not None:
                return fault
            self.anchors_seen += len(anchors)
            if self._check is not None:
                self.anchored = self.rows + 1
        self.last = AuditHead(link.seq, link.hash)
        self.rows += 1
        return None

    def finish(self) -> AuditFault | None:
        """Compare the end of the chain with its head and with the anchors beyond it."""
        if self._head is not None:
            self._pass_lost(before=self._head.seq + 1)
        # The anchors of absent rows have to be signed, and to have one hash for a row.
        for gap in (*self._purged.values(), *self._lost.values()):
            for seq, anchors in self._anchors.items():
                if not gap.first <= seq <= gap.last:
                    continue
                ends_purge = gap.kind is GapKind.PURGED and seq == gap.last
                row_hash = gap.hash if ends_purge else anchors[0].hash
                if (fault := self._anchors_misfit(seq, row_hash)) is not None:
                    return fault
        head, last, end = self._head, self.last, row_name(self.last.seq)
        beyond = sorted((seq for seq in self._anchors if seq > last.seq), reverse=True)
        if beyond:
            because = f"the chain ends at row {end}; an anchor was made at {row_name(beyond[0])}"
            cut = AuditFault(FaultKind.CUT, last.seq + 1, because)
            return self._bad_signature(*beyond) or cut
        if head is None:
            return AuditFault(FaultKind.HEAD, last.seq, "the row of the head is gone")
        if last.seq < head.seq:
            because = f"the chain ends at row {end}, its head says {row_name(head.seq)}"
            return AuditFault(FaultKind.CUT, last.seq + 1, because)
        if last.seq > head.seq:
            because = f"the head says {row_name(head.seq)}, the chain goes on to row {end}"
            return AuditFault(FaultKind.ADDED, head.seq + 1, because)
        if last.hash != head.hash:
            because = f"the head does not name the hash of the last row, {end}"
            return AuditFault(FaultKind.HEAD, last.seq, because)
        return None

    def _pass_lost(self, before: int) -> None:
        """Skip rows that a restore has lost, where the next one is after them."""
        gap = self._lost.get(self.last.seq + 1)
        while gap is not None and gap.last < before and gap.hash == self.last.hash:
            self.last = AuditHead(gap.last, gap.hash)
            gap = self._lost.get(self.last.seq + 1)

    def _misfit(self, link: AuditEventRow) -> AuditFault | None:
        """Compare a row with its place in the chain, its hashes and its MAC."""
        seq, expected = link.seq, self.last.seq + 1
        if seq < expected:
            return _row_fault(FaultKind.ADDED, seq, "comes before the first")
        if seq > expected:
            because = f"removed: what stood from row {row_name(expected)} up to row {row_name(seq)}"
            return AuditFault(FaultKind.REMOVED, expected, because)
        if link_hash(link) != link.hash:
            begin = before_first(chain_of(seq)) + 1
            end = max(self._head.seq if self._head else 0, seq) + 1
            for near in range(max(begin, seq - _NEIGHBOURS), min(end, seq + _NEIGHBOURS)):
                if near != seq and link_hash(link, near) == link.hash:
                    what = f"holds the event that was written as row {row_name(near)}"
                    return _row_fault(FaultKind.REORDERED, seq, what)
            return _row_fault(FaultKind.CHANGED, seq, _CHANGED)
        if link.previous != self.last.hash:
            # The row is whole but was written after another row than the one before it now.
            before = max(seq - 1, before_first(chain_of(seq)) + 1)
            because = f"row {row_name(seq)} was not written after what now stands before it"
            return AuditFault(FaultKind.UNLINKED, before, because)
        if link.detail is None:
            if seq not in self._redacted or link.salt is not None:
                row = row_name(seq)
                because = f"the detail of row {row} is gone, and no row says that it was redacted"
                return AuditFault(FaultKind.CHANGED, seq, because)
        elif detail_digest(link.salt or "", link.detail) != link.detail_sha256:
            return _row_fault(FaultKind.CHANGED, seq, _CHANGED)
        try:
            if self._macs is None or self._macs.check(seq, link.hash, link.mac, link.mac_key):
                return None
        except KeyMissing:
            what = f"names the key {link.mac_key!r}, which is not in the key file"
            return _row_fault(FaultKind.KEY, seq, what)
        what = "was not written by the service: its MAC does not fit"
        return _row_fault(FaultKind.FORGED, seq, what)

    def _anchors_misfit(self, seq: int, row_hash: str) -> AuditFault | None:
        """Check every anchor of a row: one may be kept elsewhere, and another here."""
        if (fault := self._bad_signature(seq)) is not None:
            return fault
        hashes = sorted({anchor.hash for anchor in self._anchors[seq]} - {row_hash})
        if not hashes:
            return None
        because = f"an anchor for row {row_name(seq)} names another hash, {hashes[0][:_DIGITS]}…"
        return AuditFault(FaultKind.ANCHOR, seq, because)

    def _bad_signature(self, *rows: int) -> AuditFault | None:
        if self._check is None:
            return None
        for seq in rows:
            bad = sorted(one.hash for one in self._anchors[seq] if not self._check(one))
            if bad:
                named = f"the anchor for row {row_name(seq)} with the hash {bad[0][:_DIGITS]}…"
                because = f"the signature of {named} is not good"
                return AuditFault(FaultKind.SIGNATURE, seq, because)
        return None


_CHANGED: Final = "was changed after it was written"


def _row_fault(kind: FaultKind, seq: int, what: str) -> AuditFault:
    return AuditFault(kind, seq, f"row {row_name(seq)} {what}")
