"""Choose what to do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.widget import Widget

from kiosk.dialogue import Purpose
from kiosk.station.events import Chose
from kiosk.station.states import Menu
from screens.kiosk.choices_page import ChoicesPage
from screens.kiosk.kit import Kit
from screens.widgets.button import Choice
from screens.widgets.prose import Prose
from screens.words import choices as words

_MANY = 4


class MenuPage(ChoicesPage, inherit_bindings=False):
    """What the holder can do here, each with the time that it takes."""

    def __init__(self, kit: Kit, state: Menu) -> None:
        super().__init__(kit, state)
        self._state = state

    def content(self) -> Iterator[Widget]:
        """Greet, and list the offers."""
        self.set_class(len(self._state.offers) > _MANY, "-many")
        yield Prose(words.greeting(self._state.visit.holder_name), "lead")
        yield Prose(words.MENU_TITLE, "title")
        yield self.listed([self._choice(*pair) for pair in enumerate(self._state.offers, 1)])
        yield self.actions(self.stop_button(), self.not_me_button())

    def _choice(self, number: int, purpose: Purpose) -> Choice:
        return Choice(
            number,
            words.purpose(purpose),
            partial(self._choose, purpose),
            self.kit.look.glyphs.pointer,
            aside=words.duration(purpose),
        )

    def _choose(self, purpose: Purpose) -> None:
        self.report(Chose(self.visit, purpose))
