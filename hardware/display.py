"""The display that a station draws on: its size, and the size of text that can be read on it.

A capital H has to be seen at 0.7 degrees at least (EN 301 549, 5.1.4): 7.3 mm at 60 cm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_DRM = Path("/sys/class/drm")
_LEAST_DEGREES = 0.7
_GRIDS = ((80, 24), (60, 20))
"""Columns and rows that the pages are made for, the smaller text first."""

FONT = "DejaVu Sans Mono"
_ADVANCE, _ASCENT, _DESCENT, _CAPITAL = 0.602, 0.928, 0.236, 0.729
"""Of the font: width of a cell, above and below the base line, height of a capital; for size 1."""


class Display(Struct, frozen=True):
    """A connected display; the size in millimetres is 0 where it does not tell."""

    connector: str
    width_px: int
    height_px: int
    width_mm: int = 0
    height_mm: int = 0


class TextSize(Struct, frozen=True):
    """A size of the font in pixels, and the least columns and rows that it gives."""

    pixels: int
    columns: int
    rows: int

    @property
    def cell_px(self) -> tuple[int, int]:
        """Width and height of a cell as foot draws it."""
        line = math.ceil(self.pixels * _ASCENT) + math.ceil(self.pixels * _DESCENT)
        return round(self.pixels * _ADVANCE), line

    def capital_mm(self, display: Display) -> float:
        """Return the height of a capital."""
        return self.pixels * _CAPITAL * display.height_mm / display.height_px

    def legible_cm(self, display: Display) -> float:
        """Return the distance up to which it is legible."""
        return self.capital_mm(display) / math.tan(math.radians(_LEAST_DEGREES)) / 10


def connected_displays(folder: Path = _DRM) -> Iterator[Display]:
    """Yield what is plugged in, in the mode that it prefers."""
    for connector in sorted(folder.glob("card*-*")):
        if (connector / "status").read_text().strip() != "connected":
            continue
        mode = (connector / "modes").read_text().partition("\n")[0]
        width, _, height = mode.partition("x")
        if width.isdecimal() and height.isdecimal():
            edid = (connector / "edid").read_bytes()
            yield Display(connector.name, int(width), int(height), *_size_mm(edid))


def _size_mm(edid: bytes) -> tuple[int, int]:
    """Return width and height (VESA E-EDID 1.4: 3.10.2, or in whole centimetres 3.6.2)."""
    if len(edid) < 128:
        return 0, 0
    width, height = edid[66] | (edid[68] & 0xF0) << 4, edid[67] | (edid[68] & 0x0F) << 8
    return (width, height) if width and height else (edid[21] * 10, edid[22] * 10)


def text_size(display: Display, distance_cm: float) -> TextSize:
    """Return the largest text with 80 by 24 cells, or with 60 by 20 where that is not legible."""
    sizes = [_largest(display, columns, rows) for columns, rows in _GRIDS]
    if not display.height_mm:
        return sizes[0]
    legible = (size for size in sizes if size.legible_cm(display) >= distance_cm)
    return next(legible, sizes[-1])


def _largest(display: Display, columns: int, rows: int) -> TextSize:
    for pixels in range(display.height_px // rows, 1, -1):
        size = TextSize(pixels, columns, rows)
        width, height = size.cell_px
        if display.width_px // width >= columns and display.height_px // height >= rows:
            return size
    return TextSize(1, columns, rows)
