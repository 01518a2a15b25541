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
from kiosk.authority.store.records import (
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
        fault = self._misfit(link) or self._purged_misfit(link) or self._anchor_misfit(link)
        if fault is None:
            self.last = AuditHead(link.seq, link.hash)
            self.rows += 1
        return fault

    def finish(self) -> AuditFault | None:
        """Compare the end of the chain with its head and with the anchors beyond it."""
        if self._head is not None:
            self._pass_lost(before=self._head.seq + 1)
        if (fault := self._gap_misfit()) is not None:
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

    def _purged_misfit(self, link: AuditEventRow) -> AuditFault | None:
        """Compare the last row of a purge of which some rows are still stored."""
        gap = self._purged.get(link.seq)
        if gap is None or gap.hash == link.hash:
            return None
        because = f"row {row_name(link.seq)} is not the one up to which rows were purged"
        return AuditFault(FaultKind.ANCHOR, link.seq, because)

    def _gap_misfit(self) -> AuditFault | None:
        """Check the anchors of absent rows: signed, and with one hash for a row."""
        for gap in (*self._purged.values(), *self._lost.values()):
            for seq, anchors in self._anchors.items():
                if not gap.first <= seq <= gap.last:
                    continue
                ends_purge = gap.kind is GapKind.PURGED and seq == gap.last
                row_hash = gap.hash if ends_purge else anchors[0].hash
                if (fault := self._anchors_misfit(seq, row_hash)) is not None:
                    return fault
        return None

    def _misfit(self, link: AuditEventRow) -> AuditFault | None:
        expected = self.last.seq + 1
        if link.seq < expected:
            return AuditFault(
                FaultKind.ADDED, link.seq, f"row {row_name(link.seq)} comes before the first"
            )
        if link.seq > expected:
            until = row_name(link.seq)
            because = f"removed: what stood from row {row_name(expected)} up to row {until}"
            return AuditFault(FaultKind.REMOVED, expected, because)
        if link_hash(link) != link.hash:
            return self._changed_or_moved(link)
        if link.previous != self.last.hash:
            # The row is whole but was written after another row than the one before it now.
            before = max(link.seq - 1, before_first(chain_of(link.seq)) + 1)
            because = f"row {row_name(link.seq)} was not written after what now stands before it"
            return AuditFault(FaultKind.UNLINKED, before, because)
        return self._detail_misfit(link) or self._mac_misfit(link)

    def _detail_misfit(self, link: AuditEventRow) -> AuditFault | None:
        if link.detail is None:
            if link.seq in self._redacted and link.salt is None:
                return None
            row = row_name(link.seq)
            because = f"the detail of row {row} is gone, and no row says that it was redacted"
            return AuditFault(FaultKind.CHANGED, link.seq, because)
        if detail_digest(link.salt or "", link.detail) == link.detail_sha256:
            return None
        because = f"row {row_name(link.seq)} was changed after it was written"
        return AuditFault(FaultKind.CHANGED, link.seq, because)

    def _mac_misfit(self, link: AuditEventRow) -> AuditFault | None:
        if self._macs is None:
            return None
        try:
            if self._macs.check(link.seq, link.hash, link.mac, link.mac_key):
                return None
        except KeyMissing:
            row = row_name(link.seq)
            because = f"row {row} names the key {link.mac_key!r}, which is not in the key file"
            return AuditFault(FaultKind.KEY, link.seq, because)
        because = f"row {row_name(link.seq)} was not written by the service: its MAC does not fit"
        return AuditFault(FaultKind.FORGED, link.seq, because)

    def _changed_or_moved(self, link: AuditEventRow) -> AuditFault:
        begin = before_first(chain_of(link.seq)) + 1
        end = max(self._head.seq if self._head else 0, link.seq) + 1
        near = range(max(begin, link.seq - _NEIGHBOURS), min(end, link.seq + _NEIGHBOURS))
        for seq in near:
            if seq != link.seq and link_hash(link, seq) == link.hash:
                row, written = row_name(link.seq), row_name(seq)
                because = f"row {row} holds the event that was written as row {written}"
                return AuditFault(FaultKind.REORDERED, link.seq, because)
        because = f"row {row_name(link.seq)} was changed after it was written"
        return AuditFault(FaultKind.CHANGED, link.seq, because)

    def _anchor_misfit(self, link: AuditEventRow) -> AuditFault | None:
        if link.seq not in self._anchors:
            return None
        if (fault := self._anchors_misfit(link.seq, link.hash)) is not None:
            return fault
        self.anchors_seen += len(self._anchors[link.seq])
        if self._check is not None:
            self.anchored = self.rows + 1
        return None

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
