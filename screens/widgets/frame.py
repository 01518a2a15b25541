"""The steady frame: the place at the top, and help at the bottom."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from itertools import product

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.theme import Appearance
from screens.widgets.prose import Prose, printable, spread
from screens.words import frame, reasons

# The Registration Authority's contact and hours, and the reference to quote.


class HelpBox(Prose, inherit_bindings=False):
    """Contact, hours and, where there is one, the reference."""

    def __init__(self, look: Appearance, reference: str = "") -> None:
        lines = [
            Content.assemble((printable(look.contact), "bold")),
            Content(printable(look.hours)),
        ]
        if reference:
            lines.append(Content.assemble(f"{reasons.YOUR_REFERENCE} ", (reference, "bold")))
        super().__init__(Content("\n").join(lines), "help")


class TopBar(Widget, inherit_bindings=False):
    """The service's name, the step, and the switch between the two surfaces."""

    def __init__(
        self, look: Appearance, step: str, is_dark: Callable[[], bool], toggle: Callable[[], None]
    ) -> None:
        super().__init__()
        self._look = look
        self._step = step
        self._is_dark = is_dark
        self._toggle = toggle

    def say(self, step: str) -> None:
        """Change the step; does nothing where it is the same."""
        if step != self._step:
            self._step = step
            self.refresh()

    @property
    def _switch(self) -> str:
        return frame.LIGHT_COLOURS if self._is_dark() else frame.HIGH_CONTRAST

    def render(self) -> Content:
        """Fit in what the width allows: the name and the step before everything else."""
        width = self.content_size.width
        least = self._least
        if self.app.size.width < least.width or self.app.size.height < least.height:
            return Content(frame.too_small(least.width, least.height))
        short = printable(self._look.service)
        full = f"{short}  ·  {printable(self._look.trust)}"
        for name, switch in product((full, short), (self._switch, frame.CONTRAST_SHORT)):
            tail = f"{self._step}   {switch}" if self._step else switch
            if cell_len(name) + cell_len(tail) + 2 <= width:
                break
        line = spread(name, tail, width)
        return Content(line).stylize("bold", 0, len(line) - len(switch))

    @property
    def _least(self) -> Size:
        """Columns and rows that a page needs, with the demo's strip below it."""
        return Size(60, 20 + (self._look.extra_bar.rows if self._look.extra_bar else 0))

    def on_click(self, event: events.Click) -> None:
        """Switch the surface when its corner is touched."""
        event.stop()
        if event.x >= self.size.width - len(self._switch) - 3:
            self._toggle()


class BottomBar(Widget, inherit_bindings=False):
    """Where help is, and the reference number once there is one."""

    def __init__(self, look: Appearance, reference: str) -> None:
        super().__init__()
        self._look = look
        self._reference = reference

    def say(self, reference: str) -> None:
        """Change the reference number."""
        self._reference = reference
        self.refresh()

    def render(self) -> Content:
        """Two lines: the contact, then its hours; or the contact on both where it is long."""
        width = self.content_size.width
        contact = f"{frame.NEED_HELP} {printable(self._look.contact)}"
        if cell_len(contact) <= width:
            reference = f"{frame.REFERENCE} {self._reference}" if self._reference else ""
            second = spread(printable(self._look.hours), reference, width)
            lines = [contact.ljust(width), second]
        else:
            # It stands beside the reference, which takes two lines too.
            right = (frame.REFERENCE, self._reference) if self._reference else ("", "")
            room = width - max(map(cell_len, right)) - 2
            first, *rest = textwrap.wrap(contact, max(20, room))
            left = (first, " ".join(rest))
            lines = [spread(*pair, width) for pair in zip(left, right, strict=True)]
        content = Content("\n".join(lines)).stylize("bold", 0, len(frame.NEED_HELP))
        return content.stylize("bold", len(content) - len(self._reference))
