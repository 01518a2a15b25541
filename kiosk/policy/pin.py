"""The kiosk's own rule for a new PIN, checked before any secret leaves the authority.

Cards differ in what they accept, and some accept anything, so the card is never asked
to be the judge (SP 800-73-5 part 2, 2.4.3 leaves all but the format to the issuer).
"""

from __future__ import annotations

import itertools
from datetime import date
from enum import StrEnum

from kiosk.dialogue import PinRules

RUN = 5
"""So many digits in a row that only count up or down are too easy to guess."""

SAME = 4
"""So many times the same digit in a row is too easy to guess."""

MOST_USED = frozenset(
    "112233 121314 102030 123321 123654 147258 147852 159357 159753 159951 258456 314159 "
    "271828 520131 741852 753951 789456 852456 963852 001122 101010 135790 246810 192837 "
    "142536 998877 887766 665544 332211 010203 112358 141421 5201314 1472583 7894561 2580258 "
    "1234321 11223344 12344321 12341234 12121212 14725836 15975328 78945612 11235813 31415926 "
    "27182818 13579246 24681357 10203040 19283746 99887766 55667788 44332211 12348765".split()
)
"""PINs from public lists of the most used that no other rule here catches, or nearly."""


class PinRule(StrEnum):
    """One rule, shown to the holder as one line that ticks itself off."""

    LENGTH = "length"
    REPEATS = "repeats"
    RUNS = "runs"
    DATES = "dates"
    PERSONAL = "personal"
    MOST_USED = "most-used"


def pin_verdicts(pin: str, rules: PinRules) -> dict[PinRule, bool]:
    """Say of each rule whether ``pin`` keeps it; works on a half-typed PIN too."""
    return {
        PinRule.LENGTH: _is_long_enough(pin, rules),
        PinRule.REPEATS: not _repeats(pin),
        PinRule.RUNS: not _has_run(pin),
        PinRule.DATES: not _is_date(pin),
        PinRule.PERSONAL: not any(_shares(pin, number) for number in rules.personal),
        PinRule.MOST_USED: pin not in MOST_USED,
    }


def broken_pin_rules(pin: str, rules: PinRules) -> tuple[PinRule, ...]:
    """Return the rules that ``pin`` breaks, in the order in which they are shown."""
    return tuple(rule for rule, kept in pin_verdicts(pin, rules).items() if not kept)


def _is_long_enough(pin: str, rules: PinRules) -> bool:
    return pin.isascii() and pin.isdigit() and rules.min_length <= len(pin) <= rules.max_length


def _repeats(pin: str) -> bool:
    """Tell whether one digit fills ``SAME`` places, or a short pattern fills the PIN."""
    if any(digit * SAME in pin for digit in "0123456789"):
        return True
    return any(
        len(pin) >= 2 * size and pin == (pin[:size] * len(pin))[: len(pin)] for size in (2, 3, 4)
    )


def _has_run(pin: str) -> bool:
    steps = [(ord(b) - ord(a)) % 10 for a, b in itertools.pairwise(pin)]
    run = RUN - 1
    return any(steps[i : i + run] in ([1] * run, [9] * run) for i in range(len(steps)))


def _is_date(pin: str) -> bool:
    """Tell whether the whole PIN reads as a day: DDMMYY, MMDDYY, YYMMDD or with a full year."""
    if not (pin.isascii() and pin.isdigit()):
        return False
    if len(pin) == 6:
        a, b, c = pin[:2], pin[2:4], pin[4:]
        return any(_day_exists("20" + y, m, d) for y, m, d in ((c, b, a), (c, a, b), (a, b, c)))
    if len(pin) == 8:
        return (
            _day_exists(pin[4:], pin[2:4], pin[:2])
            or _day_exists(pin[4:], pin[:2], pin[2:4])
            or _day_exists(pin[:4], pin[4:6], pin[6:])
        )
    return False


def _day_exists(year: str, month: str, day: str) -> bool:
    if not 1900 <= int(year) <= 2099:
        return False
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _shares(pin: str, number: str) -> bool:
    """Tell whether PIN and number share six digits in a row."""
    return len(pin) >= 6 and any(pin[i : i + 6] in number for i in range(len(pin) - 5))
