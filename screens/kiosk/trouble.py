"""The authority gave no answer; the same can be tried again."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.events import TriedAgain
from kiosk.station.states import Trouble
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.prose import Prose
from screens.words import choices as words
from screens.words import frame, pad


class TroublePage(Page, inherit_bindings=False):
    """What happened, and a button that tries again."""

    def __init__(self, kit: Kit, state: Trouble) -> None:
        super().__init__(kit, state)
        self._text = pad.AWAY if state.work.on_pad else words.TROUBLE_TEXT

    def content(self) -> Iterator[Widget]:
        """Say it."""
        yield Prose(words.TROUBLE_TITLE, "title")
        yield Prose(self._text, "text paragraph")
        yield Prose(words.TROUBLE_HELP)
        again = self.button(frame.TRY_AGAIN, self._try_again, primary=True)
        yield self.actions(self.stop_button(), primary=again)

    def _try_again(self) -> None:
        self.report(TriedAgain(self.visit))
