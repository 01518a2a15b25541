"""What a decision in a visit rests on, read by one statement once card and visit are locked.

The locks go out with the statement that reads, and the server takes them first: what it reads
after a wait is what the writer before has left. The card is locked before the visit, as every
writer locks them.
"""

from __future__ import annotations

from sqlalchemy import and_, bindparam, func, literal, select
from sqlalchemy.orm import aliased

from kiosk.authority.store.gateway import table_of
from kiosk.authority.store.prepared import Prepared
from kiosk.authority.store.records import (
    AroundVisit,
    Cardholder,
    EmailCode,
    HeldGrant,
    HeldVisit,
    KnownCard,
    PendingChange,
    Registration,
    StaffCard,
    StaffMember,
    Station,
    UnblockEntry,
    Visit,
)
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.repositories.cards import card_record
from kiosk.authority.store.tables import (
    CardholderRow,
    CardRow,
    CodeRow,
    PendingRow,
    RegistrationRow,
    RestoreRow,
    StaffCardRow,
    StaffMemberRow,
    StationRow,
    UnblockRow,
    VisitRow,
    col,
)
from kiosk.contract.messages import CardId

_VISIT, _CARD, _ENTRY = table_of(VisitRow), table_of(CardRow), table_of(UnblockRow)

_LOCK = Prepared(
    select(_CARD.c.id)
    .join_from(_CARD, _VISIT, _VISIT.c.card_id == _CARD.c.id)
    .where(_VISIT.c.id == bindparam("visit"))
    .with_for_update(of=(_CARD, _VISIT))
)

_live, _proven = aliased(CodeRow), aliased(CodeRow)
_is_live = (
    col(_live.sent_at).is_not(None),
    col(_live.consumed_at).is_(None),
    col(_live.revoked_at).is_(None),
)

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
    .outerjoin(_proven, col(_proven.id) == col(VisitRow.code_proven_id))
    .outerjoin(StaffCardRow, col(StaffCardRow.card_id) == col(CardRow.id))
    .outerjoin(StaffMemberRow, _of_member)
    .where(col(VisitRow.id) == bindparam("visit"))
)
_HELD_ROWS = (VisitRow, CardRow, CardholderRow, *_AROUND_ROWS)
_HELD = Prepared(_READ)
_HELD_AT_STATION = Prepared(
    _READ.add_columns(StationRow).outerjoin(
        StationRow, col(StationRow.name) == col(VisitRow.station)
    )
)

_one = select(literal(1).label("one")).subquery()
_AROUND = Prepared(
    select(*_AROUND_COLUMNS)
    .select_from(_one)
    .outerjoin(RegistrationRow, col(RegistrationRow.holder_id) == bindparam("holder"))
    .outerjoin(PendingRow, col(PendingRow.id) == bindparam("pending"))
    .outerjoin(_live, and_(col(_live.card_id) == bindparam("card"), *_is_live))
    .outerjoin(_proven, col(_proven.id) == bindparam("code"))
    .outerjoin(StaffCardRow, col(StaffCardRow.card_id) == bindparam("card"))
    .outerjoin(StaffMemberRow, _of_member)
)

_LOCK_GRANTED = Prepared(
    select(_CARD.c.id)
    .join_from(_CARD, _ENTRY, _ENTRY.c.card_id == _CARD.c.id)
    .join(_VISIT, _VISIT.c.id == _ENTRY.c.visit_id)
    .where(_ENTRY.c.id == bindparam("entry"))
    .with_for_update(of=(_CARD, _VISIT))
)
_GENERATIONS_FROM = select(func.coalesce(func.max(col(RestoreRow.generations_from)), 0))
_GRANTED = Prepared(
    select(UnblockRow, VisitRow, CardRow, CardholderRow, _GENERATIONS_FROM.scalar_subquery())
    .join(VisitRow, col(VisitRow.id) == col(UnblockRow.visit_id))
    .join(CardRow, col(CardRow.id) == col(UnblockRow.card_id))
    .join(CardholderRow, col(CardholderRow.id) == col(CardRow.holder_id))
    .where(col(UnblockRow.id) == bindparam("entry"))
)
_GRANTED_ROWS = (UnblockRow, VisitRow, CardRow, CardholderRow)


_CARD_NAMED = (
    _CARD.c.driver == bindparam("driver"),
    _CARD.c.identifier == bindparam("identifier"),
)
_LOCK_CARD = Prepared(select(_CARD.c.id).where(*_CARD_NAMED).with_for_update())
_KNOWN = Prepared(
    select(CardRow, CardholderRow)
    .join(CardholderRow, col(CardholderRow.id) == col(CardRow.holder_id))
    .where(*_CARD_NAMED)
)


class VisitRecords(Repository):
    """Reads them."""

    def hold_card(self, card: CardId) -> KnownCard | None:
        """Lock the card that a reader named, and read it with its holder."""
        given = {"driver": card.driver, "identifier": card.identifier}
        self._gateway.lock(_LOCK_CARD, given)
        for row, holder in self._gateway.joined(_KNOWN, (CardRow, CardholderRow), given):
            return KnownCard(card_record(row), holder.record(Cardholder))
        return None

    def hold(self, visit_id: str, *, at_station: bool) -> HeldVisit | None:
        """Lock a visit and its card, and read them with all that is recorded around them.

        ``at_station``: with the row of the station. None where visit or card are not recorded.
        """
        given = {"visit": visit_id}
        self._gateway.lock(_LOCK, given)
        if at_station:
            rows = self._gateway.joined(_HELD_AT_STATION, (*_HELD_ROWS, StationRow), given)
        else:
            rows = self._gateway.joined(_HELD, _HELD_ROWS, given)
        if not rows:
            return None
        visit, card, holder, *around = rows[0]
        station = around.pop() if at_station else None
        return HeldVisit(
            visit.record(Visit),
            card_record(card),
            holder.record(Cardholder),
            _around(*around),
            station.record(Station) if station else None,
        )

    def look(self, visit: Visit, card_id: str, holder_id: str) -> AroundVisit:
        """Read what is recorded around a visit that need not be stored as it is."""
        names = {"holder": holder_id, "card": card_id}
        given = names | {"pending": visit.pending_id, "code": visit.code_proven_id}
        return _around(*self._gateway.joined(_AROUND, _AROUND_ROWS, given)[0])

    def hold_grant(self, visit_id: str, entry_id: str) -> HeldGrant | None:
        """Lock card and visit of an entry of the journal, and read them; None: there is none."""
        given = {"entry": entry_id}
        self._gateway.lock(_LOCK_GRANTED, given)
        for entry, visit, card, holder, generations in self._gateway.joined(
            _GRANTED, _GRANTED_ROWS, given
        ):
            if entry.visit_id == visit_id:
                return HeldGrant(
                    entry.record(UnblockEntry),
                    visit.record(Visit),
                    card_record(card),
                    holder.record(Cardholder),
                    generations,
                )
        return None


def _around(
    registration: RegistrationRow | None,
    pending: PendingRow | None,
    code: CodeRow | None,
    proven_code: CodeRow | None,
    staff_card: StaffCardRow | None,
    staff_member: StaffMemberRow | None,
) -> AroundVisit:
    return AroundVisit(
        registration.record(Registration) if registration else None,
        pending.record(PendingChange) if pending else None,
        code.record(EmailCode) if code else None,
        proven_code.record(EmailCode) if proven_code else None,
        staff_card.record(StaffCard) if staff_card else None,
        staff_member.record(StaffMember) if staff_member else None,
    )
