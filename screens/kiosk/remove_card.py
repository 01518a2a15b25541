"""Nothing but to take the card out."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import RemoveCard
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.drawing import Drawing, Way
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
