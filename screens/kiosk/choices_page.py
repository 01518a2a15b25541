"""Pages on which one of several is chosen: by touch, by number, or with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.containers import Vertical

from screens.kiosk.page import Page
from screens.widgets.button import Choice


class ChoicesPage(Page, inherit_bindings=False):
    """Subclasses make the choices and give them to ``listed``."""

    choices: Sequence[Choice] = ()

    def listed(self, choices: Sequence[Choice]) -> Vertical:
        """Return the list; its rows come before the other buttons."""
        self.choices = choices
        self.ring.add(*choices)
        return Vertical(*choices, classes="choices")

    def takes(self, event: events.Key) -> bool:
        """Take a number as a choice."""
        if event.key in "123456789" and len(event.key) == 1:
            place = int(event.key) - 1
            if place < len(self.choices):
                self.choices[place].press()
            return True
        return False
