"""Days, weeks and hours as the service's own zone has them, whatever its clocks do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
HOURS = 24


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the day on which a moment falls."""
    return moment.astimezone(zone).date()


def span_of(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return when ``first`` begins and ``last`` is over, in UTC."""
    return _beginning(first, zone), _beginning(last + DAY, zone)


def each_day(first: date, last: date) -> Iterator[date]:
    """Yield the days from ``first`` to ``last``, both of them."""
    for number in range((last - first).days + 1):
        yield first + number * DAY


def by_day(counts: Mapping[datetime, int], zone: tzinfo) -> Counter[date]:
    """Fold counts of moments into days."""
    folded: Counter[date] = Counter()
    for moment, count in counts.items():
        folded[day_of(moment, zone)] += count
    return folded


def by_hour(counts: Mapping[datetime, int], zone: tzinfo) -> tuple[int, ...]:
    """Fold counts of moments into the 24 hours of the day."""
    folded = [0] * HOURS
    for moment, count in counts.items():
        folded[moment.astimezone(zone).hour] += count
    return tuple(folded)


def _beginning(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
