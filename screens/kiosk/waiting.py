"""The station is busy: say with what, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import Reading, Working
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.drawing import Drawing, Way
from screens.widgets.prose import Prose
from screens.widgets.waiting import Marching
from screens.words import waiting as words


class WaitingPage(Page, inherit_bindings=False):
    """A title, a sentence, squares that march, and a card that stays in."""

    def __init__(self, kit: Kit, state: Reading | Working) -> None:
        super().__init__(kit, state)
        reading = (words.READING_TITLE, words.READING_TEXT)
        self._words = words.work(state.work) if isinstance(state, Working) else reading

    def content(self) -> Iterator[Widget]:
        """Say it."""
        title, text = self._words
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield Marching(self.kit.look.glyphs.empty, motion=self.kit.look.motion)
        yield Drawing(Way.REST, motion=False)
