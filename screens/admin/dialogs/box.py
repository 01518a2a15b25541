"""The box of a dialog."""

from __future__ import annotations

from textual import events
from textual.containers import Vertical
from textual.geometry import Size

from screens.admin.fit import fit


class Box(Vertical):
    """Shows its children whole, but for the one of class ``fields``, which scrolls.

    That one gets the rows that the others leave of the screen: the buttons always show.
    """

    def __init__(self) -> None:
        super().__init__(classes="box")

    def watch_virtual_size(self, _size: Size) -> None:
        """Share the rows out anew when something in it has grown."""
        self.call_later(self._fit)

    def on_resize(self, _event: events.Resize) -> None:
        """Share the rows out anew."""
        self._fit()

    def _fit(self) -> None:
        for fields in self.query_children(".fields"):
            fit(fields, self.screen.size.height - self.gutter.height)
