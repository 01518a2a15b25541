"""Moments and durations as staff read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def wall_clock() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """Writes moments in ``zone`` (None: this machine's) as they are seen from ``now``."""

    now: Callable[[], datetime] = wall_clock
    zone: tzinfo | None = None

    def clock(self, moment: datetime) -> str:
        """Return the time of day: ``09:41``."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def at(self, moment: datetime) -> str:
        """Return day and time, the day in a word where it is near: ``today 09:41``."""
        then = moment.astimezone(self.zone)
        days = (self.now().astimezone(self.zone).date() - then.date()).days
        day = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days) or f"{then.day} {then:%b %Y}"
        return f"{day} {then:%H:%M}"

    def day(self, moment: datetime) -> str:
        """Return the day alone: ``4 Mar 2026``."""
        then = moment.astimezone(self.zone)
        return f"{then.day} {then:%b %Y}"

    def ago(self, moment: datetime) -> str:
        """Return how long ago that was: ``20 s ago``, ``3 min ago``, ``2 days ago``."""
        return f"{span((self.now() - moment).total_seconds())} ago"

    def left(self, moment: datetime) -> str:
        """Return how long it is until then, ``over`` where that has passed."""
        rest = moment - self.now()
        return span(rest.total_seconds()) if rest > timedelta(0) else "over"


def took(seconds: float) -> str:
    """Return how long something took, to the second: ``1 min 14 s``."""
    minutes, rest = divmod(max(0, round(seconds)), _MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def span(seconds: float) -> str:
    """Return a duration in its biggest unit, rounded down; never negative."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < 2 * _DAY_S:
        return f"{whole // _HOUR_S} h"
    return f"{whole // _DAY_S} days"
