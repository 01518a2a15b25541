"""Examining a machine: each check returns one line on the state of its part and the advice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kiosk.contract.errors import KioskError


class Condition(StrEnum):
    """The state of a part; only ``FAIL`` keeps the service from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``advice`` says what to do and is empty where all is well."""

    part: str
    condition: Condition
    found: str
    advice: str = ""


# Parts that several checks look at, on a station and on an authority.

AUTHORITY, CLOCK, READER = "authority", "clock", "reader"

Check = Callable[[], Finding]
"""Examines one part; may raise a ``KioskError``, which counts as a failure."""


def ok(part: str, found: str) -> Finding:
    return Finding(part, Condition.OK, found)


def warn(part: str, found: str, advice: str) -> Finding:
    return Finding(part, Condition.WARN, found, advice)


def fail(part: str, found: str, advice: str) -> Finding:
    return Finding(part, Condition.FAIL, found, advice)


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run named checks one after the other; an error of a check is a finding too.

    An error that several checks share is reported once, under the name of the first.
    """
    first: dict[str, str] = {}
    for part, check in checks:
        try:
            found = check()
        except KioskError as error:
            because = str(error)
            if (named := first.setdefault(because, part)) != part:
                because = f"cannot be looked at, for the reason at “{named}”"
            found = fail(part, because, "put right what is named above first")
        else:
            if found.condition is Condition.FAIL:
                first.setdefault(found.found, part)
        yield found
