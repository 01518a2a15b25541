"""It is done; to be seen from two metres."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.states import Success
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.prose import Prose
from screens.widgets.tick import Tick
from screens.words import choices as words
from screens.words import frame


class SuccessPage(Page, inherit_bindings=False):
    """A great tick on a card of its own colour."""

    mood = "-done"

    def __init__(self, kit: Kit, state: Success) -> None:
        super().__init__(kit, state)
        self._done = state

    def content(self) -> Iterator[Widget]:
        """Say what was done, and that the card may come out."""
        title, text = words.success(self._done.purpose, self._done.counts_in_s)
        yield Tick(roomy=self.shape.is_roomy)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield Prose(words.SUCCESS_NEXT, "strong")
        yield self.actions(primary=self.button(frame.FINISH, self.leave, primary=True))
