"""A tick that can be seen from two metres."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_PIXELS = (
    "                  ####",
    "                 #### ",
    "                ####  ",
    "               ####   ",
    "              ####    ",
    "####         ####     ",
    " ####       ####      ",
    "  ####     ####       ",
    "   ####   ####        ",
    "    #### ####         ",
    "     #######          ",
    "      #####           ",
)
_HALVES = {"##": "█", "# ": "▀", " #": "▄", "  ": " "}


class Tick(Widget, inherit_bindings=False):
    """Small, or twice as big where ``roomy``."""

    def __init__(self, *, roomy: bool) -> None:
        super().__init__()
        self._lines = _big() if roomy else _small()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as it was drawn."""
        return len(self._lines)

    def render(self) -> Content:
        """Draw it."""
        return Content("\n".join(self._lines))


def _small() -> list[str]:
    pairs = zip(_PIXELS[0::2], _PIXELS[1::2], strict=True)
    return ["".join(_HALVES[a + b] for a, b in zip(*pair, strict=True)) for pair in pairs]


def _big() -> list[str]:
    return ["".join("██" if pixel == "#" else "  " for pixel in row) for row in _PIXELS]
