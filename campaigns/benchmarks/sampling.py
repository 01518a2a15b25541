"""Samples taken in turns, so that whatever else the machine does meets all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Take = Callable[[], float]
"""Does the thing once and returns what is measured, as a rule seconds."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured, in the order of the rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The interquartile range; 0 where there are too few to tell."""
        if len(self.values) < 3:
            return 0.0
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return high - low


def interleave(rounds: int, takes: Mapping[str, Take], warm_up: int = 1) -> dict[str, Series]:
    """Take each in turn for so many rounds, every second round backwards.

    The first ``warm_up`` rounds are thrown away.
    """
    taken: dict[str, list[float]] = {name: [] for name in takes}
    for number in range(warm_up + rounds):
        for name in takes if number % 2 else reversed(list(takes)):
            taken[name].append(takes[name]())
    return {name: Series(tuple(values[warm_up:])) for name, values in taken.items()}


def timed(work: Callable[[], object]) -> Take:
    """Turn ``work`` into a take of its seconds."""

    def take() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return take
