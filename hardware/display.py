"""The display of a station: its size, and the size of text that is legible on it.

A capital H has to subtend at least 0.7 degrees (EN 301 549, 5.1.4): 7.3 mm at 60 cm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_DRM = Path("/sys/class/drm")
_GRAPHICS = Path("/sys/class/graphics")
CARDS = Path("/dev/dri")
_LEAST_DEGREES = 0.7
_GRIDS = ((80, 24), (60, 20))
"""Columns and rows that the pages are made for, the smaller text first."""

FONT = "DejaVu Sans Mono"
_ADVANCE, _ASCENT, _DESCENT, _CAPITAL = 0.602, 0.928, 0.236, 0.729
"""Of the font at size 1: width of a cell, heights over and under the base line, of a capital."""


NO_GRAPHICS = "there is no graphics card that Linux has a driver for (/dev/dri/card*)"
WITHOUT_GRAPHICS = "as root, `kiosk setup station --display console` does without one"
"""What to do where a compositor has nothing to draw on."""


def has_graphics(folder: Path | None = None) -> bool:
    return any((folder or CARDS).glob("card*"))


class Display(Struct, frozen=True):
    """A connected display; its size is in millimetres, 0 where it reports none."""

    connector: str
    width_px: int
    height_px: int
    width_mm: int = 0
    height_mm: int = 0

    @property
    def pixels(self) -> tuple[int, int]:
        return self.width_px, self.height_px


class TextSize(Struct, frozen=True):
    """A size of the font in pixels, and the fewest columns and rows that it gives."""

    pixels: int
    columns: int
    rows: int

    @property
    def cell_px(self) -> tuple[int, int]:
        """Width and height of a cell as foot draws it."""
        line = math.ceil(self.pixels * _ASCENT) + math.ceil(self.pixels * _DESCENT)
        return round(self.pixels * _ADVANCE), line

    def capital_mm(self, display: Display) -> float:
        return self.pixels * _CAPITAL * display.height_mm / display.height_px

    def legible_cm(self, display: Display) -> float:
        return _seen_from_cm(self.capital_mm(display))


def _seen_from_cm(capital_mm: float) -> float:
    return capital_mm / math.tan(math.radians(_LEAST_DEGREES)) / 10


def connected_displays(folder: Path = _DRM) -> Iterator[Display]:
    """Yield the connected displays, in their preferred mode."""
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


class ConsoleFont(Struct, frozen=True):
    """A font of Debian's console-setup-linux for the bare console, perhaps at twice its size."""

    name: str
    width_px: int
    height_px: int
    doubled: bool = False

    def columns_and_rows(self, display: Display) -> tuple[int, int]:
        return display.width_px // self.width_px, display.height_px // self.height_px

    def legible_cm(self, display: Display) -> float:
        height = self.height_px * _CONSOLE_CAPITAL
        return _seen_from_cm(height * display.height_mm / display.height_px)


_CONSOLE_CAPITAL = 0.62
"""Height of a capital of Terminus, of the height of its cell."""

_CONSOLE_SIZES = ((10, 18), (10, 20), (11, 22), (12, 24), (14, 28), (16, 32))
CONSOLE_FONTS = tuple(
    ConsoleFont(
        f"Vietnamese-TerminusBold{height}x{width}",
        width * (1 + doubled),
        height * (1 + doubled),
        doubled,
    )
    for doubled in (False, True)
    for width, height in _CONSOLE_SIZES
)
"""The smaller first.

Of the fonts with all characters of the pages, this one also has the letters of nearly all names in
Latin script: a console font is limited to 512 characters.
"""


def console_font(display: Display, distance_cm: float) -> ConsoleFont:
    """Return the largest font with 80 by 24 cells, or with 60 by 20 where that is not legible."""
    fitting = [_largest_font(display, columns, rows) for columns, rows in _GRIDS]
    if not display.height_mm:
        return fitting[0]
    legible = (font for font in fitting if font.legible_cm(display) >= distance_cm)
    return next(legible, fitting[-1])


def _largest_font(display: Display, columns: int, rows: int) -> ConsoleFont:
    for font in reversed(CONSOLE_FONTS):
        has_columns, has_rows = font.columns_and_rows(display)
        if has_columns >= columns and has_rows >= rows:
            return font
    return CONSOLE_FONTS[0]


def framebuffer(folder: Path = _GRAPHICS) -> Display | None:
    """Return the framebuffer of the console, of unknown size; None where it has no graphics."""
    try:
        width, _, height = (folder / "fb0" / "virtual_size").read_text().strip().partition(",")
    except FileNotFoundError:
        return None
    return Display("fb0", int(width), int(height))


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
