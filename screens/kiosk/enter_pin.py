"""Enter the PIN that the card knows."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.sensitive import Sensitive
from kiosk.station.events import PinEntered
from kiosk.station.states import EnterPin
from screens.kiosk.digits_page import DigitsPage
from screens.kiosk.kit import Kit
from screens.widgets.cells import Cells
from screens.widgets.prose import Note, Prose
from screens.words import pin as words

_SHORTEST, _LONGEST = 4, 8
"""What cards of this kind can hold; whether it is the right PIN, the card says."""


class EnterPinPage(DigitsPage, inherit_bindings=False):
    """Dots in eight cells."""

    def __init__(self, kit: Kit, state: EnterPin) -> None:
        cells = Cells(_SHORTEST, _LONGEST, kit.look.glyphs.dot)
        super().__init__(kit, state, _title(state), cells)
        self._state = state

    def beside(self) -> Iterator[Widget]:
        """Say why, or what was wrong."""
        if self._state.wrong:
            yield Note(words.wrong(self._state.tries_left))
        elif self._state.visit.unlocked:
            yield Prose(words.UNLOCKED_TEXT)
        else:
            yield Prose(words.enter_text(self._state.visit.purpose))
        yield self.cells

    def submitted(self, digits: Sensitive) -> None:
        """Report the PIN."""
        self.report(PinEntered(self.visit, digits))


def _title(state: EnterPin) -> str:
    return words.ENTER_NEW_TITLE if state.visit.unlocked else words.ENTER_TITLE
