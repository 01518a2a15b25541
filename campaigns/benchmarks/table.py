"""The lines that are printed: what, ours, against what, their ratio, the aim, and how."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from campaigns.benchmarks.sampling import Series

WIDTH = 100


class Unit(Enum):
    """How a number is written: its factor from what was measured, its name, its digits."""

    MILLISECONDS = (1000.0, "ms", 2)
    SECONDS = (1.0, "s", 1)
    MEBIBYTES = (1 / 1024, "MiB", 1)
    """From KiB, as /proc says it."""

    def write(self, value: float) -> str:
        """Write one number with its unit."""
        factor, name, digits = self.value
        return f"{value * factor:.{digits}f} {name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    ``aim`` is the largest ratio wanted or, where ``extra`` is set, the largest difference
    in seconds; None where the row is there to be known. ``why`` is printed for a miss.
    """

    what: str
    ours: Series
    against: str
    theirs: Series
    how: str
    aim: float | None = None
    extra: bool = False
    unit: Unit = Unit.MILLISECONDS
    why: str = ""

    @property
    def measure(self) -> float:
        """The ratio of the medians, or the median of the differences, round by round."""
        if self.extra:
            pairs = zip(self.ours.values, self.theirs.values, strict=True)
            return Series(tuple(ours - theirs for ours, theirs in pairs)).median
        return self.ours.median / self.theirs.median

    @property
    def missed(self) -> bool:
        """Whether there is an aim and it is not reached."""
        return self.aim is not None and self.measure > self.aim

    def _written(self, value: float) -> str:
        return f"{value * 1000:+.1f} ms" if self.extra else f"{value:.2f}"

    def lines(self) -> Iterator[str]:
        """Write the row: the verdict, both numbers, how they were taken, why it missed."""
        verdict = "-" if self.aim is None else "missed" if self.missed else "met"
        aim = "" if self.aim is None else f"aim {self._written(self.aim).lstrip('+')}"
        yield f"{self.what:<66}{self._written(self.measure):>10}  {aim:<12}{verdict:>8}"
        yield f"    ours {self._spelt(self.ours)}; {self.against} {self._spelt(self.theirs)}"
        yield from _indented(self.how)
        if self.missed and self.why:
            yield from _indented(f"Why: {self.why}")

    def _spelt(self, series: Series) -> str:
        spread, count = self.unit.write(series.spread), len(series.values)
        return f"{self.unit.write(series.median)} (IQR {spread}, n={count})"


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
