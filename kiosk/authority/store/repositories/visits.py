"""Visits, the changes that they gather, and the unblock journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from kiosk.authority.records import (
    CLOCKS_DIFFER,
    Address,
    Card,
    Cardholder,
    EmailCode,
    KnownCard,
    LockedGrant,
    LockedVisit,
    PendingChange,
    PinChange,
    Proof,
    Registration,
    StaffCard,
    StaffMember,
    Station,
    UnblockEntry,
    UnblockState,
    Visit,
)
from kiosk.authority.store.gateway import Prepared, Repository, for_update, table_of
from kiosk.authority.store.repositories.cards import IS_NAMED, NAMED_CARD, known_card
from kiosk.authority.store.tables import (
    AddressRow,
    CardholderRow,
    CardRow,
    CodeRow,
    PendingRow,
    ProofRow,
    RegistrationRow,
    RestoreRow,
    StaffCardRow,
    StaffMemberRow,
    StationRow,
    TableRow,
    UnblockRow,
    VisitRow,
    col,
    values,
)
from kiosk.contract.messages import CardId, Factor, ReadFault, Reason, VisitEnd

_THIS_VISIT = col(VisitRow.id) == bindparam("visit")
_VISIT = Prepared(select(VisitRow).where(_THIS_VISIT))
_LOCKED_VISIT = Prepared(select(VisitRow).where(_THIS_VISIT).with_for_update())
_OPEN_VISIT = for_update(VisitRow, _THIS_VISIT, col(VisitRow.closed_at).is_(None))
_OPEN_OF_CARD = Prepared(
    select(VisitRow)
    .where(col(VisitRow.card_id) == bindparam("card"), col(VisitRow.closed_at).is_(None))
    .order_by(col(VisitRow.opened_at))
)
_BEGUN = Prepared(
    select(col(VisitRow.opened_at))
    .where(
        col(VisitRow.station) == bindparam("at"),
        col(VisitRow.opened_at) > bindparam("since"),
        col(VisitRow.opened_at) < bindparam("until"),
    )
    .order_by(col(VisitRow.opened_at).desc())
    .limit(bindparam("most"))
)


VISIT_LIFE: Final = timedelta(hours=1)
"""No visit takes longer: proofs of an older visit are no longer valid."""


def is_within_visit(began: datetime, now: datetime) -> bool:
    """Return whether what began then can be of a visit that still lasts.

    It cannot where it is ahead by as long: the clock was wrong, then or now.
    """
    return abs(now - began) < VISIT_LIFE


class Visits(Repository):
    def add(self, visit: Visit) -> bool:
        """Add one; return False where its id or its reference exists."""
        return self._gateway.add_new(VisitRow, values(visit))

    def get(self, visit_id: str) -> Visit | None:
        return self._this(_VISIT, visit_id)

    def by_reference(self, reference: str) -> Visit | None:
        """Return one by the number that its station showed."""
        found = select(VisitRow).where(col(VisitRow.reference) == reference)
        return self._one(Visit, VisitRow, found)

    def of_unknown_cards(self, limit: int) -> tuple[Visit, ...]:
        """Return the newest visits with a card that is not recorded or not read, newest first."""
        either = col(VisitRow.unknown_card).is_not(None) | col(VisitRow.unread).is_not(None)
        unknown = select(VisitRow).where(either)
        newest = unknown.order_by(col(VisitRow.opened_at).desc()).limit(limit)
        return self._all(Visit, VisitRow, newest)

    def other_kinds(self, span: timedelta) -> dict[tuple[str, str], str | None]:
        """Return by station and family the ``other_kind`` of the last visit within ``span``."""
        groups = col(VisitRow.station), col(CardRow.driver), col(VisitRow.other_kind)
        opened = col(VisitRow.opened_at)
        statement = (
            select(*groups)
            .join_from(VisitRow, CardRow, col(CardRow.id) == col(VisitRow.card_id))
            .where(opened > self._now - span, opened < self._now + CLOCKS_DIFFER)
            .group_by(*groups)
            .order_by(func.max(opened))
        )
        rows = self._gateway.tuples(statement)
        return {(station, family): kind for station, family, kind in rows}

    def unchecked(self, visit_id: str) -> Visit | None:
        """Return one, altered or not: only for the audit of a refusal."""
        rows = self._gateway.unchecked(_VISIT, VisitRow, {"visit": visit_id})
        return rows[0].record(Visit) if rows else None

    def lock(self, visit_id: str) -> Visit | None:
        """Return one, locked until the unit of work ends."""
        return self._this(_LOCKED_VISIT, visit_id)

    def save(self, visit: Visit) -> None:
        self._gateway.save(VisitRow, values(visit))

    def close(self, visit_id: str, at: datetime, how: VisitEnd) -> Visit | None:
        """Close one and return it as it was; None where it is closed already or unknown."""
        this = {"visit": visit_id}
        closed = self._gateway.change_prepared(VisitRow, _OPEN_VISIT, this, closed_at=at, how=how)
        return closed[0].record(Visit) if closed else None

    def close_all(self, at: datetime, how: VisitEnd, but: Collection[str] = ()) -> int:
        """Close every visit that is open, but some; return how many."""
        open_ = col(VisitRow.closed_at).is_(None), col(VisitRow.id).not_in(but)
        return len(self._gateway.change(VisitRow, *open_, closed_at=at, how=how))

    def close_unaltered(self, at: datetime, how: VisitEnd) -> tuple[Visit, ...]:
        """Close every visit that is open; return them as they were, the oldest first.

        Those that were altered outside of the service stay as they are: nobody is served by them.
        """
        opened = select(VisitRow).where(col(VisitRow.closed_at).is_(None)).with_for_update()
        rows = self._gateway.unchecked(opened.order_by(col(VisitRow.opened_at)), VisitRow)
        closed = [row for row in rows if self._gateway.fits(row)]
        for row in closed:
            self._gateway.rewrite(row, closed_at=at, how=how)
        return tuple(row.record(Visit) for row in closed)

    def note_refusal(self, visit_id: str, reason: Reason, judged: bytes) -> None:
        """Note why one was refused, and the digest of the proof that was checked for it."""
        this = col(VisitRow.id) == visit_id
        self._gateway.change(VisitRow, this, refusal=reason, judged=judged)

    def note_unread(self, visit_id: str, fault: ReadFault) -> None:
        """Note why a station could not read the card, where none was noted before."""
        this = col(VisitRow.id) == visit_id, col(VisitRow.unread).is_(None)
        self._gateway.change(VisitRow, *this, unread=fault)

    def note_change_unknown(self, visit_id: str) -> bool:
        """Note that a change of the PIN stays unknown; return False where none is open."""
        this = col(VisitRow.id) == visit_id, col(VisitRow.pin_change) == PinChange.BEGUN
        return bool(self._gateway.change(VisitRow, *this, pin_change=PinChange.UNKNOWN))

    def with_open_change(self) -> tuple[str, ...]:
        """Return which visits that are over began a change of the PIN; rows may be altered."""
        opened = col(VisitRow.opened_at)
        over = or_(opened <= self._now - VISIT_LIFE, opened >= self._now + VISIT_LIFE)
        begun = col(VisitRow.pin_change) == PinChange.BEGUN
        statement = select(col(VisitRow.id)).where(begun, over)
        return tuple(visit for (visit,) in self._gateway.tuples(statement))

    def begun(self, station: str, span: timedelta, most: int) -> tuple[datetime, ...]:
        """Return when a station's visits within ``span`` began, the last first; at most so many.

        Nobody else counts them until the unit of work ends: they would leave its visit out. A
        visit may begin a moment after now, in a quicker unit of work; one that is ahead by more
        than ``span`` was dated by a wrong clock, and does not count.
        """
        self._gateway.take_turns(f"visits of {station}")
        since, until = self._now - span, self._now + span
        given = {"at": station, "since": since, "until": until, "most": most}
        return tuple(at for (at,) in self._gateway.tuples(_BEGUN, given))

    def open_of_card(self, card_id: str) -> tuple[Visit, ...]:
        """Return the visits of a card that were never closed, oldest first."""
        return self._all(Visit, VisitRow, _OPEN_OF_CARD, {"card": card_id})

    def _this(self, statement: Prepared, visit_id: str) -> Visit | None:
        return self._one(Visit, VisitRow, statement, {"visit": visit_id}, id=visit_id)


_PROOFS = table_of(ProofRow)
# Those of a factor that only a newer program knows count for nothing here.
_is_known = or_(*(_PROOFS.c.factor == factor for factor in Factor))
_PROOFS_OF_VISIT = Prepared(
    select(ProofRow).where(_PROOFS.c.visit_id == bindparam("visit"), _is_known)
)
_DROP_PROOFS = Prepared(delete(ProofRow).where(_PROOFS.c.visit_id == bindparam("visit")))


class Proofs(Repository):
    """What was passed in each visit, a row for each factor."""

    def put(self, proof: Proof) -> None:
        """Add one, or overwrite the visit's of the same factor."""
        self._gateway.put(ProofRow, values(proof), "visit_id", "factor")

    def of_visit(self, visit_id: str) -> tuple[Proof, ...]:
        rows = self._gateway.many(_PROOFS_OF_VISIT, ProofRow, {"visit": visit_id})
        for row in rows:
            self._gateway.check_asked(row, visit_id=visit_id)
        return tuple(row.record(Proof) for row in rows)

    def drop(self, visit_id: str) -> None:
        """Delete those of a visit: nothing counts as passed in it any more."""
        self._gateway.write(_DROP_PROOFS, {"visit": visit_id})

    def forget(self, holder_id: str, factor: Factor) -> None:
        """Delete a holder's of one factor, those too that a later visit would carry on."""
        theirs = select(col(VisitRow.id)).where(col(VisitRow.holder_id) == holder_id)
        of_factor = _PROOFS.c.factor == factor, _PROOFS.c.visit_id.in_(theirs)
        self._gateway.write(delete(ProofRow).where(*of_factor))


