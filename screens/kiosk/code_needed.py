"""There is no code that could be entered; ask for one."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.events import CodeAsked
from kiosk.station.states import CodeNeeded
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.prose import Prose
from screens.words import email as words

_TICK_S = 1.0


class CodeNeededPage(Page, inherit_bindings=False):
    """Why, where the next one goes, and a button that waits until it may be asked for."""

    def __init__(self, kit: Kit, state: CodeNeeded) -> None:
        super().__init__(kit, state)
        self._state = state
        self._since = kit.now()
        self._again = self.button("", self._ask, primary=True)

    def content(self) -> Iterator[Widget]:
        """Say what happened and what comes next."""
        title, text = words.lack(self._state.lack)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield Prose(words.next_to(self._state.masked))
        yield self.actions(self.stop_button(), primary=self._again)
        self._count_down()

    def on_mount(self) -> None:
        """Begin to count down."""
        self.set_interval(_TICK_S, self._count_down)

    def _count_down(self) -> None:
        wait = self._state.retry_in_s - (self.kit.now() - self._since)
        self._again.relabel(words.resend(wait), enabled=wait <= 0)

    def _ask(self) -> None:
        self.report(CodeAsked(self.visit))
