"""Rows in columns that take the room there is; one row is marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.widgets.prose import Prose, printable

# Lines of text, each behind a sign of its own, that go on below themselves.

_INDENT = 2
_LEAST_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One line: data, shown as it is; ``style`` is Textual's and never says it alone."""

    text: str
    sign: str = " "
    style: str = ""


class Points(Widget, inherit_bindings=False):
    """Shows points one below the other, as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._points: tuple[Point, ...] = ()

    def show(self, points: Sequence[Point]) -> None:
        """Show ``points``; nothing is drawn where they are the same."""
        if tuple(points) != self._points:
            self._points = tuple(points)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the texts take."""
        return sum(1 for point in self._points for _row in _rows(point, width))

    def render(self) -> Content:
        """Put one below the other."""
        width = self.content_size.width
        return Content("\n").join(row for point in self._points for row in _rows(point, width))


def _rows(point: Point, width: int) -> Iterable[Content]:
    room = max(_LEAST_WIDTH, width - _INDENT)
    sign = point.sign
    for line in Content.styled(printable(point.text), point.style).wrap(room):
        yield Content.styled(f"{sign} ", point.style) + line
        sign = " "


# One or more rows of words that can be clicked.


@dataclass(frozen=True, slots=True)
class Zone:
    """Some words at a place, and what a click there does; ``style`` is Textual's."""

    x: int
    y: int
    parts: tuple[tuple[str, str], ...]
    press: Callable[[], None] | None = None

    @property
    def end(self) -> int:
        """The first column after it."""
        return self.x + sum(cell_len(text) for text, _ in self.parts)


class Zones(Widget, inherit_bindings=False):
    """Draws what ``zones`` returns for the width it has."""

    def zones(self, width: int) -> Sequence[Zone]:
        """Return what is drawn, row by row and from left to right."""
        return ()

    def render(self) -> Content:
        """Put the words at their places."""
        zones = self.zones(self.content_size.width)
        rows = range(self.content_size.height)
        return Content("\n").join(_row([z for z in zones if z.y == y]) for y in rows)

    def on_click(self, event: events.Click) -> None:
        """Press what is there."""
        event.stop()
        place = event.get_content_offset(self)
        if place is None:
            return
        for zone in self.zones(self.content_size.width):
            if zone.press and zone.y == place.y and zone.x <= place.x < zone.end:
                zone.press()
                return


def _row(zones: Sequence[Zone]) -> Content:
    row = Content("")
    at = 0
    for zone in zones:
        row = row.append(" " * (zone.x - at))
        for text, style in zone.parts:
            row = row.append(Content.styled(text, style))
        at = zone.end
    return row


# What stands below a long list stays on the screen: the list gets what the others leave.

_LEAST_ROWS = 3
"""Rows that a list has at least, whatever else there is."""


def fit(part: Widget, rows: int) -> None:
    """Let ``part`` grow with what is in it, as long as it and what it stands with take ``rows``.

    Its siblings stand above and below it, not beside.
    """
    siblings = [widget for widget in part.siblings if widget.display]
    last = max((widget.virtual_region.bottom for widget in siblings), default=0)
    above_and_below = max(last, part.virtual_region.bottom) - part.virtual_region.height
    part.styles.max_height = max(_LEAST_ROWS, rows - above_and_below)


_GAP = 2
_AROUND = 3
"""A cell at both ends, and the scroll bar."""


@dataclass(frozen=True, slots=True)
class Column:
    """``least`` cells, and of what is left over its ``share``; ``right`` aligns numbers."""

    title: str
    least: int
    share: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class TableLine:
    """``key`` names the row; ``cells`` are data, shown as they are."""

    key: str
    cells: tuple[str | Content, ...]