class PendingChanges(Repository):
    """What visits gather; a visit and the code that was sent for it refer to it."""

    def put(self, change: PendingChange) -> None:
        """Add one, or overwrite the one with its id."""
        self._gateway.put(PendingRow, values(change), "id")

    def delete(self, change_id: str) -> None:
        self._gateway.write(delete(PendingRow).where(col(PendingRow.id) == change_id))

    def delete_all(self) -> None:
        self._gateway.write(delete(PendingRow))

    def delete_of_holder(self, holder_id: str) -> int:
        statement = delete(PendingRow).where(col(PendingRow.holder_id) == holder_id)
        return self._gateway.run(statement)


_THIS_ENTRY = col(UnblockRow.id) == bindparam("entry")
_IS_OPEN = col(UnblockRow.closed_at).is_(None)
_OPEN_ENTRY = for_update(UnblockRow, _THIS_ENTRY, _IS_OPEN)
_OPEN_FOR_CARD = Prepared(
    select(UnblockRow).where(col(UnblockRow.card_id) == bindparam("card"), _IS_OPEN)
)
_OF_THIS_VISIT = col(UnblockRow.visit_id) == bindparam("visit")
_ENTRIES_OF_VISIT = Prepared(
    select(UnblockRow).where(_OF_THIS_VISIT).order_by(col(UnblockRow.opened_at))
)


