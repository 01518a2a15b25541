"""Lines of text, each after a sign, with hanging indents.

A line that is broken over two rows never looks like two of them, whatever somebody wrote in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from screens.widgets.prose import printable

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
