"""Counts as bars, drawn as text by plotext in the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

from screens.admin import plotting
from screens.widgets.prose import printable

LEAST_ROWS = 6
"""Title, three rows of bars, axis and its labels."""


@dataclass(frozen=True, slots=True)
class Bars:
    """``counts`` from left to right; ``marks`` are (place in counts, text) below the axis."""

    title: str
    counts: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]
    colour: str = "$brand"


class Chart(Widget, inherit_bindings=False):
    """A title and bars below it, as wide as whole cells allow; drawn anew when it is resized."""

    def __init__(self, bars: Bars | None = None) -> None:
        super().__init__()
        self._bars = bars

    def show(self, bars: Bars) -> None:
        """Show other counts; nothing is drawn where they are the same."""
        if bars != self._bars:
            self._bars = bars
            self.refresh()

    def render(self) -> Content:
        """Draw; where there is nothing to count, say so."""
        if self._bars is None:
            return Content("")
        title = Content.styled(printable(self._bars.title), "bold $ink")
        if not any(self._bars.counts):
            return Content("\n").join([title, Content.styled("Nothing yet.", "$quiet")])
        width, height = self.content_size
        rows = plotting.rows(self._bars.counts, self._bars.marks, width, height - 1)
        return Content("\n").join([title, *self._coloured(rows, self._bars.colour)])

    def _coloured(self, rows: Sequence[str], colour: str) -> list[Content]:
        """Colour the bars, and keep quiet what says how many they are."""
        quiet = [Content.styled(row[: plotting.LEFT], "$quiet") for row in rows]
        bars = [Content.styled(row[plotting.LEFT :], colour) for row in rows[:-2]]
        axis = [Content.styled(row[plotting.LEFT :], "$quiet") for row in rows[-2:]]
        return [
            Content.assemble(left, right) for left, right in zip(quiet, bars + axis, strict=True)
        ]