class UnblockJournal(Repository):
    """Intent before the card is changed, outcome after; one open entry for each card."""

    def open(self, entry: UnblockEntry) -> bool:
        """Record an intent; return False, recording nothing, where the card has an open entry."""
        return self._gateway.add_new(UnblockRow, values(entry))

    def open_for(self, card_id: str) -> UnblockEntry | None:
        """Return the card's open entry: an intent without outcome, or an unknown outcome."""
        this, asked = {"card": card_id}, {"card_id": card_id, "closed_at": None}
        return self._one(UnblockEntry, UnblockRow, _OPEN_FOR_CARD, this, **asked)

    def open_of_holder(self, holder_id: str) -> tuple[UnblockEntry, ...]:
        """Return them oldest first."""
        cards = select(col(CardRow.id)).where(col(CardRow.holder_id) == holder_id)
        statement = select(UnblockRow).where(col(UnblockRow.card_id).in_(cards), _IS_OPEN)
        return self._all(UnblockEntry, UnblockRow, statement.order_by(col(UnblockRow.opened_at)))

    def of_visit(self, visit_id: str) -> tuple[UnblockEntry, ...]:
        """Return them oldest first."""
        rows = self._gateway.many(_ENTRIES_OF_VISIT, UnblockRow, {"visit": visit_id})
        for row in rows:
            self._gateway.check_asked(row, visit_id=visit_id)
        return tuple(row.record(UnblockEntry) for row in rows)

    def note_unknown(self, entry_id: str, detail: str) -> bool:
        """Turn an intent into an unknown outcome; the entry stays open."""
        intent = col(UnblockRow.id) == entry_id, col(UnblockRow.state) == UnblockState.INTENT
        unknown = {"state": UnblockState.UNKNOWN, "detail": detail}
        return bool(self._gateway.change(UnblockRow, *intent, **unknown))

    def close(self, entry_id: str, state: UnblockState, detail: str, at: datetime) -> bool:
        """Close an open entry as done, refused, not sent or settled; return False if not open."""
        if state in (UnblockState.INTENT, UnblockState.UNKNOWN):
            raise ValueError("that is no way to close an entry")
        closed = {"state": state, "detail": detail, "closed_at": at}
        this, answered = {"entry": entry_id}, {"cryptogram": None, "awaited": None}
        return bool(
            self._gateway.change_prepared(UnblockRow, _OPEN_ENTRY, this, **closed, **answered)
        )

    def correct(self, entry_id: str) -> None:
        """Record a settled entry as done: its station has reported that since."""
        this = col(UnblockRow.id) == entry_id, col(UnblockRow.state) == UnblockState.SETTLED
        self._gateway.change(UnblockRow, *this, state=UnblockState.DONE, detail="")

    def is_last(self, entry: UnblockEntry) -> bool:
        """Return whether the card's journal has no entry after this one."""
        others = col(UnblockRow.card_id) == entry.card_id, col(UnblockRow.id) != entry.id
        later = col(UnblockRow.opened_at) >= entry.opened_at
        found = self._gateway.scalar(select(func.count()).where(*others, later))
        return bool(found == 0)

    def is_overtaken(self, entry: UnblockEntry) -> bool:
        """Return whether the card was granted an unblock in another visit after this one.

        One that is ahead by as long as a visit lasts was dated by a wrong clock.
        """
        this = select(_OVERTAKEN).where(col(UnblockRow.id) == entry.id)
        return bool(self._gateway.scalar(this, {"soon": self._now + VISIT_LIFE}))

    def keep_cryptogram(self, entry_id: str, cryptogram: bytes, awaited: bytes) -> None:
        """Keep an admin key's cryptogram, and the digest of its answer, until it is answered."""
        made = {"cryptogram": cryptogram, "awaited": awaited}
        self._gateway.change(UnblockRow, col(UnblockRow.id) == entry_id, **made)

    def admit(self, entry_id: str, at: datetime) -> None:
        """Record that the card answered its cryptogram rightly."""
        answered = {"admitted_at": at, "cryptogram": None, "awaited": None}
        self._gateway.change(UnblockRow, col(UnblockRow.id) == entry_id, **answered)


