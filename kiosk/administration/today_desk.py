"""The first page: how the service stands now, and how the last 30 days went."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta, tzinfo

from kiosk.administration import counted
from kiosk.administration.alarm_words import alarm_lines
from kiosk.administration.days import by_day, by_hour, day_of, each_day, span_of
from kiosk.administration.office import Office
from kiosk.administration.proposals_desk import waiting_lines
from kiosk.administration.reasons import reason_words
from kiosk.administration.silence import is_silent
from kiosk.administration.views.service import MOST_COUNTED, Day, Today
from kiosk.people_groups import PeopleGroup
from kiosk.roles import Action
from kiosk.store.unit_of_work import UnitOfWork

DAYS = 30


class LocalTodayDesk:
    """Implements ``TodayDesk``; a look is a dozen short statements."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(self) -> Today:
        """Return how the service stands now."""
        zone = self._office.means.zone
        with self._office.look(Action.SEE_TODAY) as uow:
            today = day_of(uow.now, zone)
            days = _days(uow, today, zone)
            since, until = span_of(today, today, zone)
            stations = [each for each in uow.stations.every() if each.retired_at is None]
            silent = tuple(each.name for each in stations if is_silent(each, uow.now))
            return Today(
                at=uow.now,
                unlocked=days[-1].unlocked,
                registered=days[-1].registered,
                refusals=_refusals(uow, since, until),
                waiting_for_code=uow.statistics.waiting_for_code(),
                blocked=uow.lists.count(PeopleGroup.BLOCKED, MOST_COUNTED),
                median_s=_median(uow, since, until),
                stations_up=len(stations) - len(silent),
                stations_down=silent,
                mail_waiting=uow.outbox.waiting(),
                mail_oldest_s=_mail_age_s(uow),
                days=days,
                hours=_hours(uow, today, zone),
                alarms=alarm_lines(uow, zone),
                waiting=waiting_lines(uow, self._office),
                not_registered=uow.lists.count(PeopleGroup.NOT_REGISTERED, MOST_COUNTED),
                expiring=uow.lists.count(PeopleGroup.EXPIRING, MOST_COUNTED),
            )


def _days(uow: UnitOfWork, today: date, zone: tzinfo) -> tuple[Day, ...]:
    first = today - timedelta(days=DAYS - 1)
    span = span_of(first, today, zone)
    unlocked, registered, refused = (
        by_day(uow.statistics.by_quarter(sought, *span), zone)
        for sought in (counted.UNLOCKED, counted.REGISTERED, counted.REFUSED)
    )
    return tuple(
        Day(day, unlocked[day], registered[day], refused[day]) for day in each_day(first, today)
    )


def _hours(uow: UnitOfWork, today: date, zone: tzinfo) -> tuple[int, ...]:
    span = span_of(today - timedelta(days=DAYS - 1), today, zone)
    return by_hour(uow.statistics.visits_by_quarter(*span), zone)


def _refusals(uow: UnitOfWork, since: datetime, until: datetime) -> tuple[tuple[str, int], ...]:
    found = uow.statistics.by_detail(counted.REFUSED, counted.REASON, since, until)
    told = ((reason_words(reason), many) for reason, many in found.items())
    return tuple(sorted(told, key=lambda pair: (-pair[1], pair[0])))


def _median(uow: UnitOfWork, since: datetime, until: datetime) -> float | None:
    """Return the median over unlocks whose visit saw them through to the end."""
    times = uow.statistics.seconds_since_card_in(counted.UNLOCKED[:1], since, until)
    return statistics.median(times) if times else None


def _mail_age_s(uow: UnitOfWork) -> float:
    since = uow.outbox.waits_since()
    return max(0.0, (uow.now - since).total_seconds()) if since else 0.0
