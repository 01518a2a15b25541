"""Signs of time: squares that march while something is done, and a bar that runs out."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_SQUARES = 7
_STEP_S = 0.25


class Marching(Widget, inherit_bindings=False):
    """A row of signs, one of them a full square; it walks where ``motion`` is on."""

    def __init__(self, empty: str, *, motion: bool) -> None:
        super().__init__()
        self._empty = empty
        self._motion = motion
        self._at = 0

    def on_mount(self) -> None:
        if self._motion:
            self.set_interval(_STEP_S, self._walk)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def _walk(self) -> None:
        self._at = (self._at + 1) % _SQUARES
        self.refresh()

    def render(self) -> Content:
        return Content(
            "  ".join("■" if place == self._at else self._empty for place in range(_SQUARES))
        )


class Fuse(Widget, inherit_bindings=False):
    """A bar that shows what is left, 1.0 down to 0.0."""

    def __init__(self) -> None:
        super().__init__()
        self._left = 1.0

    def burn(self, left: float) -> None:
        """Show that ``left`` is left."""
        self._left = min(1.0, max(0.0, left))
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def render(self) -> Content:
        width = self.content_size.width
        full = round(width * self._left)
        return Content.assemble(("█" * full, "$brand"), ("░" * (width - full), "$line"))
