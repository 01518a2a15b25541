"""What is wrong with the service at present, by its records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Final

from kiosk.authority.administration import reports
from kiosk.authority.administration.views import StationState
from kiosk.authority.audit.events import AuditKind, Count
from kiosk.authority.errors import MailDenied, StoreError, ValueUnreadable
from kiosk.authority.mail.outbox import relay_away_since
from kiosk.authority.records import AuditQuery, Scalar, Station
from kiosk.authority.store.database import UnitOfWork
from kiosk.config.settings import NoticeSettings
from kiosk.contract.policy import HOUR

# The state of a station: when it counts as silent.

SILENT_AFTER = timedelta(minutes=2)
"""While a station runs, its last heartbeat in the database is at most 81 s old: one may be lost."""


def state_of(station: Station, now: datetime) -> StationState:
    if station.retired_at is not None:
        return StationState.RETIRED
    if not station.has_started:
        return StationState.NOT_STARTED
    is_silent = station.last_seen_at <= silent_before(now)
    return StationState.SILENT if is_silent else StationState.UP


def silent_before(now: datetime) -> datetime:
    """Return the time of the last heartbeat of a station that becomes silent now."""
    return now - SILENT_AFTER


WATCH: Final = "watch"
"""The job of looking for alarms."""

WATCH_EVERY = timedelta(seconds=50)
"""A little less than the minute between two calls."""

UNWATCHED_AFTER = timedelta(minutes=5)
"""Without a run for so long, staff see that nobody watches."""

PROOF_SPAN = timedelta(days=1)
"""How long a card that failed its proof stays an alarm."""

RELAY_PATIENCE = timedelta(minutes=5)
"""How long the mail relay may be away; codes are mailed at once or not at all."""

DENIED_SPAN = timedelta(days=1)
"""How long a code that the relay denied stays an alarm while no other one is mailed."""

LIMITED_SPAN = timedelta(hours=25)
"""How far back a station may have been limited that takes no answers now: a day and the hour for
which it is not audited again."""

MOST_EVENTS = 200

ALTERED_SPAN = timedelta(days=2)
"""How long an altered row stays an alarm without being found again: all are checked once a day."""

MOST_ROWS = 500
"""How many events of altered rows are read, the newest ones."""


class AlarmKind(StrEnum):
    """The kinds of alarms; each is also the name of its notice."""

    CARD_NOT_GENUINE = "card-not-genuine"
    FAILURES_AT_STATION = "failures-at-station"
    FAILURES_OF_PERSON = "failures-of-person"
    ANSWERS_LIMITED = "answers-limited"
    STATION_SILENT = "station-silent"
    MAIL_HELD_UP = "mail-held-up"
    ROW_ALTERED = "row-altered"
    AUDIT_BROKEN = "audit-broken"
    CLOCKS_DIFFER = "clocks-differ"
    LIST_NOT_CURRENT = "list-not-current"


PAST: Final = "past"
"""What is wrong with a list of revoked certificates that ended, and that no newer one followed."""

Detail = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """One thing that is wrong; the same ``subject`` is the same alarm.

    ``detail`` holds what the alarm keeps: ids, names of stations, counts, times.
    """

    kind: AlarmKind
    subject: str
    detail: Detail

    @property
    def name(self) -> str:
        return f"{self.kind.value}:{self.subject}"


def problems(
    uow: UnitOfWork, limits: NoticeSettings
) -> tuple[tuple[RaisedAlarm, ...], frozenset[AlarmKind], StoreError | None]:
    """Return everything that is wrong now, but with the audit: to verify that takes many runs.

    Then its kinds, and why there are not all of them: a value that cannot be read hides those that
    need it, and no others.
    """
    sources = (
        ({AlarmKind.CARD_NOT_GENUINE}, _failed_proofs(uow)),
        ({AlarmKind.FAILURES_AT_STATION, AlarmKind.FAILURES_OF_PERSON}, _failures(uow, limits)),
        ({AlarmKind.ANSWERS_LIMITED}, _limited_stations(uow)),
        ({AlarmKind.STATION_SILENT}, _silent_stations(uow)),
        ({AlarmKind.ROW_ALTERED}, _altered_rows(uow)),
        ({AlarmKind.MAIL_HELD_UP}, _mail(uow, timedelta(minutes=limits.mail_minutes))),
    )
    found: list[RaisedAlarm] = []
    read: set[AlarmKind] = set()
    unread: StoreError | None = None
    for kinds, source in sources:
        try:
            found += tuple(source)
        except ValueUnreadable as error:
            unread = unread or error
        else:
            read |= kinds
    return tuple(found), frozenset(read), unread


def _failed_proofs(uow: UnitOfWork) -> Iterator[RaisedAlarm]:
    """A card is one alarm however often it fails; an unknown card is its station's alarm."""
    since, until = uow.now - PROOF_SPAN, _soon(uow)
    failed = AuditQuery(sought=reports.NOT_GENUINE, since=since, until=until)
    found = uow.trail.newest(failed, limit=MOST_EVENTS)
    newest = {event.card_id or f"at {event.station}": event for event in reversed(found)}
    for subject, event in newest.items():
        detail = {
            "station": event.station,
            "reference": event.reference,
            "holder_id": event.holder_id,
        }
        yield RaisedAlarm(AlarmKind.CARD_NOT_GENUINE, subject, detail)


