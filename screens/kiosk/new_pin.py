"""Choose a new PIN, and enter it a second time."""

from __future__ import annotations

from collections.abc import Iterator

from textual.widget import Widget

from kiosk.sensitive import Sensitive
from kiosk.station.events import PinEntered, WentBack
from kiosk.station.states import NewPin, RepeatPin
from screens.kiosk.digits_page import DigitsPage
from screens.kiosk.kit import Kit
from screens.widgets.button import BigButton
from screens.widgets.cells import Cells
from screens.widgets.prose import Note, Prose
from screens.widgets.rules import Rules
from screens.words import frame
from screens.words import pin as words


class NewPinPage(DigitsPage, inherit_bindings=False):
    """The rules tick themselves off; the PIN leaves the page only when all are kept."""

    def __init__(self, kit: Kit, state: NewPin) -> None:
        cells = Cells(state.rules.min_length, state.rules.max_length, kit.look.glyphs.dot)
        super().__init__(kit, state, words.NEW_TITLE, cells)
        self._trouble = state.trouble
        self._rules = Rules(state.rules, kit.look.glyphs)

    def beside(self) -> Iterator[Widget]:
        """Say why another is needed, where one is; then the cells and the rules."""
        if self._trouble is not None:
            yield Note(words.trouble(self._trouble))
        yield self.cells
        yield self._rules

    def ready(self) -> bool:
        """Every rule has to be kept."""
        return self._rules.all_kept

    def changed(self) -> None:
        """Judge what is typed so far."""
        self._rules.judge(self.cells.digits)

    def submitted(self, digits: Sensitive) -> None:
        """Report the PIN."""
        self.report(PinEntered(self.visit, digits))


class RepeatPinPage(DigitsPage, inherit_bindings=False):
    """The same cells again; whether it is the same PIN, the station says."""

    def __init__(self, kit: Kit, state: RepeatPin) -> None:
        cells = Cells(state.rules.min_length, state.rules.max_length, kit.look.glyphs.dot)
        super().__init__(kit, state, words.REPEAT_TITLE, cells)

    def beside(self) -> Iterator[Widget]:
        """Say why it is asked for again."""
        yield Prose(words.REPEAT_TEXT)
        yield self.cells

    def others(self) -> Iterator[BigButton]:
        """Stop, or choose another PIN after all."""
        yield self.stop_button()
        yield self.button(frame.BACK, self._go_back)

    def submitted(self, digits: Sensitive) -> None:
        """Report the PIN."""
        self.report(PinEntered(self.visit, digits))

    def _go_back(self) -> None:
        self.report(WentBack(self.visit))
