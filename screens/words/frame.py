"""Words of the frame, and the names on the buttons."""

from __future__ import annotations

from datetime import datetime, tzinfo

from kiosk.contract.language import MONTHS, WEEKDAYS, Counted, Text
from kiosk.contract.policy import end_of_wait

NEED_HELP = Text("Need help?")
REFERENCE = Text("Reference")
HIGH_CONTRAST = Text("F2 High contrast")
LIGHT_COLOURS = Text("F2 Light colours")
CONTRAST_SHORT = Text("F2 Contrast")

CONTINUE = Text("Continue")
STOP = Text("Stop")
NOT_NOW = Text("Not now")
BACK = Text("Back")
FINISH = Text("Finish")
TRY_AGAIN = Text("Try again")

# Translators: at most 5 signs, on a key.
CLEAR_KEY = Text("Clear")
"""All that was entered; ``ERASE_SIGN`` takes back one digit or letter."""
ERASE_SIGN = "←"
SPACE_KEY = Text("Space")

ENTER_TEXT = Text("Please write something first.")
ONLY_DIGITS = Text("Only digits go in here.")
NUM_LOCK = Text("Press Num Lock first.")
SCANNED = Text("Too fast, like a scanner: not taken.")
NO_SCANS = Text("Scanning is off here. Please type it.")
KEYS_LOST = Text("Too fast: some of it is missing.")

_MINUTES = Counted("{number} minute", "{number} minutes")
_HOURS = Counted("{number} hour", "{number} hours")


def too_small(columns: int, rows: int) -> str:
    return Text("Too small: needs {columns} x {rows}").format(columns=columns, rows=rows)


def step(number: int, of: int) -> str:
    return Text("Step {number} of {of}").format(number=number, of=of)


def enter_digits(least: int, most: int) -> str:
    if least == most:
        return Text("Please enter {digits} digits first.").format(digits=most)
    return Text("Please enter {least} to {most} digits first.").format(least=least, most=most)


def no_more_digits(most: int) -> str:
    return Text("No more than {most} digits go in here.").format(most=most)


def clock(left: float) -> str:
    whole = max(0, int(left + 0.999))
    return f"{whole // 60}:{whole % 60:02}"


def time_of_day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Say when a wait ends: "at 17:25", "tomorrow at 09:10"; ``zone`` None is the machine's."""
    then = end_of_wait(moment).astimezone(zone)
    days = (then.date() - now.astimezone(zone).date()).days
    time = f"{then:%H:%M}"
    if days == 0:
        return Text("at {time}").format(time=time)
    if days == 1:
        return Text("tomorrow at {time}").format(time=time)
    return Text("on {weekday} {day} {month} at {time}").format(
        weekday=WEEKDAYS[then.weekday()], day=then.day, month=MONTHS[then.month - 1], time=time
    )


def how_long(seconds: float) -> str:
    """Say how long, rounded up to minutes or hours."""
    minutes = max(1, int((seconds + 59) // 60))
    return _MINUTES.of(minutes) if minutes < 90 else _HOURS.of((minutes + 59) // 60)
