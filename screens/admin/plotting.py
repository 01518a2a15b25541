"""Bars of text, from plotext.

Plotext draws on one figure of its own and would measure the terminal; both stay in here.
It is imported with the first chart, so that the first page is up before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LEFT = 5
"""Cells at the left of the bars: a number and the axis."""

_BELOW = 2
_HALVES = 2
_THOUSAND, _MOST = 1000, 9999


def rows(
    counts: Sequence[int], marks: Sequence[tuple[int, str]], width: int, height: int
) -> list[str]:
    """Return ``height`` rows of text; none where they would be too narrow or too low.

    Each count has the same whole number of cells, the last of which stays empty where it
    has more than one. The two last rows are the axis and its marks.
    """
    cells = (width - LEFT) // len(counts)
    if cells < 1 or height <= _BELOW:
        return []
    return _drawn(counts, marks, cells, height).split("\n")[:height]


def _drawn(counts: Sequence[int], marks: Sequence[tuple[int, str]], cells: int, height: int) -> str:
    import plotext  # type: ignore[import-untyped]

    columns = len(counts) * cells
    plotext.terminal.limit(width=False, height=False)
    figure = plotext.figure
    figure.clear.all()
    figure.plot_size(LEFT + columns, height)
    figure.theme("colorless")
    figure.axes(active=False, axis="x", side="upper")
    figure.axes(active=False, axis="y", side="right")
    figure.draw(_bars(figure, counts, cells))
    _set_x(figure.ruler("x"), marks, cells, columns)
    _set_y(figure.ruler("y", "left"), max(counts))
    return str(plotext.uncolorize(figure.build().string()))


def _bars(figure: Any, counts: Sequence[int], cells: int) -> Any:
    """Return bars of half cells, so that each begins and ends with a cell."""
    filled = _HALVES * max(1, cells - 1)
    empty = _HALVES * cells - filled
    halves = [height for count in counts for height in [count] * filled + [0] * empty]
    places = list(range(1, len(halves) + 1))
    return figure.bar(places, halves, marker="hd", lines=False, width=0.5)


def _set_x(ruler: Any, marks: Sequence[tuple[int, str]], cells: int, columns: int) -> None:
    fitting = [(place, text) for place, text in marks if place * cells + len(text) <= columns]
    ruler.lim(0.5, _HALVES * columns + 0.5)
    ruler.alignment(lim="edge", tick="left")
    ruler.ticks([_HALVES * cells * p + 1 for p, _ in fitting], [text for _, text in fitting])


def _set_y(ruler: Any, most: int) -> None:
    ruler.lim(0, most)
    ruler.alignment(lim="edge")
    ruler.ticks([0, most], [_number(0), _number(most)])


def _number(count: int) -> str:
    """Write a count in as many cells as there are."""
    text = str(count) if count <= _MOST else f"{count // _THOUSAND}k"
    return text.rjust(LEFT - 1)
