"""What happened at stations, written down at moments of a test's choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kiosk.authority.audit.events import AuditKind, record
from kiosk.authority.records import Cardholder, Station, Visit, new_id
from kiosk.authority.store.database import Store
from kiosk.contract.messages import Reason, VisitId, reference_of
from tests.authority.store import samples
from tests.support.database import SetClock


@dataclass(frozen=True)
class History:
    """Writes visits and what the authority told the audit of them."""

    store: Store
    clock: SetClock

    def station(self, name: str, site: str = "", *, seen: datetime | None = None) -> None:
        with self.store.begin() as uow:
            uow.stations.seen(Station(name, seen or uow.now, "0.1.0", "ready", site))
            uow.commit()

    def heard_again(self, name: str) -> None:
        """Take a later heartbeat of a station that is known."""
        with self.store.begin() as uow:
            uow.stations.seen_again([Station(name, uow.now, "0.1.0", "ready")])
            uow.commit()

    def person(self, number: str = "100000000001") -> Cardholder:
        holder = samples.holder(number)
        with self.store.begin() as uow:
            uow.holders.put([holder])
            uow.commit()
        return holder

    def visit(
        self,
        *kinds: AuditKind,
        at: datetime | None = None,
        station: str = "Main entrance",
        took_s: float = 0,
        holder: Cardholder | None = None,
        card_id: str | None = None,
        **detail: str,
    ) -> Visit:
        """Open a visit ``took_s`` before ``at`` (default: now) and tell of it at ``at``."""
        before, moment = self.clock.time, at or self.clock.time
        id_ = new_id()
        opened = moment - timedelta(seconds=took_s)
        visit = Visit(id_, reference_of(VisitId(id_)), station, opened)
        visit = replace(visit, holder_id=holder.id if holder else None, card_id=card_id)
        self.clock.time = moment
        with self.store.begin() as uow:
            uow.visits.add(visit)
            for kind in kinds:
                record(uow, kind, visit, **detail)
            uow.commit()
        self.clock.time = before
        return visit

    def unlocked(self, at: datetime | None = None, **more: object) -> Visit:
        return self.visit(AuditKind.UNBLOCK_DONE, at=at, **more)  # type: ignore[arg-type]

    def registered(self, at: datetime | None = None, **more: object) -> Visit:
        return self.visit(AuditKind.REGISTERED, at=at, **more)  # type: ignore[arg-type]

    def refused(self, reason: Reason, at: datetime | None = None, **more: object) -> Visit:
        return self.visit(AuditKind.REFUSED, at=at, reason=reason.value, **more)  # type: ignore[arg-type]
