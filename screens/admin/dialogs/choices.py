"""Ready answers below a field."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.widgets.prose import printable

_CHOSEN, _OTHER = "►", "·"


class Choices(Widget, inherit_bindings=False):
    """One row each; a click picks it, the chosen one is marked."""

    def __init__(
        self, choices: tuple[str, ...], chosen: Callable[[str], None], now: str = ""
    ) -> None:
        super().__init__(classes="entry-choices")
        self._choices = choices
        self._chosen = chosen
        self._now = now

    def mark(self, text: str) -> None:
        """Mark the one that is ``text``, if one is."""
        self._now = text
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row each."""
        return len(self._choices)

    def render(self) -> Content:
        """Show all."""
        return Content("\n").join(self._row(choice) for choice in self._choices)

    def _row(self, choice: str) -> Content:
        if choice == self._now:
            return Content.assemble((f"{_CHOSEN} {printable(choice)}", "bold $brand"))
        return Content(f"{_OTHER} {printable(choice)}")

    def on_click(self, event: events.Click) -> None:
        """Pick a row."""
        event.stop()
        if 0 <= event.y < len(self._choices):
            self._chosen(self._choices[event.y])
