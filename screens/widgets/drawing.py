"""The picture of a card going into the reader, or coming out of it.

Drawn in cells of a small canvas: the card slides past behind the reader's edge. The
movement is slow, takes one cell at a time, and rests at its end.
"""

from __future__ import annotations

from enum import StrEnum

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

HEIGHT = 9
_TICK_S = 0.16
_REST = 14
"""Ticks that the picture stands still at the end of each way."""

_READER = 7
_START, _END = 13, -9
"""Columns between the reader's edge and the card, at the beginning and the end."""

_STILL = 7
_ROOM_FOR_ARROWS = 5

_WIDEST, _NARROWEST = 26, 17
_WIDE_ENOUGH = 20
"""Columns of a card that has room for print beside its chip."""
_PLAIN, _BODY, _CASE, _LIP = "$quiet", "$on-brand on $brand", "$paper on $ink", "$line on $ink"


class Way(StrEnum):
    """Which way the card goes; ``REST`` is a card that is in and stays there."""

    IN = "in"
    OUT = "out"
    REST = "rest"


class Drawing(Widget, inherit_bindings=False):
    """Moves only where ``motion`` is on; where it is off, arrows show the way."""

    def __init__(self, way: Way, *, motion: bool) -> None:
        super().__init__()
        self._way = way
        self._motion = motion and way is not Way.REST
        self._tick = 0

    def on_mount(self) -> None:
        """Begin to move."""
        if self._motion:
            self.set_interval(_TICK_S, self._advance)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A fixed height."""
        return HEIGHT

    def _advance(self) -> None:
        way = _START - _END
        self._tick = (self._tick + 1) % (way + _REST)
        if self._tick <= way:
            self.refresh()

    @property
    def _offset(self) -> int:
        """The columns between the reader's edge and the card; below zero it is inside."""
        if self._way is Way.REST:
            return _END
        if not self._motion:
            return _STILL
        gone = min(self._tick, _START - _END)
        return _END + gone if self._way is Way.OUT else _START - gone

    def render(self) -> Content:
        """Draw the reader and as much of the card as shows beside it."""
        width = self.content_size.width
        return Content("\n").join(self._line(row, width) for row in range(HEIGHT))

    def _line(self, row: int, width: int) -> Content:
        return Content.assemble(self._case(row), *self._beside(row, width - _READER))

    def _case(self, row: int) -> Content:
        """Return the reader's part of one row, its lip at the right."""
        lamp = "•" if row == 1 and self._offset <= 0 else " "
        return Content.assemble((f"  {lamp}".ljust(_READER - 1), _CASE), ("▐", _LIP))

    def _beside(self, row: int, room: int) -> list[tuple[str, str]]:
        """Return the runs of one row to the right of the reader."""
        offset = self._offset
        gap = max(0, offset)
        body = _card(max(_NARROWEST, min(_WIDEST, room - _STILL)))[row - 1] if row else ""
        shown = body[max(0, -offset) :][: max(0, room - gap)]
        return [
            (self._arrow(row, gap), _PLAIN),
            (shown, _BODY),
            (" " * max(0, room - gap - len(shown)), _PLAIN),
        ]

    def _arrow(self, row: int, gap: int) -> str:
        sign = "►" if self._way is Way.OUT else "◄"
        signs = f"{sign} {sign}" if row == HEIGHT // 2 and gap >= _ROOM_FOR_ARROWS else ""
        return signs.center(gap)


def _card(width: int) -> tuple[str, ...]:
    """Draw a card: the chip that goes in first, and lines of print."""
    print_width = width - 16 if width >= _WIDE_ENOUGH else 0
    return tuple(
        line.ljust(width)
        for line in (
            "",
            "  ┌──────┐",
            "  ├─┐  ┌─┤   " + "▄" * print_width,
            "  ├─┘  └─┤   " + "▄" * (print_width * 3 // 5),
            "  └──────┘",
            "",
            "  " + "▄" * (width // 2),
            "",
        )
    )
