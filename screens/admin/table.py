"""The rows of a page: Textual's table, with columns that share the available room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.geometry import Offset
from textual.widgets import DataTable

from screens.widgets.prose import printable

Cell = str | tuple[str, str]
"""A text, shown literally; or a text and the name of its colour in the theme."""


@dataclass(frozen=True, slots=True)
class Column:
    """``least`` cells, and its ``share`` of what is left over; ``right`` aligns numbers.

    An ``optional`` column is left out where there is no room for all. One that ``wraps`` takes more
    lines, where others end with an ellipsis. A click on the heading is reported to the page under
    the name ``order``.
    """

    title: str
    least: int
    share: int = 0
    right: bool = False
    optional: bool = False
    wraps: bool = False
    order: str = ""


@dataclass(frozen=True, slots=True)
class TableLine:
    """``key`` identifies the row; ``cells`` are data."""

    key: str
    cells: tuple[Cell, ...]


_PADDING = 2
_SCROLL_BAR = 1


class Table(DataTable[Text]):
    """The mark stays on its row, by key, whatever is shown next; Enter and a click pick a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, *columns: Column) -> None:
        super().__init__(cursor_type="row", cursor_foreground_priority="renderable")
        self._headings = columns
        self._lines: tuple[TableLine, ...] = ()
        self._width = 0

    def on_mount(self) -> None:
        """Take the colours of another theme once it is set.

        In sixteen colours the marked row is reversed: no colour of a cell is legible on it.
        """
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._lay_out())
        if self.app.has_class("-sixteen-colours"):
            self.cursor_foreground_priority = "css"

    @property
    def marked(self) -> str:
        """The key of the row that is marked; empty where there is none."""
        return self._lines[self.cursor_row].key if self._lines else ""

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the marked row begins on the screen."""
        above = sum(row.height for row in self.ordered_rows[: self.cursor_row])
        heading = self.header_height if self.show_header else 0
        return self.content_region.offset + Offset(0, heading + above - self.scroll_offset.y)

    def show(self, lines: Sequence[TableLine], columns: Sequence[Column] | None = None) -> None:
        """Show ``lines``, under other ``columns`` where some are given.

        Rows that stay, and those that are added below them, do not move the visible part.
        """
        before, marked = self._lines, self.marked
        self._lines = tuple(lines)
        headings = self._headings if columns is None else tuple(columns)
        same = [line.key for line in before] == [line.key for line in lines[: len(before)]]
        higher = self._row_height is None and self._lines != before
        if not same or higher or headings != self._headings or not before:
            self._headings = headings
            self._lay_out(marked)
            return
        for at, (old, new) in enumerate(zip(before, lines, strict=False)):
            if old != new:
                for place, cell in enumerate(self._cells(new)):
                    self.update_cell_at(Coordinate(at, place), cell)
        for line in lines[len(before) :]:
            self.add_row(*self._cells(line), key=line.key)

    def on_resize(self, _event: events.Resize) -> None:
        if self.size.width != self._width:
            self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Mark the row before Textual handles the click, which picks the marked row."""
        row = event.style.meta.get("row", -1)
        if 0 <= row < self.row_count:
            self.move_cursor(row=row, column=event.style.meta["column"])

    def _lay_out(self, marked: str | None = None) -> None:
        marked, at = self.marked if marked is None else marked, self.cursor_row
        self._width = self.size.width
        self.clear(columns=True)
        self.show_header = bool(self._lines)
        self.set_class(not self._lines, "-empty")
        columns = self._columns()
        taken = sum(column.least + _PADDING for column in columns)
        rest = max(0, self._width - _SCROLL_BAR - taken)
        shares = sum(column.share for column in columns) or 1
        for column in columns:
            title = Text(column.title, justify="right" if column.right else "left")
            width = column.least + rest * column.share // shares
            self.add_column(title, width=width, key=column.order or None)
        for line in self._lines:
            self.add_row(*self._cells(line), key=line.key, height=self._row_height)
        keys = [line.key for line in self._lines]
        if keys:
            self.move_cursor(row=keys.index(marked) if marked in keys else min(at, len(keys) - 1))

    @property
    def _row_height(self) -> int | None:
        """The lines of each row; None where each takes what it needs."""
        return None if any(column.wraps for column in self._headings) else 1

    def _columns(self) -> list[Column]:
        taken = sum(column.least + _PADDING for column in self._headings)
        fits = taken + _SCROLL_BAR <= self._width
        return [column for column in self._headings if fits or not column.optional]

    def _cells(self, line: TableLine) -> list[Text]:
        shown = self._columns()
        cells = []
        for cell, column in zip(line.cells, self._headings, strict=True):
            if column not in shown:
                continue
            text, colour = (cell, "ink") if isinstance(cell, str) else cell
            cells.append(
                Text(
                    printable(text).replace("\n", " "),
                    style=self.app.theme_variables[colour],
                    justify="right" if column.right else "left",
                    overflow="fold" if column.wraps else "ellipsis",
                    no_wrap=not column.wraps,
                )
            )
        return cells
