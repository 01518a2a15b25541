"""What services keep: keys, outbox, stations, alarms, jobs, the policy, and feeds of the audit."""

from __future__ import annotations

import heapq
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from sqlalchemy import Update, bindparam, case, delete, distinct, func, or_, select, update
from sqlalchemy.orm import Mapped

from kiosk.authority.audit.rows import before_first, chain_of
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    Alarm,
    AuditEvent,
    Enrolment,
    Job,
    OutboxMessage,
    PolicySetting,
    Restore,
    Scalar,
    Station,
    StationKey,
)
from kiosk.authority.store.gateway import Prepared, Repository, table_of
from kiosk.authority.store.repositories.audit import event_of
from kiosk.authority.store.tables import (
    AlarmRow,
    AuditEventRow,
    AuditFeedRow,
    AuditHeadRow,
    EnrolmentRow,
    JobRow,
    KnownKeyRow,
    OutboxRow,
    PolicySettingRow,
    RestoreRow,
    StationKeyRow,
    StationRow,
    VisitRow,
    col,
    values,
)


class KnownKeys(Repository):
    """The names of the keys under which this database was filled; never the keys themselves."""

    def lock(self) -> None:
        """Wait for others that add some: the authority's role may not lock the table."""
        self._gateway.take_turns("kiosk-known-keys")

    def every(self) -> dict[str, str]:
        """Return the purpose of each by its id."""
        rows = self._gateway.many(select(KnownKeyRow), KnownKeyRow)
        return {row.id: row.purpose for row in rows}

    def since(self) -> dict[str, datetime]:
        """Return by its id when each became known."""
        rows = self._gateway.many(select(KnownKeyRow), KnownKeyRow)
        return {row.id: row.since for row in rows}

    def add(self, keys: Mapping[str, str]) -> None:
        for key, purpose in keys.items():
            insert = self._gateway.upsert(KnownKeyRow)
            row = insert.values(id=key, purpose=purpose, since=self._now)
            self._gateway.write(row.on_conflict_do_nothing())


_LATEST: Final = datetime.max.replace(tzinfo=UTC)


class Restores(Repository):
    """When a backup of this database was restored."""

    def add(self, restore: Restore) -> None:
        self._gateway.add(RestoreRow, values(restore))

    def newest(self, limit: int) -> tuple[Restore, ...]:
        """Return the last ones, the newest first, also where the clock was wrong."""
        newest = select(RestoreRow).order_by(col(RestoreRow.generations_from).desc()).limit(limit)
        return self._all(Restore, RestoreRow, newest)


