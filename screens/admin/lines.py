"""A page that lists lines, and says below the table what the marked one means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult

from kiosk.administration.desk import AdminDesk
from screens.admin.page import Page
from screens.admin.table import Column, Row, Table
from screens.widgets.prose import Prose

Line = TypeVar("Line")


class LinesPage(Page, Generic[Line]):
    """Title, table, words; what can be done follows the mark."""

    TITLE: ClassVar[str] = ""
    UNMARKED: ClassVar[str] = ""
    """What it says below the table while no line is marked."""

    def __init__(self, desk: AdminDesk, *columns: Column, empty: str = "") -> None:
        super().__init__(desk)
        self._lines: dict[str, Line] = {}
        self._title = Prose(self.TITLE, "title")
        self._table = Table(*columns, empty=empty)
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        """Title, table, words."""
        yield self._title
        yield self._table
        yield self._words

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show ``lines`` in this order; the mark stays where it was."""
        rows = [self.row_of(line) for line in lines]
        self._lines = {row.key: line for row, line in zip(rows, lines, strict=True)}
        self._table.show(rows)
        self._explain()

    def row_of(self, line: Line) -> Row:
        """Return its row."""
        raise NotImplementedError

    def explained(self, line: Line) -> str:
        """Return what there is to know of the marked line."""
        raise NotImplementedError

    # --- the marked one ------------------------------------------------------------------

    @property
    def marked(self) -> Line | None:
        """The line that is marked, as it was read last."""
        return self._lines.get(self._table.marked)

    def on_table_marked(self, event: Table.Marked) -> None:
        """Explain it."""
        event.stop()
        self._explain()

    def _explain(self) -> None:
        line = self.marked
        self._words.say(self.UNMARKED if line is None else self.explained(line))
        self.refresh_bindings()
