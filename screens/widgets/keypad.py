"""Digits for fingers: keys of seven cells by three."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.widget import Widget

from screens.words import frame as words

KEY_WIDTH, KEY_HEIGHT = 7, 3
_FLASH_S = 0.12
_CLEAR, _ERASE = "clear", "backspace"
_ROWS = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (_CLEAR, "0", _ERASE))
_LABELS = {_CLEAR: words.CLEAR_KEY, _ERASE: words.ERASE_KEY}


class Keypad(Widget, inherit_bindings=False):
    """Twelve keys; each tells ``press`` its digit, ``clear`` or ``backspace``."""

    def __init__(self, press: Callable[[str], object]) -> None:
        super().__init__()
        self._press = press
        self._down = ""

    def render(self) -> Content:
        """Draw the keys; the one that is down is filled."""
        rows = [line for keys in _ROWS for line in self._row(keys)]
        return Content("\n").join(rows)

    def _row(self, keys: tuple[str, ...]) -> list[Content]:
        faces = [_face(key) for key in keys]
        return [
            Content.assemble(*map(self._styled, keys, (face[line] for face in faces)))
            for line in range(KEY_HEIGHT)
        ]

    def _styled(self, key: str, line: str) -> tuple[str, str]:
        return line, "bold $on-brand on $brand" if key == self._down else "bold $ink"

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the finger."""
        event.stop()
        row, column = event.y // KEY_HEIGHT, event.x // KEY_WIDTH
        if 0 <= row < len(_ROWS) and 0 <= column < len(_ROWS[row]):
            self._down = _ROWS[row][column]
            self.refresh()
            self.set_timer(_FLASH_S, self._let_go)
            self._press(self._down)

    def _let_go(self) -> None:
        self._down = ""
        self.refresh()


def _face(key: str) -> tuple[str, str, str]:
    bar = "─" * (KEY_WIDTH - 2)
    return f"┌{bar}┐", f"│{_LABELS.get(key, key).center(KEY_WIDTH - 2)}│", f"└{bar}┘"
