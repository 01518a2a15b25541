"""Times and durations in the RA application."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DAY = "%Y-%m-%d"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """Formats times in ``zone`` (None: this machine's), relative to ``now``."""

    now: Callable[[], datetime] = wall_clock
    zone: tzinfo | None = None

    def clock(self, moment: datetime) -> str:
        """Return the time of day: ``09:41``."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def at(self, moment: datetime) -> str:
        """Return day and time, the day in a word where it is close: ``today 09:41``."""
        then = moment.astimezone(self.zone)
        days = (self.now().astimezone(self.zone).date() - then.date()).days
        day = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days) or day_words(then)
        return f"{day} {then:%H:%M}"

    def short(self, moment: datetime) -> str:
        """Return a time in twelve cells for a list: ``09:41``, ``4 Mar 09:41``."""
        then, now = moment.astimezone(self.zone), self.now().astimezone(self.zone)
        if then.date() == now.date():
            return f"{then:%H:%M}"
        return f"{then.day} {then:%b}" + (
            f"{then: %H:%M}" if then.year == now.year else f"{then: %Y}"
        )

    def day(self, moment: datetime) -> str:
        return day_words(moment.astimezone(self.zone))

    def to_the_second(self, moment: datetime) -> str:
        """Return the time of day with its seconds: ``09:41:07``."""
        return f"{moment.astimezone(self.zone):%H:%M:%S}"

    def today(self) -> date:
        return self.now().astimezone(self.zone).date()

    def typed(self, moment: datetime | None) -> str:
        """Format a time so that ``beginning`` reads it; nothing for None."""
        return "" if moment is None else f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def beginning(self, text: str) -> datetime | None:
        """Parse ``2026-03-04``, with or without ``09:30`` after it; None for anything else."""
        for form in (_DAY, f"{_DAY} %H:%M"):
            with suppress(ValueError, OverflowError):  # the latter at the calendar's ends
                return self._here(datetime.strptime(text, form))  # noqa: DTZ007 - it is added
        return None

    def ending(self, text: str) -> datetime | None:
        """Parse the same, where a day alone means its end."""
        begins = self.beginning(text)
        if begins is None or " " in text:
            return begins
        try:
            day = begins.astimezone(self.zone).date() + timedelta(days=1)
            return self._here(datetime.combine(day, time()))
        except OverflowError:  # no day follows the calendar's last one
            return begins

    def _here(self, naive: datetime) -> datetime:
        return naive.astimezone() if self.zone is None else naive.replace(tzinfo=self.zone)

    def ago(self, moment: datetime) -> str:
        """Return how long ago that was: ``20 s ago``, ``3 min ago``, ``2 days ago``."""
        return f"{span((self.now() - moment).total_seconds())} ago"

    def left(self, moment: datetime) -> str:
        """Return how long it is until then, ``over`` where that has passed."""
        rest = moment - self.now()
        return span(rest.total_seconds()) if rest > timedelta(0) else "over"


def day_words(day: date) -> str:
    """Return ``4 Mar 2026``."""
    return f"{day.day} {day:%b %Y}"


def took(seconds: float) -> str:
    """Return how long something took, to the second: ``1 min 14 s``."""
    minutes, rest = divmod(max(0, round(seconds)), _MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def span(seconds: float) -> str:
    """Return a duration in its largest unit, rounded down; never negative."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < 2 * _DAY_S:
        return f"{whole // _HOUR_S} h"
    return f"{whole // _DAY_S} days"
