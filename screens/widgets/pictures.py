"""Drawings: large letters, a tick, a card that goes into the reader."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from screens.theme import Appearance

# Letters that are legible from across a corridor, drawn in blocks.

_BANNER_PIXELS = 6
"""Rows of a letter; half a cell each at the small size, a whole one at the big."""

_LETTERS = {
    "A": " ## #  ##  ######  ##  #", "B": "### #  #### #  ##  #### ",
    "C": " ####   #   #   #    ###", "D": "### #  ##  ##  ##  #### ",
    "E": "#####   ### #   #   ####", "F": "#####   ### #   #   #   ",
    "G": " ####   # ###  ##  # ###", "H": "#  ##  ######  ##  ##  #",
    "I": "### #  #  #  # ###", "J": "  ##   #   #   ##  # ## ",
    "K": "#  ## # ##  # # #  ##  #", "L": "#   #   #   #   #   ####",
    "M": "#   ### ### # ##   ##   ##   #", "N": "#  ### ### ## ### ###  #",
    "O": " ## #  ##  ##  ##  # ## ", "P": "### #  ##  #### #   #   ",
    "Q": " ## #  ##  ##  ## ## ###", "R": "### #  ##  #### # # #  #",
    "S": " ####    ##    #   #### ", "T": "#####  #    #    #    #    #  ",
    "U": "#  ##  ##  ##  ##  # ## ", "V": "#   ##   ##   # # #  # #   #  ",
    "W": "#   ##   ##   ## # ### ###   #", "X": "#  ##  # ##  ## #  ##  #",
    "Y": "#   # # #  # #   #    #    #  ", "Z": "####   #  # #   #   ####",
    " ": "            ",
}  # fmt: skip


_HALVES = {"##": "█", "# ": "▀", " #": "▄", "  ": " "}


def small(pixels: Sequence[str]) -> list[str]:
    """Draw two pixels to a cell."""
    pairs = zip(pixels[0::2], pixels[1::2], strict=True)
    return ["".join(_HALVES[a + b] for a, b in zip(*pair, strict=True)) for pair in pairs]


def big(pixels: Sequence[str]) -> list[str]:
    """Draw a pixel to two cells."""
    return [row.replace("#", "██").replace(" ", "  ") for row in pixels]


def written(text: str) -> list[str]:
    """Return the rows of pixels of its letters."""
    letters = [_LETTERS[char] for char in text.upper() if char in _LETTERS]
    rows: list[list[str]] = [[] for _row in range(_BANNER_PIXELS)]
    for letter in letters:
        width = len(letter) // _BANNER_PIXELS
        for at, row in enumerate(rows):
            row.append(letter[at * width : (at + 1) * width])
    return [" ".join(row) for row in rows]


class Banner(Static, inherit_bindings=False):
    """``text`` in small letters on one line or, where they fit, in big ones with a word a line."""

    def __init__(self, text: str, *, roomy: bool) -> None:
        if roomy:
            lines = "\n\n".join("\n".join(big(written(word))) for word in str(text).split())
        else:
            lines = "\n".join(small(written(str(text))))
        super().__init__(Content(lines), markup=False)


_TICK_PIXELS = (
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


class Tick(Static, inherit_bindings=False):
    def __init__(self, *, roomy: bool) -> None:
        lines = big(_TICK_PIXELS) if roomy else small(_TICK_PIXELS)
        super().__init__(Content("\n".join(lines)), markup=False)


HEIGHT = 9
_TICK_S = 0.16
_REST = 14
"""Ticks that the picture stands still at each end."""

_READER = 7
_START, _END = 13, -9
"""Columns between the reader's edge and the card, at the beginning and the end."""

_STILL = 7
_ROOM_FOR_ARROWS = 5

_WIDEST, _NARROWEST = 26, 17
_WIDE_ENOUGH = 20
"""Columns of a card that has room for print beside its chip."""
_PLAIN, _BODY, _CASE, _LIP = "$quiet", "$on-brand on $brand", "$paper on $ink", "$line on $ink"


class Direction(StrEnum):
    """The direction of the card; ``REST`` is a card that is in and stays there."""

    IN = "in"
    OUT = "out"
    REST = "rest"


class Drawing(Widget, inherit_bindings=False):
    """Moves only where motion is on; otherwise arrows show the direction."""

    def __init__(self, way: Direction, look: Appearance) -> None:
        super().__init__()
        self._way = way
        self._glyphs = look.glyphs
        self._motion = look.motion and way is not Direction.REST
        self._tick = 0

    def on_mount(self) -> None:
        if self._motion:
            self.set_interval(_TICK_S, self._advance)

    def _advance(self) -> None:
        way = _START - _END
        self._tick = (self._tick + 1) % (way + _REST)
        if self._tick <= way:
            self.refresh()

    def render(self) -> Content:
        """Draw the reader, its slot at the right, and the visible part of the card."""
        room, gone = self.content_size.width - _READER, min(self._tick, _START - _END)
        # The columns between the reader's edge and the card; below zero it is inside.
        offset = _END + gone if self._way is Direction.OUT else _START - gone
        if not self._motion:
            offset = _END if self._way is Direction.REST else _STILL
        gap = max(0, offset)
        card = _card(max(_NARROWEST, min(_WIDEST, room - _STILL)))
        sign = self._glyphs.pointer if self._way is Direction.OUT else self._glyphs.back
        rows = []
        for row in range(HEIGHT):
            lamp = "•" if row == 1 and offset <= 0 else " "
            arrows = f"{sign} {sign}" if row == HEIGHT // 2 and gap >= _ROOM_FOR_ARROWS else ""
            body = card[row - 1] if row else ""
            shown = body[max(0, -offset) :][: max(0, room - gap)]
            rows.append(
                Content.assemble(
                    (f"  {lamp}".ljust(_READER - 1), _CASE),
                    ("▐", _LIP),
                    (arrows.center(gap), _PLAIN),
                    (shown, _BODY),
                    (" " * max(0, room - gap - len(shown)), _PLAIN),
                )
            )
        return Content("\n").join(rows)


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


# Signs of time: squares that move while something is done, and a bar that shortens.

_SQUARES = 7
_STEP_S = 0.25


class ActivityIndicator(Widget, inherit_bindings=False):
    _at = reactive(0)

    def __init__(self, look: Appearance) -> None:
        super().__init__()
        self._look = look

    def on_mount(self) -> None:
        if self._look.motion:
            self.set_interval(_STEP_S, self._walk)

    def _walk(self) -> None:
        self._at = (self._at + 1) % _SQUARES

    def render(self) -> Content:
        empty = self._look.glyphs.empty
        return Content("  ".join("■" if place == self._at else empty for place in range(_SQUARES)))


class CountdownBar(Widget, inherit_bindings=False):
    """A bar that shows what is left, 1.0 down to 0.0."""

    left = reactive(1.0)

    def render(self) -> Content:
        width = self.content_size.width
        full = round(width * self.left)
        return Content.assemble(("█" * full, "$brand"), ("░" * (width - full), "$line"))
