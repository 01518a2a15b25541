"""Moments and durations as staff read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from screens.admin.times import Times, span, took

NOW = datetime(2026, 3, 4, 10, 32, tzinfo=UTC)
TIMES = Times(lambda: NOW, UTC)
EAST = Times(lambda: NOW, timezone(timedelta(hours=14)))


@pytest.mark.parametrize(
    ("ago", "read"),
    [
        (timedelta(0), "today 10:32"),
        (timedelta(hours=10, minutes=32), "today 00:00"),
        (timedelta(hours=10, minutes=33), "yesterday 23:59"),
        (timedelta(days=2), "2 Mar 2026 10:32"),
        (timedelta(days=-1), "tomorrow 10:32"),
        (timedelta(days=-2), "6 Mar 2026 10:32"),
    ],
)
def test_days_near_by_are_words(ago: timedelta, read: str) -> None:
    assert TIMES.at(NOW - ago) == read


def test_days_are_those_of_the_zone() -> None:
    assert EAST.at(NOW) == "today 00:32"
    assert EAST.at(NOW - timedelta(hours=1)) == "yesterday 23:32"
    assert EAST.day(NOW) == "5 Mar 2026"
    assert EAST.clock(NOW) == "00:32"


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
        (86_400 * 40, "40 days"),
    ],
)
def test_span_is_written_in_its_biggest_unit(seconds: float, read: str) -> None:
    assert span(seconds) == read
    if seconds >= 0:
        assert TIMES.ago(NOW - timedelta(seconds=seconds)) == f"{read} ago"


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]
)
@pytest.mark.parametrize("typed", ["0001-01-01", "9999-12-31", "9999-12-31 23:59"])
def test_a_day_at_an_end_of_the_calendar_is_read(zone: timezone, typed: str) -> None:
    times = Times(lambda: NOW, zone)
    for moment in (times.beginning(typed), times.ending(typed)):
        assert moment is not None
        assert f"{moment.year:04}" == typed[:4]


def test_what_is_over_is_over() -> None:
    assert TIMES.left(NOW + timedelta(minutes=9)) == "9 min"
    assert TIMES.left(NOW) == "over"
    assert TIMES.left(NOW - timedelta(days=1)) == "over"


@pytest.mark.parametrize(
    ("seconds", "read"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (74, "1 min 14 s")]
)
def test_duration_is_written_to_the_second(seconds: float, read: str) -> None:
    assert took(seconds) == read
