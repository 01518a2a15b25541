"""Keys for fingers: what is touched shows for a moment that it was."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widget import Widget

_FLASH_S = 0.12


class TouchKeys(Widget, inherit_bindings=False):
    """Tells ``press`` the key under a finger; subclasses draw their keys and fill ``key_at``."""

    def __init__(self, press: Callable[[str], object]) -> None:
        super().__init__()
        self._press = press
        self._down = ""

    def key_at(self, x: int, y: int) -> str:
        """Return the key in this cell, "" where there is none."""
        raise NotImplementedError

    def style_of(self, key: str) -> str:
        """Return how a key is drawn; the one that is down is filled."""
        return "bold $on-brand on $brand" if key == self._down else "bold $ink"

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the finger."""
        event.stop()
        if key := self.key_at(event.x, event.y):
            self._down = key
            self.refresh()
            self.set_timer(_FLASH_S, self._let_go)
            self._press(key)

    def _let_go(self) -> None:
        self._down = ""
        self.refresh()