def _failures(uow: UnitOfWork, limits: NoticeSettings) -> Iterator[RaisedAlarm]:
    failed, hour = reports.COUNTED[Count.FAILED], (uow.now - HOUR, _soon(uow))
    for station, failures in uow.statistics.by("station", failed, hour).items():
        if station and failures >= limits.failures_at_station:
            detail: Detail = {"station": station, "failures": failures}
            yield RaisedAlarm(AlarmKind.FAILURES_AT_STATION, station, detail)
    for holder_id, failures in uow.statistics.by("holder_id", failed, hour).items():
        if failures >= limits.failures_of_person:
            detail = {"holder_id": holder_id, "failures": failures}
            yield RaisedAlarm(AlarmKind.FAILURES_OF_PERSON, holder_id, detail)


def _limited_stations(uow: UnitOfWork) -> Iterator[RaisedAlarm]:
    """A station that takes no answers is an alarm until it takes some again."""
    kind, since = AuditKind.ANSWERS_LIMITED.value, uow.now - LIMITED_SPAN
    query = AuditQuery(kind=kind, since=since, until=_soon(uow))
    stations = {event.station for event in uow.trail.newest(query, limit=MOST_EVENTS)}
    for station in sorted(each for each in stations if each):
        until = uow.registrations.no_answers_until(station)
        if until is not None:
            detail = {"station": station, "until": utc_text(until)}
            yield RaisedAlarm(AlarmKind.ANSWERS_LIMITED, station, detail)


def _silent_stations(uow: UnitOfWork) -> Iterator[RaisedAlarm]:
    """No station counts as silent without a listener: after a pause each gets its full time."""
    watch = uow.jobs.get(WATCH)
    listened_since = watch.since if watch else uow.now
    for station in uow.stations.every():
        heard = max(station.last_seen_at, listened_since)
        if state_of(replace(station, last_seen_at=heard), uow.now) is StationState.SILENT:
            detail = {"station": station.name, "since": utc_text(station.last_seen_at)}
            yield RaisedAlarm(AlarmKind.STATION_SILENT, station.name, detail)


def _altered_rows(uow: UnitOfWork) -> Iterator[RaisedAlarm]:
    """An altered row is one alarm, however often it is found; the daily sweep finds it again."""
    for table, row in sorted(altered_since(uow, uow.now - ALTERED_SPAN), key=str):
        yield RaisedAlarm(AlarmKind.ROW_ALTERED, f"{table} {row}", {"table": table, "row": row})


def altered_since(uow: UnitOfWork, since: datetime) -> set[tuple[Scalar, Scalar]]:
    """Return the table and the name of each altered row that the audit has since then."""
    query = AuditQuery(kind=AuditKind.ROW_ALTERED.value, since=since, until=_soon(uow))
    newest = uow.trail.newest(query, limit=MOST_ROWS)
    return {(event.detail.get("table"), event.detail.get("row")) for event in newest}


def _mail(uow: UnitOfWork, patience: timedelta) -> Iterator[RaisedAlarm]:
    """Mail is held up where a notice waits too long, or where no code could be mailed.

    A relay that relays nothing for us answers, and denies; so may the server of one address.
    """
    limits = (
        (uow.outbox.held_up_since(), patience),
        (relay_away_since(uow), RELAY_PATIENCE),
        (_codes_denied_since(uow), timedelta()),
    )
    since = [at for at, limit in limits if at is not None and uow.now - at >= limit]
    if since:
        yield RaisedAlarm(AlarmKind.MAIL_HELD_UP, "", {"since": utc_text(min(since))})


def _codes_denied_since(uow: UnitOfWork) -> datetime | None:
    """Return since when the relay has denied codes of several people and taken none."""
    kinds = frozenset({AuditKind.CODE_SENT.value, AuditKind.CODE_NOT_SENT.value})
    newest = uow.trail.newest(
        AuditQuery(kinds=kinds, since=uow.now - DENIED_SPAN, until=_soon(uow)), limit=MOST_EVENTS
    )
    failed = takewhile(lambda event: event.kind == AuditKind.CODE_NOT_SENT.value, newest)
    denied = [each for each in failed if each.detail.get("because") == MailDenied.__name__]
    people = {event.holder_id for event in denied}
    return min(event.at for event in denied) if len(people) > 1 else None


def _soon(uow: UnitOfWork) -> datetime:
    """Return the end of a span up to now: the clocks of stations may differ a little."""
    return uow.now + timedelta(minutes=1)


def utc_text(moment: datetime) -> str:
    """Return a time as alarms and notices hold it: ISO 8601, in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
