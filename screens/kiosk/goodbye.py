"""The two pages with nothing to do on them: take the card out, and no service."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import OutOfService, RemoveCard
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.drawing import Drawing, Way
from screens.widgets.help import HelpBox
from screens.widgets.prose import Prose
from screens.words import waiting as words


class RemoveCardPage(Page, inherit_bindings=False):
    """The card comes out of the reader."""

    def __init__(self, kit: Kit, state: RemoveCard) -> None:
        super().__init__(kit, state)
        self._goodbye = state.goodbye

    def content(self) -> Iterator[Widget]:
        """Say why the visit is over, and show what to do."""
        yield Prose(words.REMOVE_TITLE, "title")
        yield Prose(words.goodbye(self._goodbye), "text paragraph")
        yield Drawing(Way.OUT, motion=self.kit.look.motion)


class OutOfServicePage(Page, inherit_bindings=False):
    """Nobody can be served; it comes back by itself."""

    def __init__(self, kit: Kit, state: OutOfService) -> None:
        super().__init__(kit, state)
        self._outage = state.outage

    def content(self) -> Iterator[Widget]:
        """Say what is wrong, and where help is meanwhile."""
        yield Prose(words.OUTAGE_TITLE, "title")
        yield Prose(f"{words.outage(self._outage)} {words.OUTAGE_TEXT}", "text paragraph")
        yield HelpBox(self.kit.look)