# What a decision in a visit needs, read by one statement once card and visit are locked.
#
# The locks are sent with the statement that reads, and the server takes them first: after a wait it
# reads what the previous writer has left. The card is locked before the visit, as every writer
# locks them.

_VISITS, _CARDS, _ENTRIES = table_of(VisitRow), table_of(CardRow), table_of(UnblockRow)

_LOCK = Prepared(
    select(_CARDS.c.id)
    .join_from(_CARDS, _VISITS, _VISITS.c.card_id == _CARDS.c.id)
    .where(_VISITS.c.id == bindparam("visit"))
    .with_for_update(of=(_CARDS, _VISITS))
)

_live, _proven = aliased(CodeRow), aliased(CodeRow)
_is_live = (
    col(_live.sent_at).is_not(None),
    col(_live.consumed_at).is_(None),
    col(_live.revoked_at).is_(None),
)

_proof_by: dict[Factor, Any] = {factor: aliased(ProofRow) for factor in Factor}
"""A join for each factor: so a statement returns one row, whatever was passed."""
_code_proof = _proof_by[Factor.EMAIL_CODE]

_AROUND_COLUMNS = (RegistrationRow, PendingRow, _live, _proven, StaffCardRow, StaffMemberRow)
_AROUND_ROWS = (RegistrationRow, PendingRow, CodeRow, CodeRow, StaffCardRow, StaffMemberRow)
_of_member = col(StaffMemberRow.id) == col(StaffCardRow.staff_id)