class Outbox(Repository):
    """Notices to be mailed, written in the transaction of the event that they report."""

    def add(self, message: OutboxMessage) -> None:
        """Queue one; its parameters hold no secret."""
        self._gateway.add(OutboxRow, values(message))

    def count(
        self, to: str, templates: Collection[str], span: timedelta, *, holder_id: str = ""
    ) -> int:
        """Return how many of these notices were queued to an address within ``span``.

        One that is ahead by more was dated by a wrong clock, and does not count. ``holder_id``:
        about this holder alone.
        """
        since, until = self._now - span, self._now + span
        # A notice is never due before it is queued: so the index of due ones finds the new ones.
        new = col(OutboxRow.created_at).between(since, until), col(OutboxRow.next_at) > since
        these = col(OutboxRow.to) == to, col(OutboxRow.template).in_(list(templates))
        about = (col(OutboxRow.holder_id) == holder_id,) if holder_id else ()
        return self._gateway.count(select(func.count()).where(*new, *these, *about))

    def claim_due(self, limit: int, lease: timedelta) -> tuple[OutboxMessage, ...]:
        """Take up to ``limit`` that are due, oldest first; commit before mailing them.

        Each counts one more attempt and is hidden from other workers until ``lease`` is over, when
        it is due again: a worker that dies loses nothing. A message is sent twice only if its
        worker dies between relay and ``mark_sent``.
        """
        given = {"now": self._now, "most": limit, "again_at": self._now + lease}
        rows = self._gateway.many(_CLAIM, OutboxRow, given)
        claimed = [row.record(OutboxMessage) for row in rows]
        return tuple(sorted(claimed, key=lambda message: message.created_at))

    def get(self, message_id: str) -> OutboxMessage | None:
        this = select(OutboxRow).where(col(OutboxRow.id) == message_id)
        return self._one(OutboxMessage, OutboxRow, this, id=message_id)

    def make_due(self, longest: timedelta) -> None:
        """Make due what is put off for longer than that: by a clock that was wrong once."""
        late = update(OutboxRow).where(*_WAITS, col(OutboxRow.next_at) > self._now + longest)
        self._gateway.run(late.values(next_at=self._now))

    def mark_sent(self, message_id: str) -> None:
        self._gateway.write(_MARK_SENT, {"message": message_id, "now": self._now})

    def mark_failed(
        self, message_id: str, retry_at: datetime | None, *, denied: bool = False
    ) -> None:
        """It was not sent; try again at ``retry_at``, or never (None)."""
        when = {"failed_at": self._now} if retry_at is None else {"next_at": retry_at}
        statement = update(OutboxRow).where(col(OutboxRow.id) == message_id, *_WAITS)
        self._gateway.write(statement.values(denied=denied, **when))

    def waiting(self) -> int:
        """Return how many are neither sent nor given up."""
        return self._gateway.count(select(func.count()).where(*_WAITS))

    def waits_since(self) -> datetime | None:
        """Return when the oldest of those was queued; None where nothing waits."""
        return self._first(col(OutboxRow.created_at))

    def denied_addresses(self) -> int:
        """Return to how many addresses notices wait that a policy of the relay refused."""
        addresses = select(func.count(distinct(col(OutboxRow.to))))
        return self._gateway.count(addresses.where(*_WAITS, col(OutboxRow.denied)))

    def held_up_since(self) -> datetime | None:
        """Return when the oldest notice was queued that shows that mail does not move.

        One address alone that is denied does not, once any other notice was sent since.
        """
        denied = col(OutboxRow.denied)
        oldest = select(func.min(col(OutboxRow.created_at))).where(*_WAITS)
        if self.denied_addresses() == 1:
            since: datetime = self._gateway.scalar(oldest.where(denied))
            # What was sent since was due since, by the index of ``next_at``.
            later = col(OutboxRow.next_at) > since, col(OutboxRow.sent_at) > since
            if self._gateway.scalar(select(func.count()).where(*later)):
                oldest = oldest.where(denied.is_(False))
        held_up: datetime | None = self._gateway.scalar(oldest)
        return held_up

    def next_try(self) -> datetime | None:
        """Return when the first of those is due; None where nothing waits."""
        return self._first(col(OutboxRow.next_at))

    def _first(self, time: Mapped[datetime]) -> datetime | None:
        first: datetime | None = self._gateway.scalar(select(func.min(time)).where(*_WAITS))
        return first


_HEARTBEAT = ("last_seen_at", "version", "reader_state")


class Stations(Repository):
    """The last report of each kiosk."""

    def seen(self, station: Station) -> None:
        """Take a heartbeat; add a new station."""
        this, new = col(StationRow.name) == station.name, values(station)
        latest = {name: new[name] for name in (*_HEARTBEAT, "site")}
        if not self._gateway.add_new(StationRow, new):
            self._gateway.change(StationRow, this, **latest)

    def seen_again(self, stations: Sequence[Station]) -> None:
        """Take later heartbeats of known stations, by name; a time is never set back."""
        names = "name", *_HEARTBEAT
        given = [{f"a_{name}": getattr(each, name) for name in names} for each in stations]
        self._gateway.run(_SEEN_AGAIN, given)

    def mend_times(self) -> None:
        """Let heartbeats that a wrong clock dated ahead count as of now: later ones come before."""
        # A value that is no time stays: whatever reads it next reports it.
        ahead = col(StationRow.last_seen_at).between(self._now + CLOCKS_DIFFER, _LATEST)
        mended = update(table_of(StationRow)).where(ahead).values(last_seen_at=self._now)
        self._gateway.run(mended)

    def retired(self) -> frozenset[str]:
        """Return the names of those that serve nobody: for display, never for a decision."""
        retired = select(col(StationRow.name)).where(col(StationRow.retired_at).is_not(None))
        return frozenset(name for (name,) in self._gateway.tuples(retired))

    def enrolled(self, station: Station) -> None:
        """Add an enrolled station, also one that was retired."""
        if not self._gateway.add_new(StationRow, values(station)):
            this = col(StationRow.name) == station.name
            self._gateway.change(StationRow, this, site=station.site, retired_at=None)

    def get(self, name: str) -> Station | None:
        return self._one(Station, StationRow, _STATION, {"station": name}, name=name)

    def every(self) -> tuple[Station, ...]:
        """Return all, by name, also altered ones: for display, never for a decision."""
        statement = select(StationRow).order_by(col(StationRow.name))
        rows = self._gateway.unchecked(statement, StationRow)
        return tuple(row.record(Station) for row in rows)

    def retire(self, name: str, at: datetime) -> bool:
        """Retire one; return False where it is unknown or retired already."""
        present = col(StationRow.name) == name, col(StationRow.retired_at).is_(None)
        return bool(self._gateway.change(StationRow, *present, retired_at=at))

    def reinstate(self, name: str) -> bool:
        """Reinstate one; return False where it is unknown or not retired."""
        retired = col(StationRow.name) == name, col(StationRow.retired_at).is_not(None)
        return bool(self._gateway.change(StationRow, *retired, retired_at=None))

    def last_visits(self) -> dict[str, datetime]:
        """Return when a card was last inserted at each station that ever had one."""
        opened = select(func.max(col(VisitRow.opened_at)))
        here = opened.where(col(VisitRow.station) == col(StationRow.name)).scalar_subquery()
        rows = self._gateway.tuples(select(col(StationRow.name), here))
        return {name: at for name, at in rows if at is not None}


