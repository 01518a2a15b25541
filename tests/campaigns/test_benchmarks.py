"""The arithmetic of the table; nothing here holds a stopwatch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from campaigns.benchmarks.sampling import Series, interleave
from campaigns.benchmarks.table import WIDTH, Row, Unit


def series(*values: float) -> Series:
    return Series(values)


def row(ours: Series, theirs: Series, *, aim: float | None = 1.5, extra: bool = False) -> Row:
    how = "How it was taken, in as many words as that takes. " * 4
    return Row("something", ours, "peer", theirs, how, aim=aim, extra=extra, why="It is slow.")


def test_the_median_and_the_spread_stand_against_outliers() -> None:
    taken = series(0.004, 0.001, 0.003, 0.002, 9.0)
    assert taken.median == 0.003
    assert taken.spread == pytest.approx(0.002)
    assert series(1.0, 2.0).spread == 0.0


def test_a_ratio_is_that_of_the_medians() -> None:
    met = row(series(0.003, 0.003, 0.9), series(0.002, 0.001, 0.002))
    assert met.measure == pytest.approx(1.5)
    assert not met.missed
    assert row(series(0.0031), series(0.002)).missed
    assert not row(series(9.0), series(0.002), aim=None).missed


def test_a_difference_is_taken_round_by_round() -> None:
    ours, theirs = series(0.110, 0.310, 0.620), series(0.100, 0.290, 0.600)
    late = row(ours, theirs, aim=0.015, extra=True)
    assert late.measure == pytest.approx(0.020)
    assert late.missed


def test_a_row_says_all_there_is_to_say_and_fits() -> None:
    lines = list(row(series(0.0040), series(0.0020)).lines())
    assert lines[0].split() == ["something", "2.00", "aim", "1.50", "missed"]
    assert "ours 4.00 ms (IQR 0.00 ms, n=1); peer 2.00 ms" in lines[1]
    assert lines[-1].strip() == "Why: It is slow."
    assert all(len(line) <= WIDTH for line in lines)


def test_a_row_without_a_miss_gives_no_reasons() -> None:
    met = list(row(series(0.002), series(0.002)).lines())
    assert met[0].split()[-1] == "met"
    known = list(row(series(0.009), series(0.002), aim=None).lines())
    assert known[0].split()[-1] == "-"
    assert not any("Why" in line for line in met + known)


def test_units() -> None:
    assert Unit.MEBIBYTES.write(2048) == "2.0 MiB"
    assert Unit.MILLISECONDS.write(0.0012) == "1.20 ms"


def test_takes_are_in_turns_and_the_first_round_does_not_count() -> None:
    asked: list[str] = []
    clock: Iterator[int] = iter(range(100))

    def take(name: str) -> float:
        asked.append(name)
        return float(next(clock))

    takes = {name: partial(take, name) for name in "ab"}
    taken = interleave(3, takes, warm_up=1)
    assert "".join(asked) == "baabbaab"
    assert taken["a"].values == (2.0, 5.0, 6.0)
    assert taken["b"].values == (3.0, 4.0, 7.0)