_READ = (
    select(VisitRow, CardRow, CardholderRow, *_AROUND_COLUMNS)
    .join(CardRow, col(CardRow.id) == col(VisitRow.card_id))
    .join(CardholderRow, col(CardholderRow.id) == col(CardRow.holder_id))
    .outerjoin(RegistrationRow, col(RegistrationRow.holder_id) == col(CardRow.holder_id))
    .outerjoin(PendingRow, col(PendingRow.id) == col(VisitRow.pending_id))
    .outerjoin(_live, and_(col(_live.card_id) == col(CardRow.id), *_is_live))
    .outerjoin(StaffCardRow, col(StaffCardRow.card_id) == col(CardRow.id))
    .outerjoin(StaffMemberRow, _of_member)
    .where(col(VisitRow.id) == bindparam("visit"))
)
for _factor, _proof in _proof_by.items():
    _of_visit = and_(col(_proof.visit_id) == col(VisitRow.id), col(_proof.factor) == _factor)
    _READ = _READ.add_columns(_proof).outerjoin(_proof, _of_visit)
_READ = _READ.outerjoin(_proven, col(_proven.id) == col(_code_proof.subject))
_VISIT_ROWS: tuple[type[TableRow], ...] = (
    *(VisitRow, CardRow, CardholderRow),
    *_AROUND_ROWS,
    *(ProofRow for _ in _proof_by),
)
_their_address = col(AddressRow.holder_id) == col(CardRow.holder_id)
_VISIT_WITH_CARD = Prepared(_READ.add_columns(AddressRow).outerjoin(AddressRow, _their_address))
_VISIT_AT_STATION = Prepared(
    _READ.add_columns(StationRow, AddressRow)
    .outerjoin(StationRow, col(StationRow.name) == col(VisitRow.station))
    .outerjoin(AddressRow, _their_address)
)

