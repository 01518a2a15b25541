"""The keys that stations use, and the lines with which they enrol."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from kiosk.authority.store.gateway import Prepared
from kiosk.authority.store.records import Enrolment, Station, StationKey
from kiosk.authority.store.repositories import Repository
from kiosk.authority.store.tables import EnrolmentRow, StationKeyRow, StationRow, col, values

_FOUND = Prepared(
    select(StationKeyRow, StationRow)
    .join(StationRow, col(StationRow.name) == col(StationKeyRow.station))
    .where(col(StationKeyRow.fingerprint) == bindparam("fingerprint"))
)


class StationKeys(Repository):
    """These rows identify a station at every call, whatever CA issued its certificate."""

    def find(self, fingerprint: str) -> tuple[StationKey, Station] | None:
        """Return a key with its station, also a retired one; None for a key that has ended."""
        given = {"fingerprint": fingerprint}
        for key, station in self._gateway.joined(_FOUND, (StationKeyRow, StationRow), given):
            if key.ends_at is None or key.ends_at > self._now:
                return key.record(StationKey), station.record(Station)
        return None

    def add(self, key: StationKey) -> None:
        """Let a station call with a key."""
        self._gateway.add(StationKeyRow, values(key))

    def drop(self, station: str) -> None:
        """Delete every key of a station."""
        self._gateway.run(delete(StationKeyRow).where(col(StationKeyRow.station) == station))

    def lock(self, station: str) -> dict[str, StationKey]:
        """Return the keys of a station by fingerprint, locked until the end."""
        theirs = select(StationKeyRow).where(col(StationKeyRow.station) == station)
        in_order = theirs.order_by(col(StationKeyRow.fingerprint)).with_for_update()
        rows = self._gateway.many(in_order, StationKeyRow)
        return {row.fingerprint: row.record(StationKey) for row in rows}

    def replace(self, used: StationKey, key: StationKey) -> None:
        """Add ``key``, whose first use ends ``used``; any other key of the station ends now."""
        others = col(StationKeyRow.fingerprint) != used.fingerprint
        theirs = col(StationKeyRow.station) == used.station
        self._gateway.run(delete(StationKeyRow).where(theirs, others))
        self.add(replace(key, replaces=used.fingerprint))

    def first_used(self, key: StationKey, until: datetime) -> None:
        """Note a call with a key: after the first one, the replaced key ends ``until``."""
        now = self.lock(key.station).get(key.fingerprint)
        if now is not None and now.replaces:
            this = col(StationKeyRow.fingerprint)
            self._gateway.change(StationKeyRow, this == now.fingerprint, replaces=None)
            self._gateway.change(StationKeyRow, this == now.replaces, ends_at=until)

    def expiries(self) -> dict[str, datetime]:
        """Return when the certificate that each station uses ends: for display."""
        rows = self._gateway.unchecked(select(StationKeyRow), StationKeyRow)
        used = sorted((row for row in rows if not row.replaces), key=lambda row: row.added_at)
        return {row.station: row.not_after for row in used}


class Enrolments(Repository):
    """The lines that staff handed out."""

    def open(self, number: str, secret: str, station: str, site: str, until: datetime) -> None:
        """Store a line; an earlier line of the station, and all expired ones, are deleted."""
        self.close(station)
        self._gateway.run(delete(EnrolmentRow).where(col(EnrolmentRow.expires_at) <= self._now))
        digest = self._digests(number, secret)[0]
        self._gateway.add(EnrolmentRow, values(Enrolment(number, station, site, digest, until)))

    def close(self, station: str) -> None:
        """Delete the line of a station."""
        self._gateway.run(delete(EnrolmentRow).where(col(EnrolmentRow.station) == station))

    def is_free(self, number: str) -> bool:
        """Return whether no line has this number."""
        found = select(col(EnrolmentRow.number)).where(col(EnrolmentRow.number) == number)
        return self._gateway.scalar(found) is None

    def charge(self, number: str, most: int) -> bool:
        """Charge one try before the secret is checked; commit this alone. False: none is left."""
        left = update(EnrolmentRow).where(
            col(EnrolmentRow.number) == number, col(EnrolmentRow.tries) < most
        )
        return self._gateway.run(left.values(tries=col(EnrolmentRow.tries) + 1)) == 1

    def lock(self, number: str) -> Enrolment | None:
        """Return a line, locked until the end."""
        statement = select(EnrolmentRow).where(col(EnrolmentRow.number) == number)
        row = self._gateway.one(statement.with_for_update(), EnrolmentRow)
        return row.record(Enrolment) if row else None

    def matches(self, enrolment: Enrolment, secret: str) -> bool:
        """Return, in constant time, whether ``secret`` is the line's."""
        digests = self._digests(enrolment.number, secret)
        return any(hmac.compare_digest(enrolment.digest, each) for each in digests)

    def use(self, number: str, fingerprint: str) -> None:
        """Note the key that enrolled with a line: the line works for no other."""
        self._gateway.change(EnrolmentRow, col(EnrolmentRow.number) == number, used_key=fingerprint)

    def _digests(self, number: str, secret: str) -> tuple[str, ...]:
        return self._gateway.number_digests("station-enrolment", number + secret)
