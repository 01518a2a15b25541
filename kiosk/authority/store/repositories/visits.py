"""Visits, what they gathered, and the unblock journal."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, or_, select

from kiosk.authority.store.gateway import held
from kiosk.authority.store.prepared import Prepared
from kiosk.authority.store.records import PendingChange, UnblockEntry, UnblockState, Visit
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.tables import (
    CardRow,
    PendingRow,
    UnblockRow,
    VisitRow,
    col,
    values,
)
from kiosk.contract.messages import ReadFault, Reason, VisitEnd

_THIS_VISIT = col(VisitRow.id) == bindparam("visit")
_VISIT = Prepared(select(VisitRow).where(_THIS_VISIT))
_LOCKED_VISIT = Prepared(select(VisitRow).where(_THIS_VISIT).with_for_update())
_OPEN_VISIT = held(VisitRow, _THIS_VISIT, col(VisitRow.closed_at).is_(None))
_OPEN_OF_CARD = Prepared(
    select(VisitRow)
    .where(col(VisitRow.card_id) == bindparam("card"), col(VisitRow.closed_at).is_(None))
    .order_by(col(VisitRow.opened_at))
)
_BEGUN = Prepared(
    select(col(VisitRow.opened_at))
    .where(col(VisitRow.station) == bindparam("at"), col(VisitRow.opened_at) > bindparam("since"))
    .order_by(col(VisitRow.opened_at).desc())
    .limit(bindparam("most"))
)


class Visits(Repository):
    """Every visit to a station."""

    def add(self, visit: Visit) -> bool:
        """Open one; False when there is a visit with its id, or another with its reference."""
        return self._gateway.add_new(VisitRow, values(visit))

    def get(self, visit_id: str) -> Visit | None:
        return self._one(_VISIT, {"visit": visit_id})

    def by_reference(self, reference: str) -> Visit | None:
        """Return one by the number that its station showed."""
        return self._one(select(VisitRow).where(col(VisitRow.reference) == reference))

    def of_unknown_cards(self, limit: int) -> tuple[Visit, ...]:
        """Return the newest visits with a card that is not recorded or not read, newest first."""
        either = col(VisitRow.unknown_card).is_not(None) | col(VisitRow.unread).is_not(None)
        unknown = select(VisitRow).where(either)
        newest = unknown.order_by(col(VisitRow.opened_at).desc()).limit(limit)
        return tuple(row.record(Visit) for row in self._gateway.many(newest, VisitRow))

    def unchecked(self, visit_id: str) -> Visit | None:
        """Return one, altered or not: for the audit of a refusal, and for nothing else."""
        statement = select(VisitRow).where(col(VisitRow.id) == visit_id)
        rows = self._gateway.unchecked(statement, VisitRow)
        return rows[0].record(Visit) if rows else None

    def lock(self, visit_id: str) -> Visit | None:
        """Return one, held against other writers until the unit of work ends."""
        return self._one(_LOCKED_VISIT, {"visit": visit_id})

    def save(self, visit: Visit) -> None:
        """Overwrite one with what it has become; ``lock`` it first."""
        self._gateway.save(VisitRow, values(visit))

    def close(self, visit_id: str, at: datetime, how: VisitEnd) -> Visit | None:
        """Close one and return it as it was; None when it is closed already or unknown."""
        this = {"visit": visit_id}
        closed = self._gateway.change_held(VisitRow, _OPEN_VISIT, this, closed_at=at, how=how)
        return closed[0].record(Visit) if closed else None

    def close_all(self, at: datetime, how: VisitEnd) -> int:
        """Close every visit that is open; return how many."""
        open_ = col(VisitRow.closed_at).is_(None)
        return len(self._gateway.change(VisitRow, open_, closed_at=at, how=how))

    def note_refusal(self, visit_id: str, reason: Reason, judged: bytes) -> None:
        """Note why one was refused, and the digest of the proof that was judged for it."""
        this = col(VisitRow.id) == visit_id
        self._gateway.change(VisitRow, this, refusal=reason, judged=judged)

    def note_unread(self, visit_id: str, fault: ReadFault) -> None:
        """Note why a station could not read the card, where none was noted before."""
        this = col(VisitRow.id) == visit_id, col(VisitRow.unread).is_(None)
        self._gateway.change(VisitRow, *this, unread=fault)

    def begun(self, station: str, since: datetime, most: int) -> tuple[datetime, ...]:
        """Return when a station began its visits since then, the last first; at most so many."""
        given = {"at": station, "since": since, "most": most}
        return tuple(at for (at,) in self._gateway.tuples(_BEGUN, given))

    def open_of_card(self, card_id: str) -> tuple[Visit, ...]:
        """Return the visits of a card that were never closed, oldest first."""
        rows = self._gateway.many(_OPEN_OF_CARD, VisitRow, {"card": card_id})
        return tuple(row.record(Visit) for row in rows)

    def _one(
        self, statement: Select[VisitRow] | Prepared, given: dict[str, str] | None = None
    ) -> Visit | None:
        row = self._gateway.one(statement, VisitRow, given)
        return row.record(Visit) if row else None


class PendingChanges(Repository):
    """What visits gather; a visit and the code that was sent for it name their own."""

    def put(self, change: PendingChange) -> None:
        """Add one, or overwrite the one with its id."""
        stamped = self._gateway.stamped(PendingRow, values(change))
        insert = self._gateway.upsert(PendingRow).values(stamped)
        new = {name: insert.excluded[name] for name in stamped}
        self._gateway.write(insert.on_conflict_do_update(index_elements=["id"], set_=new))

    def get(self, change_id: str) -> PendingChange | None:
        return self._one(col(PendingRow.id) == change_id)

    def delete(self, change_id: str) -> None:
        """Forget one: it was applied or given up."""
        self._gateway.write(delete(PendingRow).where(col(PendingRow.id) == change_id))

    def delete_all(self) -> None:
        """Forget all that was gathered."""
        self._gateway.write(delete(PendingRow))

    def delete_of_holder(self, holder_id: str) -> int:
        """Forget all that a holder's cards have gathered; return how many."""
        statement = delete(PendingRow).where(col(PendingRow.holder_id) == holder_id)
        return self._gateway.run(statement)

    def _one(self, *conditions: ColumnElement[bool]) -> PendingChange | None:
        row = self._gateway.one(select(PendingRow).where(*conditions), PendingRow)
        return row.record(PendingChange) if row else None


