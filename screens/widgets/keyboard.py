"""Letters for fingers: four rows of eleven keys in a grid that shares its walls.

There is no Shift: answers and addresses mean the same in capitals.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from textual.content import Content

from screens.widgets.touch_keys import TouchKeys
from screens.words import frame as words

_COLUMNS, _ROWS = 11, 4
_WIDE = 3
ERASE, SPACE = "backspace", " "
_LABELS = {ERASE: words.ERASE_SIGN, SPACE: words.SPACE_KEY}
_WALLS = {
    "ud": "│", "lr": "─", "rd": "┌", "ld": "┐", "ru": "└", "lu": "┘", "rud": "├", "lud": "┤",
    "lrd": "┬", "lru": "┴", "lrud": "┼",
}  # fmt: skip

Row = tuple[tuple[str, int], ...]


def answer_keys() -> tuple[Row, ...]:
    """Return the keys for an answer: a space is what it needs."""
    return (
        _keys("1234567890", ERASE),
        _keys("qwertyuiop-"),
        _keys("asdfghjkl'&"),
        (*_keys("zxcvbnm."), (SPACE, _WIDE)),
    )


def email_keys() -> tuple[Row, ...]:
    """Return the keys for an address: an at sign is what it needs."""
    return (
        _keys("1234567890", ERASE),
        _keys("qwertyuiop-"),
        _keys("asdfghjkl_+"),
        (*_keys("zxcvbnm."), ("@", _WIDE)),
    )


def _keys(single: str, *more: str) -> Row:
    return tuple((key, 1) for key in (*single, *more))


class Keyboard(TouchKeys, inherit_bindings=False):
    """Tells ``press`` the character of a key, or ``backspace``."""

    def __init__(self, rows: tuple[Row, ...], press: Callable[[str], object]) -> None:
        super().__init__(press)
        self._rows = rows

    @property
    def _pitch(self) -> tuple[int, int]:
        """The columns and rows from one key to the next."""
        width, height = self.content_size
        return max(2, (width - 1) // _COLUMNS), max(2, (height - 1) // _ROWS)

    def render(self) -> Content:
        """Draw walls and keys."""
        _, high = self._pitch
        lines: list[Content] = []
        for number, row in enumerate(self._rows):
            lines.append(Content(self._wall(number)))
            lines.extend(self._face(row, line) for line in range(high - 1))
        lines.append(Content(self._wall(len(self._rows))))
        return Content("\n").join(lines)

    def _face(self, row: Row, line: int) -> Content:
        wide, high = self._pitch
        parts: list[tuple[str, str]] = [("│", "")]
        for key, span in row:
            label = _LABELS.get(key, key) if line == (high - 1) // 2 else ""
            parts += [(label.center(wide * span - 1), self.style_of(key)), ("│", "")]
        return Content.assemble(*parts)

    def _wall(self, number: int) -> str:
        """Draw the wall above row ``number``, with a crossing where a key's side meets it."""
        wide, _ = self._pitch
        above = _sides(self._rows[number - 1], wide) if number else set()
        below = _sides(self._rows[number], wide) if number < len(self._rows) else set()
        last = wide * _COLUMNS
        return "".join(self._crossing(x, last, x in above, x in below) for x in range(last + 1))

    def _crossing(self, x: int, last: int, above: bool, below: bool) -> str:
        ways = ("l" if x else "") + ("r" if x < last else "")
        return _WALLS[ways + ("u" if above else "") + ("d" if below else "")]

    def key_at(self, x: int, y: int) -> str:
        """Return the key in this cell."""
        wide, high = self._pitch
        row, column = y // high, x // wide
        if not (0 <= row < len(self._rows) and 0 <= column < _COLUMNS):
            return ""
        return next(itertools.islice(_spread(self._rows[row]), column, None))


def _spread(row: Row) -> Iterator[str]:
    """Yield the key of each column."""
    for key, span in row:
        yield from itertools.repeat(key, span)


def _sides(row: Row, wide: int) -> set[int]:
    ends = itertools.accumulate((span * wide for _, span in row), initial=0)
    return set(ends)
