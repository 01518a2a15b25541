"""Lines of text, each behind a sign of its own, that go on below themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.widgets.prose import printable

_INDENT = 2
_LEAST = 8


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
    room = max(_LEAST, width - _INDENT)
    sign = point.sign
    for line in Content.styled(printable(point.text), point.style).wrap(room):
        yield Content.styled(f"{sign} ", point.style) + line
        sign = " "