_THIS_ENTRY = col(UnblockRow.id) == bindparam("entry")
_IS_OPEN = col(UnblockRow.closed_at).is_(None)
_ENTRY = Prepared(select(UnblockRow).where(_THIS_ENTRY))
_OPEN_ENTRY = held(UnblockRow, _THIS_ENTRY, _IS_OPEN)
_OPEN_FOR_CARD = Prepared(
    select(UnblockRow).where(col(UnblockRow.card_id) == bindparam("card"), _IS_OPEN)
)
_OF_THIS_VISIT = col(UnblockRow.visit_id) == bindparam("visit")
_ENTRIES_OF_VISIT = Prepared(
    select(UnblockRow).where(_OF_THIS_VISIT).order_by(col(UnblockRow.opened_at))
)
_OPEN_OR_OF_VISIT = Prepared(
    select(UnblockRow).where(
        or_(_OF_THIS_VISIT, and_(col(UnblockRow.card_id) == bindparam("card"), _IS_OPEN))
    )
)


class UnblockJournal(Repository):
    """Intent before the card is changed, outcome after; one open entry a card."""

    def open(self, entry: UnblockEntry) -> bool:
        """Write down an intent; False, and nothing written, when the card has an open entry."""
        return self._gateway.add_new(UnblockRow, values(entry))

    def get(self, entry_id: str) -> UnblockEntry | None:
        return self._one(_ENTRY, {"entry": entry_id})

    def open_for(self, card_id: str) -> UnblockEntry | None:
        """Return the card's open entry: an intent without outcome, or an unknown outcome."""
        return self._one(_OPEN_FOR_CARD, {"card": card_id})

    def open_of_holder(self, holder_id: str) -> tuple[UnblockEntry, ...]:
        """Return the open entries of a holder's cards, oldest first."""
        cards = select(col(CardRow.id)).where(col(CardRow.holder_id) == holder_id)
        statement = select(UnblockRow).where(col(UnblockRow.card_id).in_(cards), _IS_OPEN)
        rows = self._gateway.many(statement.order_by(col(UnblockRow.opened_at)), UnblockRow)
        return tuple(row.record(UnblockEntry) for row in rows)

    def of_visit(self, visit_id: str) -> tuple[UnblockEntry, ...]:
        """Return every entry that a visit opened, oldest first."""
        rows = self._gateway.many(_ENTRIES_OF_VISIT, UnblockRow, {"visit": visit_id})
        return tuple(row.record(UnblockEntry) for row in rows)

    def before_release(self, card_id: str, visit_id: str) -> tuple[UnblockEntry | None, int]:
        """Return the card's open entry, and how many entries a visit has opened."""
        given = {"card": card_id, "visit": visit_id}
        rows = self._gateway.many(_OPEN_OR_OF_VISIT, UnblockRow, given)
        entries = [row.record(UnblockEntry) for row in rows]
        is_open = (one for one in entries if one.card_id == card_id and one.closed_at is None)
        return next(is_open, None), sum(one.visit_id == visit_id for one in entries)

    def note_unknown(self, entry_id: str, detail: str) -> bool:
        """Turn an intent into an unknown outcome; the entry stays open."""
        intent = col(UnblockRow.id) == entry_id, col(UnblockRow.state) == UnblockState.INTENT
        unknown = {"state": UnblockState.UNKNOWN, "detail": detail}
        return bool(self._gateway.change(UnblockRow, *intent, **unknown))

    def close(self, entry_id: str, state: UnblockState, detail: str, at: datetime) -> bool:
        """Close an open entry as done, refused, not sent or settled; False if it is not open."""
        if state in (UnblockState.INTENT, UnblockState.UNKNOWN):
            raise ValueError("that is no way to close an entry")
        closed = {"state": state, "detail": detail, "closed_at": at, "cryptogram": None}
        this = {"entry": entry_id}
        return bool(self._gateway.change_held(UnblockRow, _OPEN_ENTRY, this, **closed))

    def keep_cryptogram(self, entry_id: str, cryptogram: bytes | None) -> None:
        """Keep what an admin key made, while the card has not answered to it; None: forget it."""
        self._gateway.change(UnblockRow, col(UnblockRow.id) == entry_id, cryptogram=cryptogram)

    def _one(self, statement: Prepared, given: dict[str, str]) -> UnblockEntry | None:
        row = self._gateway.one(statement, UnblockRow, given)
        return row.record(UnblockEntry) if row else None
