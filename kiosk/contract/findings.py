"""Looking a machine over: each check says in one line how its part is and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kiosk.contract.errors import KioskError


class Condition(StrEnum):
    """How a part is; only ``FAIL`` keeps the service from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``advice`` says what to do and is empty where all is well."""

    part: str
    condition: Condition
    found: str
    advice: str = ""


Check = Callable[[], Finding]
"""Looks at one part; may raise a ``KioskError``, which counts as a failure."""


def ok(part: str, found: str) -> Finding:
    """All is well with ``part``."""
    return Finding(part, Condition.OK, found)


def warn(part: str, found: str, advice: str) -> Finding:
    """The part works; somebody should look at it."""
    return Finding(part, Condition.WARN, found, advice)


def fail(part: str, found: str, advice: str) -> Finding:
    """The part does not work."""
    return Finding(part, Condition.FAIL, found, advice)


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run named checks one after the other; one that raises is a finding too.

    What keeps several from being looked at is said once, and named after the first of them.
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
