"""Digits for fingers: keys of seven cells by three, larger where there is room."""

from __future__ import annotations

from textual.content import Content

from screens.widgets.touch_keys import TouchKeys
from screens.words import frame as words

LEAST_WIDTH, LEAST_HEIGHT = 7, 3
_CLEAR, _ERASE = "clear", "backspace"
_ROWS = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (_CLEAR, "0", _ERASE))
_LABELS = {_CLEAR: words.CLEAR_KEY, _ERASE: words.ERASE_KEY}


class Keypad(TouchKeys, inherit_bindings=False):
    """Twelve keys; each tells ``press`` its digit, ``clear`` or ``backspace``."""

    @property
    def _key_size(self) -> tuple[int, int]:
        width, height = self.content_size
        return max(LEAST_WIDTH, width // 3), max(LEAST_HEIGHT, height // len(_ROWS))

    def render(self) -> Content:
        """Draw the keys."""
        rows = [line for keys in _ROWS for line in self._row(keys)]
        return Content("\n").join(rows)

    def _row(self, keys: tuple[str, ...]) -> list[Content]:
        width, height = self._key_size
        faces = [_face(key, width, height) for key in keys]
        return [
            Content.assemble(*map(self._styled, keys, (face[line] for face in faces)))
            for line in range(height)
        ]

    def _styled(self, key: str, line: str) -> tuple[str, str]:
        return line, self.style_of(key)

    def key_at(self, x: int, y: int) -> str:
        """Return the key in this cell."""
        width, height = self._key_size
        row, column = y // height, x // width
        within = 0 <= row < len(_ROWS) and 0 <= column < len(_ROWS[row])
        return _ROWS[row][column] if within else ""


def _face(key: str, width: int, height: int) -> list[str]:
    bar = "─" * (width - 2)
    blank, label = " " * (width - 2), _LABELS.get(key, key).center(width - 2)
    inner = [label if line == (height - 3) // 2 else blank for line in range(height - 2)]
    return [f"┌{bar}┐", *(f"│{line}│" for line in inner), f"└{bar}┘"]
