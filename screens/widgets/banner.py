"""Letters that can be read from across a corridor, drawn in blocks."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_PIXELS = 6
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


def small(text: str) -> list[str]:
    """Draw ``text`` three rows high, two pixels to a cell."""
    rows = _rows(text)
    pairs = zip(rows[0::2], rows[1::2], strict=True)
    return ["".join(_half(a, b) for a, b in zip(*pair, strict=True)) for pair in pairs]


def big(text: str) -> list[str]:
    """Draw ``text`` six rows high, a pixel to two cells."""
    return ["".join("██" if pixel == "#" else "  " for pixel in row) for row in _rows(text)]


def _half(upper: str, lower: str) -> str:
    return {"##": "█", "# ": "▀", " #": "▄"}.get(upper + lower, " ")


def _rows(text: str) -> list[str]:
    letters = [_LETTERS[char] for char in text.upper() if char in _LETTERS]
    return [" ".join(_slice(letter, row) for letter in letters) for row in range(_PIXELS)]


def _slice(letter: str, row: int) -> str:
    width = len(letter) // _PIXELS
    return letter[row * width : (row + 1) * width]


class Banner(Widget, inherit_bindings=False):
    """``text`` in small letters on one line or, where there is room, a big word a line."""

    def __init__(self, text: str, *, roomy: bool) -> None:
        super().__init__()
        self._lines = _big_words(text) if roomy else small(text)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as it was drawn."""
        return len(self._lines)

    def render(self) -> Content:
        """Show the drawing."""
        return Content("\n".join(self._lines))


def _big_words(text: str) -> list[str]:
    first, *others = (big(word) for word in text.split())
    return first + [line for word in others for line in ("", *word)]
