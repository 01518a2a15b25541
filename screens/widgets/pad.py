"""The picture of a card reader with keys of its own: what is to be pressed is there, not here."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.theme import Glyphs

HEIGHT = 12
_MARGIN, _DISPLAY = 2, 13
_WIDTH = _DISPLAY + 2 * _MARGIN
_CASE, _KEY, _CARD = "$paper on $ink", "bold $ink on $well", "$on-brand on $brand"
_GAP = (" " * _MARGIN, _CASE)
_BLANK = Content.assemble((" " * _WIDTH, _CASE))

Run = tuple[str, str]
"""A piece of one row, and its style."""


class PadDrawing(Widget, inherit_bindings=False):
    """A display with hidden digits, twelve keys, and the card below them.

    Nothing happens where it is touched.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A fixed height."""
        return HEIGHT

    def render(self) -> Content:
        """Draw it from top to bottom."""
        signs = self._glyphs
        rows = [_row((f" {signs.dot} {signs.dot} {signs.dot} _".ljust(_DISPLAY), _KEY))]
        last = (signs.wrong, "0", signs.tick)
        rows += [_keys(labels) for labels in ("123", "456", "789", last)]
        lines = [line for row in rows for line in (_BLANK, row)]
        return Content("\n").join([*lines, _BLANK, _card()])


def _row(*runs: Run) -> Content:
    return Content.assemble(_GAP, *runs, _GAP)


def _keys(labels: str | tuple[str, ...]) -> Content:
    one, two, three = ((f" {label} ", _KEY) for label in labels)
    return _row(one, _GAP, two, _GAP, three)


def _card() -> Content:
    return Content.assemble(" " * _MARGIN, (" " * _DISPLAY, _CARD))
