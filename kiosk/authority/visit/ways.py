"""Ways to unlock a card: which are open to a holder, and which factor comes next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kiosk.contract.messages import Factor, Way

_BETWEEN = "+"


def open_ways(ways: Iterable[Way], enrolled: Collection[Factor]) -> tuple[Way, ...]:
    """Return the ways whose every factor the holder can be asked for."""
    return tuple(way for way in ways if all(factor in enrolled for factor in way))


def next_factor(way: Way, passed: Collection[Factor]) -> Factor | None:
    """Return the first factor that is not passed; None where the way is."""
    return next((factor for factor in way if factor not in passed), None)


def name_of(way: Way) -> str:
    """Return the name by which a visit records the way that was chosen."""
    return _BETWEEN.join(factor.value for factor in way)


def named(name: str | None, ways: Iterable[Way]) -> Way | None:
    """Return the one of ``ways`` with a name; None where it is none of them any more."""
    return next((way for way in ways if name_of(way) == name), None)
