"""Things to press: a big button, and a row of a list."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.widget import Widget

from screens.widgets.prose import printable, spread


class Pressable(Widget, inherit_bindings=False):
    """Something that a touch presses, and a key once it is selected; ``pointer`` marks it."""

    def __init__(
        self, label: str, press: Callable[[], None], pointer: str, classes: str = ""
    ) -> None:
        super().__init__(classes=classes)
        self.label = printable(label)
        self._press = press
        self._pointer = pointer
        self.selected = False
        self.enabled = True

    def press(self) -> None:
        """Do what it is there for, unless it is disabled."""
        if self.enabled:
            self._press()

    def select(self, selected: bool) -> None:
        """Mark it as the one that Enter presses, or not."""
        if self.selected != selected:
            self.selected = selected
            self.set_class(selected, "-selected")
            self.refresh()

    def relabel(self, label: str, enabled: bool = True) -> None:
        """Change its words and whether it can be pressed."""
        if (self.label, self.enabled) != (label, enabled):
            self.label, self.enabled = label, enabled
            self.set_class(not enabled, "-off")
            self.refresh(layout=True)

    def on_click(self, event: events.Click) -> None:
        """Be pressed by a touch."""
        event.stop()
        self.press()

    @property
    def mark(self) -> str:
        """What stands before the label."""
        return self._pointer if self.selected else " "


class BigButton(Pressable, inherit_bindings=False):
    """A button of three rows; one on a page is ``primary``."""

    def __init__(
        self, label: str, press: Callable[[], None], pointer: str, *, primary: bool = False
    ) -> None:
        super().__init__(label, press, pointer, "-primary" if primary else "-secondary")

    def render(self) -> Content:
        """Show the label with room for the mark on both sides, so that nothing moves."""
        return Content(f"{self.mark} {self.label}  ")


class Choice(Pressable, inherit_bindings=False):
    """One row of a list, with the number that selects it and a word on its right."""

    def __init__(
        self, number: int, label: str, press: Callable[[], None], pointer: str, aside: str = ""
    ) -> None:
        super().__init__(label, press, pointer)
        self._number = number
        self._aside = aside

    def render(self) -> Content:
        """Show number, label and what stands at the right; a long label goes on below itself."""
        head = f"{self.mark} {self._number}  "
        width = self.content_size.width
        if self._aside:
            line = spread(head + self.label, self._aside, width)
            return Content(line).stylize("bold", 0, len(head) + len(self.label))
        lines = textwrap.wrap(self.label, max(1, width - len(head))) or [""]
        return Content(head + ("\n" + " " * len(head)).join(lines)).stylize("bold", 0, len(head))