_one = select(literal(1).label("one")).subquery()
_AROUND = Prepared(
    select(CardholderRow, *_AROUND_COLUMNS, AddressRow)
    .select_from(_one)
    .outerjoin(CardholderRow, col(CardholderRow.id) == bindparam("holder"))
    .outerjoin(RegistrationRow, col(RegistrationRow.holder_id) == bindparam("holder"))
    .outerjoin(PendingRow, col(PendingRow.id) == bindparam("pending"))
    .outerjoin(_live, and_(col(_live.card_id) == bindparam("card"), *_is_live))
    .outerjoin(_proven, col(_proven.id) == bindparam("code"))
    .outerjoin(StaffCardRow, col(StaffCardRow.card_id) == bindparam("card"))
    .outerjoin(StaffMemberRow, _of_member)
    .outerjoin(AddressRow, col(AddressRow.holder_id) == bindparam("holder"))
)

_LOCK_GRANTED = Prepared(
    select(_CARDS.c.id)
    .join_from(_CARDS, _ENTRIES, _ENTRIES.c.card_id == _CARDS.c.id)
    .join(_VISITS, _VISITS.c.id == _ENTRIES.c.visit_id)
    .where(_ENTRIES.c.id == bindparam("entry"))
    .with_for_update(of=(_CARDS, _VISITS))
)
_GENERATIONS_FROM = select(func.coalesce(func.max(col(RestoreRow.generations_from)), 0))
_later = aliased(UnblockRow)
_OVERTAKEN = exists().where(
    col(_later.card_id) == col(UnblockRow.card_id),
    col(_later.visit_id) != col(UnblockRow.visit_id),
    col(_later.opened_at) > col(UnblockRow.opened_at),
    col(_later.opened_at) < bindparam("soon"),
)
_GRANTED = Prepared(
    select(
        *(UnblockRow, VisitRow, CardRow, CardholderRow, StationRow, RegistrationRow),
        _GENERATIONS_FROM.scalar_subquery(),
        _OVERTAKEN,
        AddressRow,
    )
    .join(VisitRow, col(VisitRow.id) == col(UnblockRow.visit_id))
    .join(CardRow, col(CardRow.id) == col(UnblockRow.card_id))
    .join(CardholderRow, col(CardholderRow.id) == col(CardRow.holder_id))
    .outerjoin(StationRow, col(StationRow.name) == col(VisitRow.station))
    .outerjoin(RegistrationRow, col(RegistrationRow.holder_id) == col(CardRow.holder_id))
    .outerjoin(AddressRow, _their_address)
    .where(col(UnblockRow.id) == bindparam("entry"))
)
_GRANTED_ROWS = (UnblockRow, VisitRow, CardRow, CardholderRow, StationRow, RegistrationRow)

_LOCK_CARD = Prepared(select(_CARDS.c.id).where(*IS_NAMED).with_for_update())


