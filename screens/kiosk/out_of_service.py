"""Nobody can be served, for a while or for good."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import OutOfService
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.help import HelpBox
from screens.widgets.prose import Prose
from screens.words import waiting as words


class OutOfServicePage(Page, inherit_bindings=False):
    """What is wrong, and where help is meanwhile."""

    def __init__(self, kit: Kit, state: OutOfService) -> None:
        super().__init__(kit, state)
        self._outage = state.outage

    def content(self) -> Iterator[Widget]:
        """Say what is wrong, and where help is meanwhile."""
        title, text = words.outage(self._outage)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield HelpBox(self.kit.look)
