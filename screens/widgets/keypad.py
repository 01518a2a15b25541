"""Digits for fingers: keys of seven cells by three."""

from __future__ import annotations

from textual.content import Content

from screens.widgets.touch_keys import TouchKeys
from screens.words import frame as words

KEY_WIDTH, KEY_HEIGHT = 7, 3
_CLEAR, _ERASE = "clear", "backspace"
_ROWS = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (_CLEAR, "0", _ERASE))
_LABELS = {_CLEAR: words.CLEAR_KEY, _ERASE: words.ERASE_KEY}


class Keypad(TouchKeys, inherit_bindings=False):
    """Twelve keys; each tells ``press`` its digit, ``clear`` or ``backspace``."""

    def render(self) -> Content:
        """Draw the keys."""
        rows = [line for keys in _ROWS for line in self._row(keys)]
        return Content("\n").join(rows)

    def _row(self, keys: tuple[str, ...]) -> list[Content]:
        faces = [_face(key) for key in keys]
        return [
            Content.assemble(*map(self._styled, keys, (face[line] for face in faces)))
            for line in range(KEY_HEIGHT)
        ]

    def _styled(self, key: str, line: str) -> tuple[str, str]:
        return line, self.style_of(key)

    def key_at(self, x: int, y: int) -> str:
        """Return the key in this cell."""
        row, column = y // KEY_HEIGHT, x // KEY_WIDTH
        within = 0 <= row < len(_ROWS) and 0 <= column < len(_ROWS[row])
        return _ROWS[row][column] if within else ""


def _face(key: str) -> tuple[str, str, str]:
    bar = "─" * (KEY_WIDTH - 2)
    return f"┌{bar}┐", f"│{_LABELS.get(key, key).center(KEY_WIDTH - 2)}│", f"└{bar}┘"
