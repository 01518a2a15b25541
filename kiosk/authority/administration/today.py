"""The first page: alarms, the present state of the service, and the last 30 days."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta, tzinfo
from typing import Final, assert_never

from kiosk.authority.administration import reports
from kiosk.authority.administration.alarms import UNWATCHED_AFTER, WATCH, AlarmKind, state_of
from kiosk.authority.administration.office import Desk
from kiosk.authority.administration.proposed_acts import waiting_lines
from kiosk.authority.administration.reports import by_day, by_hour, day_of, each_day, span_of
from kiosk.authority.administration.views import MOST_COUNTED, Day, RefusedFor, StationState, Today
from kiosk.authority.audit.events import AuditKind, Count
from kiosk.authority.mail.outbox import relay_away_since
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.records import Alarm, AuditEvent, AuditQuery
from kiosk.authority.roles import Action
from kiosk.authority.store.database import UnitOfWork
from kiosk.authority.wording import counted, reason_words

# Alarms in the words of the first page, the newest first.

GONE = "somebody who is not recorded any more"


def alarm_lines(uow: UnitOfWork, zone: tzinfo) -> tuple[str, ...]:
    """Return a line for each present alarm, and one where nobody looks for alarms."""
    lines = [
        f"{_alarm_words(alarm, uow, zone)} (noticed {_when(alarm.since, uow.now, zone)})."
        for alarm in reversed(uow.alarms.standing())
    ]
    return (*_unwatched(uow, zone), *lines)


_REPORTS: Final = 20
"""How many reports of holders are looked at, the newest ones of a month."""


def reported_lines(uow: UnitOfWork, since: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Return a line for each holder who said "it was not me" at a station.

    It stands until staff lift their block; where there is nothing to block, if it was ``since``.
    """
    month = uow.now - timedelta(days=DAYS)
    wanted = AuditQuery(kind=AuditKind.MISUSE_REPORTED.value, since=month)
    reports = dict[str, AuditEvent]()
    for event in uow.trail.newest(wanted, limit=_REPORTS):
        reports.setdefault(event.holder_id or "", event)
    holders, lines = uow.holders.by_ids(list(reports)), list[str]()
    for holder_id, event in reports.items():
        holder, registration = holders.get(holder_id), uow.registrations.of_holder(holder_id)
        stands = event.at >= since if registration is None else bool(registration.blocked_at)
        if not stands:
            continue
        who = f"{holder.name}, {holder.number}," if holder else GONE
        what = f"reported at {event.station} that something was not done by them"
        lines.append(f"{who} {what} ({_when(event.at, uow.now, zone)}).")
    return tuple(lines)


def _unwatched(uow: UnitOfWork, zone: tzinfo) -> tuple[str, ...]:
    watch = uow.jobs.get(WATCH)
    if watch is None:
        return ("Nobody watches over the service yet: no authority and no caretaker has run.",)
    if uow.now - watch.done_at < UNWATCHED_AFTER:
        return ()
    since = f"Nobody has watched over the service since {_when(watch.done_at, uow.now, zone)}"
    if any(state_of(each, uow.now) is StationState.UP for each in uow.stations.every()):
        where = "on the authority's machine, “journalctl -u kiosk-authority” says why"
        return (f"{since}, though stations are served. Tell the administrator: {where}.",)
    return (f"{since}: no authority and no caretaker is running. Tell the administrator.",)


def _alarm_words(alarm: Alarm, uow: UnitOfWork, zone: tzinfo) -> str:
    detail = alarm.detail
    try:
        kind = AlarmKind(alarm.kind)
    except ValueError:
        return f"Another version of the program has raised an alarm, {alarm.kind}"
    match kind:
        case AlarmKind.CARD_NOT_GENUINE:
            where = f"{detail['station']}, reference {detail['reference']}"
            return f"A card failed its proof of being genuine at {where}"
        case AlarmKind.FAILURES_AT_STATION:
            return f"{detail['failures']} failures within an hour at {detail['station']}"
        case AlarmKind.ANSWERS_LIMITED:
            until = _when(datetime.fromisoformat(str(detail["until"])), uow.now, zone)
            return (
                f"{detail['station']} takes no answers before {until} with cards that cannot prove "
                "themselves: too many were wrong"
            )
        case AlarmKind.FAILURES_OF_PERSON:
            holder_id = str(detail["holder_id"])
            holder = uow.holders.by_ids([holder_id]).get(holder_id)
            who = f"{holder.name}, {holder.number}" if holder else GONE
            return f"{detail['failures']} failures within an hour of {who}"
        case AlarmKind.STATION_SILENT:
            return f"{detail['station']} has been silent since {_since(alarm, uow, zone)}"
        case AlarmKind.MAIL_HELD_UP:
            away = relay_away_since(uow)
            if away is None and (denied := uow.outbox.denied_addresses()):
                to = counted(denied, "address", "addresses")
                since = _since(alarm, uow, zone)
                return f"The mail relay has refused mail to {to} by a policy since {since}"
            if away is None:
                return f"Mail has not moved since {_since(alarm, uow, zone)}"
            since = _when(away, uow.now, zone)
            return f"The mail relay has not answered since {since}: nobody gets a code by mail"
        case AlarmKind.ROW_ALTERED:
            return f"A record was altered outside of the service: {detail['table']} {detail['row']}"
        case AlarmKind.AUDIT_BROKEN:
            return f"The audit does not fit: {detail['finding']}"
        case AlarmKind.CLOCKS_DIFFER:
            apart = f"{detail['minutes']} minutes"
            return f"The clocks of {detail['machine']} and of the database differ by {apart}"
        case _:
            assert_never(kind)


def _since(alarm: Alarm, uow: UnitOfWork, zone: tzinfo) -> str:
    return _when(datetime.fromisoformat(str(alarm.detail["since"])), uow.now, zone)


def _when(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Return the time of a moment of today, or the day of an earlier one."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"


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
            mail_since = uow.outbox.waits_since()
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
                alarms=(*alarm_lines(uow, zone), *reported_lines(uow, of_today[0], zone)),
                waiting=waiting_lines(uow, reader, self._office.means.sealer),
                not_registered=uow.lists.count(PeopleGroup.NOT_REGISTERED, MOST_COUNTED),
                expiring=uow.lists.count(PeopleGroup.EXPIRING, MOST_COUNTED),
            )
