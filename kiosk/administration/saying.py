"""Moments and numbers as they are read out to somebody on the telephone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip

_A_MOMENT: Final = timedelta(microseconds=1)


def counted(count: int, of: str, many: str = "") -> str:
    """Return ``three failed attempts``, ``one failed attempt``; ``many``: the plural, if not -s."""
    number = _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)
    return f"{number} {of}" if count == 1 else f"{number} {many or f'{of}s'}"


def as_sentence(text: str) -> str:
    """Return ``text`` with a capital letter before and a full stop behind."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def said_at(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Return ``09:14 today``, ``09:14 yesterday`` or ``09:14 on 3 May 2026``."""
    then = moment.astimezone(zone)
    days = (now.astimezone(zone).date() - then.date()).days
    day = {0: "today", 1: "yesterday"}.get(days) or f"on {said_day(moment, zone)}"
    return f"{then:%H:%M} {day}"


def said_day(moment: datetime, zone: tzinfo) -> str:
    """Return ``3 May 2026``."""
    then = moment.astimezone(zone)
    return f"{then.day} {then:%B %Y}"


def last_day(expires_at: datetime) -> str:
    """Return the last day on which a card works; days of cards end in UTC, as imported."""
    return said_day(expires_at - _A_MOMENT, UTC)
