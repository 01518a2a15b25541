"""It cannot be done here: what happened, what to do now, where help is."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widget import Widget

from kiosk.station.states import Refused
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.help import HelpBox
from screens.widgets.prose import Prose
from screens.words import frame
from screens.words import reasons as words


class RefusedPage(Page, inherit_bindings=False):
    """Calm, and complete: nobody should have to ask what the page meant."""

    mood = "-refused"

    def __init__(self, kit: Kit, state: Refused) -> None:
        super().__init__(kit, state)
        again = (
            frame.time_of_day(state.retry_at, kit.wall_clock(), kit.look.zone)
            if state.retry_at
            else ""
        )
        self._words = words.refusal(state.reason, again)
        self._reference = state.reference
        self._ends_without_menu = words.ends_without_menu(state.reason)

    def content(self) -> Iterator[Widget]:
        """Say it all."""
        said = self._words
        yield Prose(said.title, "title")
        yield Prose(said.happened, "text paragraph")
        todo = Content.assemble((f"{words.TODO_LABEL}\n", "bold"), said.todo)
        yield Prose(todo, "text paragraph todo")
        if self._ends_without_menu:
            yield Prose(words.NOT_ME, "text paragraph todo")
        yield HelpBox(self.kit.look, self._reference)
        yield self.actions(primary=self.button(frame.FINISH, self.leave, primary=True))
