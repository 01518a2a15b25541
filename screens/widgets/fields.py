"""Fields for a holder's input: cells for digits, a line of text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import group_size
from screens.theme import Glyphs
from screens.widgets.prose import printable

# Cells that can be counted: dots for a PIN, the digits of a code.
#
# Drawn line by line, and at a key only the line with the digits: nothing else on the display has to
# be as fast.

HEIGHT = 3
_TALL = 5
"""Rows of cells where there is room; these are wider too."""

_INNER_WIDTHS = (3, 2, 1)
_TALL_INNER_WIDTHS = (5, *_INNER_WIDTHS)
_WALL = "│"
_SIGN = "cells--sign"


def is_digit(char: str) -> bool:
    return len(char) == 1 and char in "0123456789"


_MORE = "<"
_MOST_CELLS = 10
"""More digits are in one box: all of so many cells seem to be wanted."""
_MOST_WANTED = 12
"""Where all are wanted; more cells would be too narrow."""


class Cells(Widget, inherit_bindings=False):
    """A row of cells in groups, or one box; ``take`` returns the digits once.

    ``least`` digits have to be entered, ``most`` fit. ``dot`` stands for each hidden digit, and is
    None where they are shown.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {_SIGN}

    def __init__(self, least: int, most: int, dot: str | None) -> None:
        super().__init__()
        self.least = least
        self.most = most
        self._dot = dot
        self.digits = ""

    def __repr__(self) -> str:
        return "Cells(…)"

    @property
    def complete(self) -> bool:
        return len(self.digits) >= self.least

    @property
    def full(self) -> bool:
        return len(self.digits) >= self.most

    def type(self, char: str) -> bool:
        """Add one digit; return whether anything changed."""
        if self.full or not is_digit(char):
            return False
        self.digits += char
        self._repaint()
        return True

    def erase(self) -> None:
        self.digits = self.digits[:-1]
        self._repaint()

    def keep(self, count: int) -> None:
        """Erase what is behind the first ``count`` digits."""
        self.digits = self.digits[:count]
        self._repaint()

    def clear(self) -> None:
        self.digits = ""
        self._repaint()

    def take(self) -> Sensitive:
        taken = Sensitive(self.digits)
        self.clear()
        return taken

    @property
    def _is_tall(self) -> bool:
        return self.content_size.height >= _TALL

    @property
    def _signs_line(self) -> int:
        return (_TALL if self._is_tall else HEIGHT) // 2

    def render_line(self, y: int) -> Strip:
        width, wall, has_signs = self.content_size.width, self.rich_style, y == self._signs_line
        height = _TALL if self._is_tall else HEIGHT
        part = 0 if y == 0 else 2 if y == height - 1 else 1  # top, middle or bottom of ``_boxes``
        if self.most > (_MOST_WANTED if self.least == self.most else _MOST_CELLS):
            row = self._box(width, has_signs=has_signs)[part]
        else:
            size = group_size(self.most)
            groups = -(-self.most // size)
            widths = _TALL_INNER_WIDTHS if self._is_tall else _INNER_WIDTHS
            for inner, gap in (*product(widths, (2, 1)), (1, 1)):
                if self.most * (inner + 1) + groups + (groups - 1) * gap <= width:
                    break
            signs = list(self._signs()) if has_signs else [" "] * self.most
            each = (signs[at : at + size] for at in range(0, self.most, size))
            row = (" " * gap).join(_boxes(group, inner)[part] for group in each)
        if has_signs:  # the content of the cells stands out from their borders
            sign, runs = self.get_component_rich_style(_SIGN), groupby(row, key=_WALL.__eq__)
            line = [Segment("".join(run), wall if is_wall else sign) for is_wall, run in runs]
        else:
            line = [Segment(row, wall)]
        return Strip(line).adjust_cell_length(width, wall)

    def _box(self, width: int, *, has_signs: bool) -> tuple[str, str, str]:
        """Return the lines of the box; of more digits than have room it shows the last."""
        room = width - 4
        gap = " " if 2 * self.most <= room else ""
        inner = min(room, self.most * (1 + len(gap)))
        signs = [sign for sign in self._signs() if sign != " "]
        if len(signs) > room:
            signs = [_MORE, *signs[1 - room :]]
        text = gap.join(signs) if has_signs else ""
        return _boxes([text.ljust(inner)], inner + 2)

    def _repaint(self) -> None:
        self.refresh(Region(0, self._signs_line, self.content_size.width, 1))

    def _signs(self) -> Iterator[str]:
        for place in range(self.most):
            if place < len(self.digits):
                yield self._dot or self.digits[place]
            else:
                yield "_" if place == len(self.digits) else " "


def _boxes(signs: list[str], inner: int) -> tuple[str, str, str]:
    bar = "─" * inner
    return (
        "┌" + "┬".join(bar for _ in signs) + "┐",
        _WALL + _WALL.join(sign.center(inner) for sign in signs) + _WALL,
        "└" + "┴".join(bar for _ in signs) + "┘",
    )


_CURSOR = "_"


class Field(Widget, inherit_bindings=False):
    """Takes printable characters up to ``longest``; a dot stands for each hidden one."""

    shown = reactive(True)
    _text = reactive("")

    def __init__(self, longest: int, glyphs: Glyphs, *, shown: bool, text: str = "") -> None:
        super().__init__()
        self.longest = longest
        self._glyphs = glyphs
        self.shown = shown
        self._text = printable(text).replace("\n", "")

    def __repr__(self) -> str:
        return "Field(…)"

    @property
    def empty(self) -> bool:
        """Whether there are only spaces in it."""
        return not self._text.strip()

    @property
    def length(self) -> int:
        return len(self._text)

    def keep(self, count: int) -> None:
        """Erase what is behind the first ``count`` characters."""
        self._text = self._text[:count]

    @property
    def text(self) -> str:
        return self._text

    def type(self, char: str) -> bool:
        """Add one character; return whether it is printable."""
        if len(char) != 1 or not char.isprintable():
            return False
        if len(self._text) < self.longest:
            self._text += char
        return True

    def erase(self) -> None:
        self._text = self._text[:-1]

    def take(self) -> str:
        taken, self._text = self._text, ""
        return taken

    def render(self) -> Content:
        """Show the end of the text where it is longer than the field."""
        text = self._text if self.shown else self._glyphs.dot * len(self._text)
        room = self.content_size.width - 1
        tail = text
        while cell_len(tail) > room:
            tail = tail[1:]
        if tail != text and tail:
            tail = self._glyphs.back + tail[1:]
        return Content.assemble((tail, "bold $ink"), (_CURSOR, "bold $brand"))