_STATION: Final = Prepared(select(StationRow).where(col(StationRow.name) == bindparam("station")))

_SEEN_AGAIN: Final = (
    update(table_of(StationRow))
    .where(
        col(StationRow.name) == bindparam("a_name"),
        col(StationRow.last_seen_at) <= bindparam("a_last_seen_at"),
    )
    .values({name: bindparam(f"a_{name}") for name in _HEARTBEAT})
)


_WAITS = col(OutboxRow.sent_at).is_(None), col(OutboxRow.failed_at).is_(None)
_DUE = (
    select(col(OutboxRow.id))
    .where(*_WAITS, col(OutboxRow.next_at) <= bindparam("now"))
    .order_by(col(OutboxRow.next_at))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM: Final = Prepared(
    update(OutboxRow)
    .where(col(OutboxRow.id).in_(_DUE))
    .values(next_at=bindparam("again_at"), attempts=col(OutboxRow.attempts) + 1)
    .returning(OutboxRow)
)
_MARK_SENT: Final = Prepared(
    update(OutboxRow)
    .where(col(OutboxRow.id) == bindparam("message"), *_WAITS)
    .values(sent_at=bindparam("now"))
)


# Alarms and jobs: of several processes that run at once, one reports an alarm and one does a job.

LEFT = 5
"""A job that was left undone for so many periods counts as begun again."""


class Alarms(Repository):
    def begin(self, name: str, kind: str, detail: Mapping[str, Scalar]) -> bool:
        """Raise an alarm; return True for exactly one caller until it has ended."""
        alarm = Alarm(name, kind, self._now, dict(detail))
        if self._gateway.add_new(AlarmRow, values(alarm)):
            return True
        again = update(AlarmRow).where(col(AlarmRow.name) == name)
        self._gateway.write(again.values(detail=dict(detail)))
        return False

    def end(self, name: str) -> Alarm | None:
        """End an alarm and return it; None where it has ended already."""
        ended = delete(AlarmRow).where(col(AlarmRow.name) == name).returning(AlarmRow)
        return self._one(Alarm, AlarmRow, ended)

    def standing(self) -> tuple[Alarm, ...]:
        """Return the oldest first."""
        ordered = select(AlarmRow).order_by(col(AlarmRow.since), col(AlarmRow.name))
        return self._all(Alarm, AlarmRow, ordered)


class Jobs(Repository):
    """Periodic work, done by the first process that finds it due."""

    def get(self, name: str) -> Job | None:
        """Return a job after its last run; None before the first."""
        return self._one(Job, JobRow, select(JobRow).where(col(JobRow.name) == name))

    def claim(self, name: str, every: timedelta) -> bool:
        """Take a job that is due; return True for exactly one caller in each period ``every``.

        A time in the far future, from a clock that was wrong once, does not stop it, and none is
        kept.
        """
        now, done_at, begun = self._now, col(JobRow.done_at), col(JobRow.since)
        new = {"name": name, "since": now, "done_at": now, "reached": ""}
        since = case((or_(done_at <= now - LEFT * every, begun > now), now), else_=begun)
        insert = self._gateway.upsert(JobRow).values(new)
        statement = insert.on_conflict_do_update(
            index_elements=["name"],
            set_={"done_at": now, "since": since},
            where=or_(done_at <= now - every, done_at > now + every),
        )
        return self._gateway.run(statement) == 1

    def is_due(self, name: str, every: timedelta) -> bool:
        done_at = col(JobRow.done_at)
        fresh = done_at > self._now - every, done_at <= self._now + every
        found = select(col(JobRow.name)).where(col(JobRow.name) == name, *fresh)
        return self._gateway.scalar(found) is None

    def reach(self, name: str, reached: str) -> None:
        """Note where a job in pieces goes on."""
        statement = update(JobRow).where(col(JobRow.name) == name)
        self._gateway.write(statement.values(reached=reached))


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
            self._gateway.check_asked(key, fingerprint=fingerprint)
            self._gateway.check_asked(station, name=key.station)
            if key.ends_at is None or key.ends_at > self._now:
                return key.record(StationKey), station.record(Station)
        return None

    def add(self, key: StationKey) -> None:
        self._gateway.add(StationKeyRow, values(key))

    def drop(self, station: str) -> None:
        self._gateway.run(delete(StationKeyRow).where(col(StationKeyRow.station) == station))

    def lock(self, station: str) -> dict[str, StationKey]:
        """Return the keys of a station by fingerprint, locked until the end."""
        theirs = select(StationKeyRow).where(col(StationKeyRow.station) == station)
        in_order = theirs.order_by(col(StationKeyRow.fingerprint)).with_for_update()
        found = self._all(StationKey, StationKeyRow, in_order)
        return {one.fingerprint: one for one in found}

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

    def certificates(self) -> dict[str, tuple[datetime, datetime]]:
        """Return since when and until when each station's certificate is good: for display."""
        rows = self._gateway.unchecked(select(StationKeyRow), StationKeyRow)
        used = sorted((row for row in rows if not row.replaces), key=lambda row: row.added_at)
        return {row.station: (row.added_at, row.not_after) for row in used}


class Enrolments(Repository):
    """The lines that staff handed out."""

    def open(self, number: str, secret: str, station: str, site: str, until: datetime) -> None:
        """Store a line; an earlier line of the station, and all expired ones, are deleted."""
        self.close(station)
        self._close_expired()
        digest = self._digests(number, secret)[0]
        self._gateway.add(EnrolmentRow, values(Enrolment(number, station, site, digest, until)))

    def close(self, station: str) -> None:
        self._gateway.run(delete(EnrolmentRow).where(col(EnrolmentRow.station) == station))

    def close_unused(self) -> int:
        """Delete every unused line, of all stations; return how many had not expired."""
        self._close_expired()
        unused = col(EnrolmentRow.used_key).is_(None)
        return self._gateway.run(delete(EnrolmentRow).where(unused))

    def _close_expired(self) -> None:
        self._gateway.run(delete(EnrolmentRow).where(col(EnrolmentRow.expires_at) <= self._now))

    def is_free(self, number: str) -> bool:
        found = select(col(EnrolmentRow.number)).where(col(EnrolmentRow.number) == number)
        return self._gateway.scalar(found) is None

    def charge(self, number: str, most: int) -> bool:
        """Charge one try before the secret is checked; commit this alone. False: none is left."""
        tries = col(EnrolmentRow.tries)
        left = update(EnrolmentRow).where(col(EnrolmentRow.number) == number, tries < most)
        return self._gateway.run(left.values(tries=tries + 1)) == 1

    def lock(self, number: str) -> Enrolment | None:
        statement = select(EnrolmentRow).where(col(EnrolmentRow.number) == number)
        return self._one(Enrolment, EnrolmentRow, statement.with_for_update())

    def matches(self, enrolment: Enrolment, secret: str) -> bool:
        """Return, in constant time, whether ``secret`` is the line's."""
        digests = self._digests(enrolment.number, secret)
        return any(hmac.compare_digest(enrolment.digest, each) for each in digests)

    def use(self, number: str, fingerprint: str) -> None:
        """Note the key that enrolled with a line: the line works for no other."""
        self._gateway.change(EnrolmentRow, col(EnrolmentRow.number) == number, used_key=fingerprint)

    def _digests(self, number: str, secret: str) -> tuple[str, ...]:
        return self._gateway.macs.number_digests("station-enrolment", number + secret)


class PolicyChanges(Repository):
    """The settings that staff changed, which override the settings file."""

    def lock_all(self) -> None:
        """Lock all settings against other writers, as they have to fit each other."""
        self._gateway.lock_table(PolicySettingRow)

    def every(self) -> dict[str, PolicySetting]:
        found = self._all(PolicySetting, PolicySettingRow, select(PolicySettingRow))
        return {one.name: one for one in found}

    def save(self, setting: PolicySetting) -> bool:
        """Replace the one with its revision (0: none); return False where there is another."""
        new = values(setting) | {"revision": setting.revision + 1}
        new = self._gateway.stamped(PolicySettingRow, new)
        insert = self._gateway.upsert(PolicySettingRow).values(new)
        statement = insert.on_conflict_do_update(
            index_elements=["name"],
            set_=new,
            where=col(PolicySettingRow.revision) == setting.revision,
        )
        return self._gateway.run(statement) == 1


# How far the audit was sent to another system, and which process sends.
#
# Rows of one chain are committed in the order of their numbers, because each waits for its head.
# The last row that was sent of each chain therefore determines what is still to be sent, however
# the transactions of several writers overlap.

Reached = Mapping[int, int]
"""The last row of each chain that was sent."""


class AuditFeeds(Repository):
    """The feeds by name; only the process that holds one moves it on."""

    def reached(self, name: str) -> Reached | None:
        """Return how far a feed has come; None where it has not begun."""
        same = select(col(AuditFeedRow.reached)).where(col(AuditFeedRow.name) == name)
        text: str | None = self._gateway.scalar(same)
        return None if text is None else _read_reached(text)

    def claim(self, name: str, holder: str, lease: timedelta) -> Reached | None:
        """Hold a feed and return its progress; None where another process holds it."""
        now, until = self._now, col(AuditFeedRow.held_until)
        begun = {"name": name, "reached": "{}", "holder": "", "held_until": now}
        self._gateway.add_new(AuditFeedRow, begun)
        free = or_(
            col(AuditFeedRow.holder) == holder,
            until <= now,
            until > now + 2 * lease,  # by a clock that was wrong
        )
        held = (
            update(AuditFeedRow)
            .where(col(AuditFeedRow.name) == name, free)
            .values(holder=holder, held_until=now + lease)
            .returning(AuditFeedRow)
        )
        row = self._gateway.one(held, AuditFeedRow)
        return _read_reached(row.reached) if row else None

    def move(self, name: str, holder: str, reached: Reached) -> bool:
        """Note what was sent; return False where another process holds the feed now."""
        text = json.dumps({str(chain): row for chain, row in reached.items()})
        return self._gateway.run(_held(name, holder).values(reached=text)) == 1

    def release(self, name: str, holder: str) -> None:
        self._gateway.run(_held(name, holder).values(holder="", held_until=self._now))

    def rows_after(self, reached: Reached, limit: int) -> tuple[AuditEvent, ...]:
        """Return the next rows: each chain in its order, and the chains by time."""
        seq = col(AuditEventRow.seq)
        heads = self._gateway.tuples(select(col(AuditHeadRow.chain), col(AuditHeadRow.seq)))
        waiting = []
        for chain, head in heads:
            last = reached.get(chain, before_first(chain))
            if head > last:
                rows = select(AuditEventRow).where(seq > last, seq <= head).order_by(seq)
                waiting.append(self._gateway.many(rows.limit(limit), AuditEventRow))
        merged = heapq.merge(*waiting, key=attrgetter("at"))
        return tuple(event_of(row) for row, _ in zip(merged, range(limit), strict=False))


def _held(name: str, holder: str) -> Update:
    feed = AuditFeedRow
    return update(feed).where(col(feed.name) == name, col(feed.holder) == holder)


def advanced(reached: Reached, sent: tuple[AuditEvent, ...]) -> Reached:
    return {**reached, **{chain_of(event.seq): event.seq for event in sent}}


def _read_reached(text: str) -> Reached:
    return {int(chain): int(row) for chain, row in json.loads(text).items()}