class Table(Vertical):
    """A heading and rows; Up, Down, paging keys and the mouse move the mark.

    The mark stays on its row, by key, whatever is shown next.
    """

    class Marked(Message):
        """Another row is marked; ``key`` is empty where there is none."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Picked(Message):
        """A row was clicked, or confirmed with Enter."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *columns: Column, empty: str = "") -> None:
        self._columns: tuple[Column, ...] = columns
        self._heading = Prose("", "heading")
        self._list = OptionList(markup=False)
        self._none = Prose(empty, "quiet")
        self._rows: tuple[TableLine, ...] = ()
        super().__init__(self._heading, self._list, self._none)

    @property
    def marked(self) -> str:
        """The key of the row that is marked; empty where there is none."""
        option = self._list.highlighted_option
        return (option.id or "") if option else ""

    def show(self, rows: Sequence[TableLine]) -> None:
        """Show ``rows``; nothing is drawn where they are the same."""
        if tuple(rows) != self._rows:
            self._rows = tuple(rows)
            self._lay_out()
        self._none.display = not self._rows  # the list stays, with the focus and the page's keys
        titled = any(column.title for column in self._columns)
        self._heading.display = bool(self._rows) and titled

    def show_under(self, columns: Sequence[Column], rows: Sequence[TableLine]) -> None:
        """Show ``rows`` under other columns."""
        if tuple(columns) != self._columns:
            self._columns, self._rows = tuple(columns), ()
            self._heading.say("")
        self.show(rows)

    def _lay_out(self) -> None:
        marked, at = self.marked, self._list.highlighted or 0
        top = self._list.scroll_offset.y
        widths = self._widths()
        titles = tuple(column.title for column in self._columns)
        self._heading.say(self._line(titles, widths).plain)
        room = max(1, self.size.width - _AROUND)  # on a small terminal a row is cut, not folded
        self._list.set_options(
            Option(self._line(row.cells, widths).truncate(room), row.key) for row in self._rows
        )
        keys = [row.key for row in self._rows]
        if keys:
            self._list.highlighted = (
                keys.index(marked) if marked in keys else min(at, len(keys) - 1)
            )
            self._list.scroll_to(y=top, animate=False, immediate=True)

    def _widths(self) -> list[int]:
        least = sum(column.least for column in self._columns) + _GAP * (len(self._columns) - 1)
        rest = max(0, self.size.width - _AROUND - least)
        shares = sum(column.share for column in self._columns) or 1
        return [column.least + rest * column.share // shares for column in self._columns]

    def _line(self, cells: Sequence[str | Content], widths: Sequence[int]) -> Content:
        return Content(" " * _GAP).join(
            _cell(cell, width, column.right)
            for cell, width, column in zip(cells, widths, self._columns, strict=True)
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Share the new width."""
        self._lay_out()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell the page."""
        event.stop()
        self.post_message(self.Marked(event.option_id or ""))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell the page."""
        event.stop()
        self.post_message(self.Picked(event.option_id or ""))


def _cell(cell: str | Content, width: int, right: bool) -> Content:
    content = cell if isinstance(cell, Content) else Content(printable(cell).replace("\n", " "))
    fitted = content.truncate(width, ellipsis=True)
    space = " " * (width - fitted.cell_length)
    return Content.assemble(space, fitted) if right else Content.assemble(fitted, space)


class LedTable(Table):
    """A table whose mark a field above it moves, so that typing goes on: it takes no focus."""

    def __init__(self, *columns: Column, empty: str = "") -> None:
        super().__init__(*columns, empty=empty)
        self.add_class("-leading")
        self._list.can_focus = False

    def mark_first(self) -> None:
        """Put the mark on the first: what is shown answers another question."""
        self._list.action_first()

    def pick(self) -> None:
        """Pick the marked one."""
        self._list.action_select()

    def move(self, step: str) -> None:
        """Move the mark: ``cursor_up``, ``cursor_down``, ``page_up`` or ``page_down``."""
        getattr(self._list, f"action_{step}")()


STEPS = {
    "up": "cursor_up",
    "down": "cursor_down",
    "pageup": "page_up",
    "pagedown": "page_down",
}
"""The keys that move a mark, and how ``LedTable.move`` is told so."""
