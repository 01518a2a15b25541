"""Enter the number of a notice: what it tells of was not done by the holder."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.sensitive import Sensitive
from kiosk.station.events import StopNumberEntered
from kiosk.station.states import StopNumberEntry
from screens.kiosk.digits_page import DigitsPage
from screens.kiosk.kit import Kit
from screens.widgets.cells import Cells
from screens.widgets.prose import Note, Prose
from screens.words import choices as words


class StopNumberEntryPage(DigitsPage, inherit_bindings=False):
    """The cells, where the number stands and what it does."""

    def __init__(self, kit: Kit, state: StopNumberEntry) -> None:
        digits = state.task.digits
        super().__init__(kit, state, words.STOP_TITLE, Cells(digits, digits, None))
        self._state = state

    def beside(self) -> Iterator[Widget]:
        """Say what the number is, or that it was wrong."""
        if self._state.wrong:
            yield Note(words.stop_number_wrong(self._state.task.tries_left))
        else:
            yield Prose(words.STOP_TEXT)
        yield self.cells

    def submitted(self, digits: Sensitive) -> None:
        """Report the number."""
        self.report(StopNumberEntered(self.visit, digits))
