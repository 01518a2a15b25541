"""Words of the frame, and the names on the buttons."""

from __future__ import annotations

from datetime import datetime, tzinfo

from kiosk.contract.policy import end_of_wait

NEED_HELP = "Need help?"
REFERENCE = "Reference"
HIGH_CONTRAST = "F2 High contrast"
LIGHT_COLOURS = "F2 Light colours"
CONTRAST_SHORT = "F2 Contrast"

CONTINUE = "Continue"
STOP = "Stop"
NOT_NOW = "Not now"
BACK = "Back"
FINISH = "Finish"
TRY_AGAIN = "Try again"

CLEAR_KEY = "Clear"
"""All that was entered; ``ERASE_SIGN`` takes back one digit or letter."""
ERASE_SIGN = "←"
SPACE_KEY = "Space"

ENTER_TEXT = "Please write something first."
ONLY_DIGITS = "Only digits go in here."
NUM_LOCK = "Press Num Lock first."
KEYS_LOST = "Too fast: some of it is missing."


def too_small(columns: int, rows: int) -> str:
    return f"Too small: needs {columns} x {rows}"


def step(number: int, of: int) -> str:
    return f"Step {number} of {of}"


def enter_digits(least: int, most: int) -> str:
    return f"Please enter {most if least == most else f'{least} to {most}'} digits first."


def no_more_digits(most: int) -> str:
    return f"No more than {most} digits go in here."


def seconds(left: int) -> str:
    return "1 second" if left == 1 else f"{left} seconds"


def clock(left: float) -> str:
    whole = max(0, int(left + 0.999))
    return f"{whole // 60}:{whole % 60:02}"


def time_of_day(moment: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Say when a wait ends: "at 17:25", "tomorrow at 09:10"; ``zone`` None is the machine's."""
    then = end_of_wait(moment).astimezone(zone)
    days = (then.date() - now.astimezone(zone).date()).days
    at = f"at {then:%H:%M}"
    if days == 0:
        return at
    return f"tomorrow {at}" if days == 1 else f"on {then:%A} {then.day} {then:%B} {at}"


def how_long(seconds: float) -> str:
    """Say how long, rounded up to minutes or hours."""
    minutes = max(1, int((seconds + 59) // 60))
    if minutes < 90:
        return count(minutes, "minute", "minutes")
    return count((minutes + 59) // 60, "hour", "hours")


def count(number: int, one: str, many: str) -> str:
    """Say how many, in words up to nine."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    word = words[number] if 0 <= number < len(words) else str(number)
    return f"{word} {one if number == 1 else many}"
