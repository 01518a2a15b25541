"""Confirm that the card is one's own. Enter alone does not: it has to be chosen."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.station.events import Confirmed
from kiosk.station.states import ConfirmOwner
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.prose import Prose
from screens.words import choices as words


class ConfirmOwnerPage(Page, inherit_bindings=False):
    """Whose card it is, and what unlocking another's can lead to."""

    def __init__(self, kit: Kit, state: ConfirmOwner) -> None:
        super().__init__(kit, state)
        self._holder = state.visit.holder_name

    def content(self) -> Iterator[Widget]:
        """Ask."""
        yield Prose(words.OWNER_TITLE, "title")
        yield Prose(words.OWNER_TEXT)
        yield Prose(self._holder, "name")
        yield Prose(words.OWNER_WARNING)
        yield Prose(words.OWNER_HINT, "lead hint")
        not_me = self.not_me_button()
        not_me.add_class("-line")
        yield not_me
        yes = self.button(words.OWNER_YES, self._confirm, primary=True)
        yield self.actions(self.stop_button(words.OWNER_NO), primary=yes)
        self.ring.add(not_me)

    def enter(self) -> None:
        """Press only what was chosen: a second Enter from the menu must not confirm."""
        if self.ring.chosen is not None:
            self.ring.chosen.press()

    def _confirm(self) -> None:
        self.report(Confirmed(self.visit))
