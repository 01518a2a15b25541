"""Days and hours of a zone, where its clocks change and where its hours begin oddly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from kiosk.authority.administration.reports import by_day, by_hour, day_of, each_day, span_of

LONDON = ZoneInfo("Europe/London")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
HAVANA = ZoneInfo("America/Havana")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
QUARTER = timedelta(minutes=15)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def quarters(since: datetime, until: datetime) -> dict[datetime, int]:
    many = int((until - since) / QUARTER)
    return {since + number * QUARTER: 1 for number in range(many)}


def test_a_day_is_as_long_as_its_clocks_make_it() -> None:
    for day, hours in ((SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)):
        since, until = span_of(day, day, LONDON)
        assert until - since == timedelta(hours=hours)
        assert by_day(quarters(since, until), LONDON) == {day: hours * 4}
        assert day_of(since, LONDON) == day_of(until - QUARTER, LONDON) == day
        assert day_of(until, LONDON) == day + timedelta(days=1)


def test_a_day_whose_midnight_is_left_out_begins_an_hour_later() -> None:
    day = date(2026, 3, 8)
    since, until = span_of(day, day, HAVANA)
    assert until - since == timedelta(hours=23)
    assert day_of(since, HAVANA) == day
    assert day_of(since - QUARTER, HAVANA) == day - timedelta(days=1)


def test_hours_are_those_on_the_wall() -> None:
    since, until = span_of(SPRING, SPRING, LONDON)
    assert by_hour(quarters(since, until), LONDON) == (4, 0, *[4] * 22)
    since, until = span_of(AUTUMN, AUTUMN, LONDON)
    assert by_hour(quarters(since, until), LONDON) == (4, 8, *[4] * 22)


def test_an_hour_may_begin_at_a_quarter() -> None:
    day = date(2026, 6, 1)
    assert span_of(day, day, KATHMANDU)[0] == at(date(2026, 5, 31), 18, 15)
    folded = by_hour({at(day, 2, 0): 1, at(day, 2, 15): 1, at(day, 3, 0): 1}, KATHMANDU)
    assert (folded[7], folded[8]) == (1, 2)


def test_every_day_of_a_span() -> None:
    assert list(each_day(date(2026, 2, 27), date(2026, 3, 1))) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert list(each_day(SPRING, SPRING - timedelta(days=1))) == []
