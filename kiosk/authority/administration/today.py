"""The first page: alarms, the present state of the service, and the last 30 days."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta
from typing import Final, assert_never

from kiosk.authority.administration import reports
from kiosk.authority.administration.alarms import UNWATCHED_AFTER, WATCH, AlarmKind, state_of
from kiosk.authority.administration.office import Desk
from kiosk.authority.administration.proposed_acts import waiting_lines
from kiosk.authority.administration.reports import by_day, by_hour, day_of, each_day, span_of
from kiosk.authority.administration.views import MOST_COUNTED, Day, RefusedFor, StationState, Today
from kiosk.authority.audit.events import AuditKind, Count
from kiosk.authority.facts import (
    AlarmChanged,
    AlarmFact,
    AlarmOfOtherVersion,
    AuditBroken,
    ClocksDiffer,
    ListNotCurrent,
    MailDeniedTo,
    MailStuck,
    ManyFailuresAtStation,
    ManyFailuresOfPerson,
    NeverWatched,
    Noticed,
    NoticedAlarm,
    ProofFailed,
    ReadAt,
    RecordAlteredOutside,
    RelayAway,
    ReportedByHolder,
    StationSilent,
    StationTakesNoAnswers,
    Unwatched,
)
from kiosk.authority.mail.outbox import relay_away_since
from kiosk.authority.mail.times import read_mail_time
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.records import Alarm, AuditEvent, AuditQuery, Cardholder, Scalar
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.wording import reason_words

# Alarms, the newest first.


def noticed_alarms(uow: UnitOfWork) -> tuple[AlarmFact, ...]:
    """Return each present alarm, and one where nobody looks for alarms."""
    noticed = [Noticed(each.since, _read(each, uow)) for each in reversed(uow.alarms.standing())]
    return (*_unwatched(uow), *noticed)


_REPORTS: Final = 20
"""How many reports of holders are looked at, the newest ones of a month."""


def reports_of_holders(uow: UnitOfWork, since: datetime) -> tuple[ReportedByHolder, ...]:
    """Return each holder who said "it was not me" at a station.

    It stands until staff lift their block; where there is nothing to block, if it was ``since``.
    """
    month = uow.now - timedelta(days=DAYS)
    wanted = AuditQuery(kind=AuditKind.MISUSE_REPORTED.value, since=month)
    reports = dict[str, AuditEvent]()
    for event in uow.trail.newest(wanted, limit=_REPORTS):
        reports.setdefault(event.holder_id or "", event)
    holders, found = uow.holders.by_ids(list(reports)), list[ReportedByHolder]()
    for holder_id, event in reports.items():
        holder, registration = holders.get(holder_id), uow.registrations.of_holder(holder_id)
        stands = event.at >= since if registration is None else bool(registration.blocked_at)
        if not stands:
            continue
        found.append(ReportedByHolder(*_named(holder), event.station or "", event.at))
    return tuple(found)


def _unwatched(uow: UnitOfWork) -> tuple[AlarmFact, ...]:
    watch = uow.jobs.get(WATCH)
    if watch is None:
        return (NeverWatched(),)
    if uow.now - watch.done_at < UNWATCHED_AFTER:
        return ()
    served = any(state_of(each, uow.now) is StationState.UP for each in uow.stations.every())
    return (Unwatched(watch.done_at, served),)


def _read(alarm: Alarm, uow: UnitOfWork) -> NoticedAlarm:
    try:
        return _alarm(alarm, uow)
    except (LookupError, TypeError, ValueError):  # its row has no MAC: anybody may have written it
        return AlarmChanged(alarm.kind)


def _alarm(alarm: Alarm, uow: UnitOfWork) -> NoticedAlarm:
    detail = alarm.detail
    try:
        kind = AlarmKind(alarm.kind)
    except ValueError:
        return AlarmOfOtherVersion(alarm.kind)
    match kind:
        case AlarmKind.CARD_NOT_GENUINE:
            return ProofFailed(str(detail["station"]), str(detail["reference"]))
        case AlarmKind.FAILURES_AT_STATION:
            return ManyFailuresAtStation(int(detail["failures"] or 0), str(detail["station"]))
        case AlarmKind.ANSWERS_LIMITED:
            return StationTakesNoAnswers(str(detail["station"]), _moment(detail["until"]))
        case AlarmKind.FAILURES_OF_PERSON:
            holder_id = str(detail["holder_id"])
            holder = uow.holders.by_ids([holder_id]).get(holder_id)
            return ManyFailuresOfPerson(int(detail["failures"] or 0), *_named(holder))
        case AlarmKind.STATION_SILENT:
            return StationSilent(str(detail["station"]), _moment(detail["since"]))
        case AlarmKind.MAIL_HELD_UP:
            since = _moment(detail["since"])
            if (away := relay_away_since(uow)) is not None:
                return RelayAway(away)
            denied = uow.outbox.denied_addresses()
            return MailDeniedTo(denied, since) if denied else MailStuck(since)
        case AlarmKind.ROW_ALTERED:
            return RecordAlteredOutside(str(detail["table"]), str(detail["row"]))
        case AlarmKind.AUDIT_BROKEN:
            return AuditBroken(str(detail["finding"]))
        case AlarmKind.CLOCKS_DIFFER:
            return ClocksDiffer(str(detail["machine"]), str(detail["minutes"]))
        case AlarmKind.LIST_NOT_CURRENT:
            named = str(detail["list"]), str(detail["machine"]), str(detail["finding"])
            return ListNotCurrent(*named)
        case _:
            assert_never(kind)


def _named(holder: Cardholder | None) -> tuple[str, str]:
    """Return their name and number; both empty for somebody who is not recorded any more."""
    return (holder.name, holder.number) if holder else ("", "")


def _moment(text: Scalar) -> datetime:
    return datetime.fromisoformat(str(text))


DAYS = 30


class TodayDesk(Desk):
    """The first page; a call is a dozen short statements."""

    def look(self) -> Today:
        zone = self._office.means.zone
        with self._office.look_as(Action.SEE_TODAY) as (uow, reader):
            today = day_of(uow.now, zone)
            first = today - timedelta(days=DAYS - 1)
            span = span_of(first, today, zone)
            unlocked, registered, refused = (
                by_day(uow.statistics.by_quarter(sought, span), zone) for sought in reports.SOUGHT
            )
            days = tuple(
                Day(day, unlocked[day], registered[day], refused[day])
                for day in each_day(first, today)
            )
            of_today = span_of(today, today, zone)
            reasons = uow.statistics.by_detail(reports.REASON, reports.REFUSED, of_today)
            refusals = (
                RefusedFor(each, reason_words(each), many) for each, many in reasons.items()
            )
            # Of unlocks whose visit saw them through to the end.
            unlocks = reports.COUNTED[Count.UNLOCKED][:1]
            times = uow.statistics.seconds_since_card_in(unlocks, of_today)
            mail_since, mail_time = uow.outbox.waits_since(), read_mail_time(uow)
            stations = [(each.name, state_of(each, uow.now)) for each in uow.stations.every()]
            return Today(
                at=uow.now,
                since=of_today[0],
                unlocked=days[-1].unlocked,
                registered=days[-1].registered,
                refusals=tuple(sorted(refusals, key=lambda one: (-one.count, one.words))),
                waiting_for_code=uow.statistics.waiting_for_code(),
                blocked=uow.lists.count(PeopleGroup.BLOCKED, MOST_COUNTED),
                median_s=statistics.median(times) if times else None,
                stations_up=sum(state is StationState.UP for _, state in stations),
                stations_down=tuple(
                    name for name, state in stations if state is StationState.SILENT
                ),
                stations_not_started=tuple(
                    name for name, state in stations if state is StationState.NOT_STARTED
                ),
                mail_waiting=uow.outbox.waiting(),
                mail_oldest_s=(
                    max(0.0, (uow.now - mail_since).total_seconds()) if mail_since else 0.0
                ),
                days=days,
                hours=by_hour(uow.statistics.visits_by_quarter(span), zone),
                alarms=(*noticed_alarms(uow), *reports_of_holders(uow, of_today[0])),
                clock=ReadAt(uow.now, zone),
                waiting=waiting_lines(uow, reader, self._office.means.sealer),
                not_registered=uow.lists.count(PeopleGroup.NOT_REGISTERED, MOST_COUNTED),
                expiring=uow.lists.count(PeopleGroup.EXPIRING, MOST_COUNTED),
                code_by_mail_s=mail_time.total_seconds() if mail_time else None,
            )
