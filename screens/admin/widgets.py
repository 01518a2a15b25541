"""The widgets of the RA application: the frame of each page, its table, and lines after signs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.coordinate import Coordinate
from textual.geometry import Offset, Size
from textual.reactive import Reactive, reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, Footer, Input, Tab, Tabs

from kiosk.authority.administration.views import Actor
from screens.widgets.prose import Prose, printable

# The frame of every page: who is logged in, the pages, and the keys.

T = TypeVar("T")

LEAST = Size(80, 24)
"""Columns and rows that the pages need."""


class Heading(Horizontal):
    def __init__(self, service: str, me: Actor, log_out: Callable[[], None]) -> None:
        self._log_out = log_out
        super().__init__(
            Prose(service, "service"),
            Prose(f"{me.name} · {me.role.value}", "who"),
            Prose("Ctrl+Q log out", "log-out"),
        )

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.has_class("log-out"):
            self._log_out()


class TooSmall(Prose):
    def __init__(self) -> None:
        super().__init__("", "too-small")

    def look_at(self, size: Size) -> None:
        self.display = size.width < LEAST.width or size.height < LEAST.height
        self.say(
            f"This terminal is {size.width} by {size.height}. It is too small: "
            f"make it {LEAST.width} by {LEAST.height}."
        )


class TabBar(Tabs, can_focus=False):
    """Tabs for the mouse, also for the present one; typing belongs to the page below them."""

    def __init__(self, labels: Mapping[str, str], turn_to: Callable[[str], None]) -> None:
        super().__init__(*(Tab(Content(label), id=name) for name, label in labels.items()))
        self._turn_to = turn_to

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, Tab):
            self._turn_to(event.widget.id or "")


class KeyBar(Footer):
    """Textual's footer, composed again only after a change, and not below a dialog.

    Textual composes it again at each focus or refresh of its bindings, which costs more than the
    page above it, and a row over the line. When a dialog closes, the bindings are refreshed.
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: list[tuple[Binding, bool]] | None = None

    def compose(self) -> ComposeResult:
        """Make each key compact at once: otherwise it is styled twice."""
        for part in super().compose():
            yield part.add_class("-compact", update=False)

    async def recompose(self) -> None:
        if not self.screen.is_active:
            return
        keys = self.screen.active_bindings.values()
        to_show = [(key.binding, key.enabled) for key in keys if key.binding.show]
        if to_show != self._shown:
            self._shown = to_show
            await super().recompose()


# Each screen is styled and laid out once.

WIDTHS: Final = [(0, "-narrow"), (72, "-usual"), (116, "-wide")]
HEIGHTS: Final = [(0, "-tiny"), (16, "-usual-height"), (30, "-tall")]


def size_classes(size: Size) -> Iterator[str]:
    """Yield the classes that Textual gives a screen of this size, only later."""
    for points, length in ((WIDTHS, size.width), (HEIGHTS, size.height)):
        yield next(name for least, name in reversed(points) if length >= least)


class AdminScreen(Screen[T]):
    """A screen whose widgets are styled when they are mounted, and laid out once for each size.

    Textual styles them again when the screen comes up, and lays them out again when its first
    layout is reported to it.
    """

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        event.refresh_styles = False

    def on_resize(self, event: events.Resize) -> None:
        if event.size == self.outer_size:
            event.prevent_default()
            now = set(size_classes(event.size))
            self.update_classes({name: name in now for _, name in (*WIDTHS, *HEIGHTS)})


class LineInput(Input):
    """One row to type into, which is drawn again as it fills; nothing is laid out anew."""

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, value: str = "", *, max_length: int, password: bool = False) -> None:
        super().__init__(value, max_length=max_length, password=password, compact=True)
        self.cursor_blink = False


class TextScroll(VerticalScroll):
    """Scrolls what it holds by its keys; its focus changes the look of nothing.

    Textual would style all that it holds again whenever it gets the focus, or loses it.
    """

    def watch_has_focus(self, _has_focus: bool) -> None:
        pass


# The rows of a page: Textual's table, with columns that share the available room.

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
            text, colour = (cell, "ink") if isinstance(cell, str) else cell
            if column in shown:
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


# Lines of text, each after a sign, with hanging indents.
#
# A line that is broken over two rows never looks like two of them, whatever somebody wrote in it.

_INDENT = 2
_LEAST_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Point:
    """One line: data, shown literally; ``style`` is Textual's and never the only sign."""

    text: str
    sign: str = " "
    style: str = ""


class Points(Widget, inherit_bindings=False):
    """Shows points one below the other, as wide as possible."""

    points: reactive[tuple[Point, ...]] = reactive((), layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return sum(1 for point in self.points for _row in _rows(point, width))

    def render(self) -> Content:
        width = self.content_size.width
        return Content("\n").join(row for point in self.points for row in _rows(point, width))


def _rows(point: Point, width: int) -> Iterable[Content]:
    room = max(_LEAST_WIDTH, width - _INDENT)
    sign = point.sign
    for line in Content.styled(printable(point.text), point.style).wrap(room):
        yield Content.styled(f"{sign} ", point.style) + line
        sign = " "
