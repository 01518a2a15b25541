"""One or more rows of words that can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Zone:
    """Some words at a place, and what a click there does; ``style`` is Textual's."""

    x: int
    y: int
    parts: tuple[tuple[str, str], ...]
    press: Callable[[], None] | None = None

    @property
    def end(self) -> int:
        """The first column after it."""
        return self.x + sum(cell_len(text) for text, _ in self.parts)


class Zones(Widget, inherit_bindings=False):
    """Draws what ``zones`` returns for the width it has."""

    def zones(self, width: int) -> Sequence[Zone]:
        """Return what is drawn, row by row and from left to right."""
        return ()

    def render(self) -> Content:
        """Put the words at their places."""
        zones = self.zones(self.content_size.width)
        rows = range(self.content_size.height)
        return Content("\n").join(_row([z for z in zones if z.y == y]) for y in rows)

    def on_click(self, event: events.Click) -> None:
        """Press what is there."""
        event.stop()
        place = event.get_content_offset(self)
        if place is None:
            return
        for zone in self.zones(self.content_size.width):
            if zone.press and zone.y == place.y and zone.x <= place.x < zone.end:
                zone.press()
                return


def _row(zones: Sequence[Zone]) -> Content:
    row = Content("")
    at = 0
    for zone in zones:
        row = row.append(" " * (zone.x - at))
        for text, style in zone.parts:
            row = row.append(Content.styled(text, style))
        at = zone.end
    return row