class VisitRecords(Repository):
    def lock_card(self, card: CardId) -> KnownCard | None:
        given = {"driver": card.driver, "identifier": card.identifier}
        self._gateway.lock(_LOCK_CARD, given)
        return known_card(self._gateway, NAMED_CARD, given, **given)

    def lock_visit(self, visit_id: str, *, at_station: bool) -> LockedVisit | None:
        """Lock a visit and its card, and read them with all that is recorded around them.

        ``at_station``: with the row of the station.
        """
        given = {"visit": visit_id}
        self._gateway.lock(_LOCK, given)
        statement, kinds = _VISIT_WITH_CARD, _VISIT_ROWS
        if at_station:
            statement, kinds = _VISIT_AT_STATION, (*_VISIT_ROWS, StationRow)
        found = self._gateway.joined_with(statement, kinds, AddressRow, given)
        if found is None:
            return None
        (visit, card, holder, *around), addresses = found
        station = around.pop() if at_station else None
        around, shown = around[: len(_AROUND_ROWS)], around[len(_AROUND_ROWS) :]
        for factor, proof in zip(_proof_by, shown, strict=True):
            self._gateway.check_asked(proof, visit_id=visit_id, factor=factor)
        proofs = tuple(proof.record(Proof) for proof in shown if proof)
        self._gateway.check_asked(visit, id=visit_id, card_id=card.id)
        self._gateway.check_asked(holder, id=card.holder_id)
        self._gateway.check_asked(station, name=visit.station)
        records = visit.record(Visit), card.record(Card), holder.record(Cardholder)
        return self._with_around(*records, addresses, around, station, proofs)

    def read_around(
        self, visit: Visit, card: Card, holder: Cardholder, proofs: tuple[Proof, ...]
    ) -> LockedVisit:
        """Read what is around a visit that need not be stored as it is; lock its card first.

        The holder as well: an import does not wait for the card.
        """
        names = {"holder": holder.id, "card": card.id}
        given = names | {"pending": visit.pending_id, "code": _code_of(proofs)}
        kinds = (CardholderRow, *_AROUND_ROWS)
        found = self._gateway.joined_with(_AROUND, kinds, AddressRow, given)
        (now, *around), addresses = found or ((None,), ())
        self._gateway.check_asked(now, id=holder.id)
        if now is not None:
            holder = now.record(Cardholder)
        return self._with_around(visit, card, holder, addresses, around, None, proofs)

    def _with_around(
        self,
        visit: Visit,
        card: Card,
        holder: Cardholder,
        addresses: Sequence[AddressRow],
        around: Sequence[Any],
        station: StationRow | None,
        proofs: tuple[Proof, ...],
    ) -> LockedVisit:
        """Add what was joined, once it is sure that it belongs to a visit's card and holder."""
        registration, pending, code, proven_code, staff_card, staff_member = around
        self._gateway.check_asked(registration, holder_id=holder.id)
        self._gateway.check_asked(pending, id=visit.pending_id)
        self._gateway.check_asked(code, card_id=card.id, consumed_at=None, revoked_at=None)
        self._gateway.check_asked(proven_code, id=_code_of(proofs))
        self._gateway.check_asked(staff_card, card_id=card.id)
        self._gateway.check_asked(staff_member, id=staff_card.staff_id if staff_card else None)
        kinds = Registration, PendingChange, EmailCode, EmailCode, StaffCard, StaffMember, Station
        rows = zip((*around, station), kinds, strict=True)
        read = (row and row.record(kind) for row, kind in rows)
        theirs = self._addresses(addresses, holder.id)
        return LockedVisit(visit, card, holder, theirs, proofs, *read)

    def lock_grant(self, visit_id: str, entry_id: str) -> LockedGrant | None:
        given = {"entry": entry_id}
        self._gateway.lock(_LOCK_GRANTED, given)
        soon = {"soon": self._now + VISIT_LIFE}
        found = self._gateway.joined_with(_GRANTED, _GRANTED_ROWS, AddressRow, given | soon)
        if found is None:
            return None
        (*granted, generations, overtaken), addresses = found
        entry, visit, card, holder, station, registration = granted
        self._gateway.check_asked(entry, id=entry_id)
        self._gateway.check_asked(visit, id=entry.visit_id)
        self._gateway.check_asked(card, id=entry.card_id)
        self._gateway.check_asked(holder, id=card.holder_id)
        self._gateway.check_asked(registration, holder_id=card.holder_id)
        self._gateway.check_asked(station, name=visit.station)
        if entry.visit_id != visit_id:
            return None
        return LockedGrant(
            entry.record(UnblockEntry),
            visit.record(Visit),
            card.record(Card),
            holder.record(Cardholder),
            registration.record(Registration) if registration else None,
            self._addresses(addresses, holder.id),
            station.record(Station) if station else None,
            generations,
            bool(overtaken),
        )

    def _addresses(self, rows: Sequence[AddressRow], holder_id: str) -> tuple[Address, ...]:
        for row in rows:
            self._gateway.check_asked(row, holder_id=holder_id)
        return tuple(row.record(Address) for row in rows)


def _code_of(proofs: Sequence[Proof]) -> str | None:
    """Return the id of the code that was entered rightly."""
    shown = (proof.subject for proof in proofs if proof.factor is Factor.EMAIL_CODE)
    return next(shown, None)
