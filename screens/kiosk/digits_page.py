"""Pages on which digits are entered: cells on the left, a keypad on the right."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from kiosk.sensitive import Sensitive
from kiosk.station.states import State
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.button import BigButton
from screens.widgets.cells import Cells
from screens.widgets.keypad import Keypad
from screens.widgets.prose import Prose
from screens.words import frame as words


class DigitsPage(Page, inherit_bindings=False):
    """Subclasses give the title, what stands beside the cells, and what becomes of the digits."""

    def __init__(self, kit: Kit, state: State, title: str, cells: Cells) -> None:
        super().__init__(kit, state)
        self.cells = cells
        self._title = title

    def content(self) -> Iterator[Widget]:
        """Lay out title, cells and keypad."""
        keypad = (Keypad(self._typed),) if self.kit.look.touch else ()
        left = Vertical(Prose(self._title, "title"), *self.beside(), classes="beside")
        yield Horizontal(left, *keypad, classes="columns")
        go = self.button(words.CONTINUE, self._submit, primary=True)
        yield self.actions(*self.others(), primary=go)
        self._digits_changed()

    def beside(self) -> Iterator[Widget]:
        """Yield what stands in the left column, the cells among it."""
        yield self.cells

    def others(self) -> Iterator[BigButton]:
        """Yield the buttons beside the primary one."""
        yield self.stop_button()

    def submitted(self, digits: Sensitive) -> None:
        """Report the digits; they are no longer in the page."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Say whether the digits may be submitted."""
        return self.cells.complete

    def changed(self) -> None:
        """React to another digit."""

    def takes(self, event: events.Key) -> bool:
        """Take digits and Backspace wherever the choice of buttons is."""
        if event.key in ("backspace", "delete"):
            self._typed("backspace")
            return True
        return bool(event.character) and self._digit(event.character or "")

    def _typed(self, key: str) -> None:
        if key == "clear":
            self.cells.clear()
            self._digits_changed()
        elif key == "backspace":
            self.cells.erase()
            self._digits_changed()
        else:
            self._digit(key)

    def _digit(self, char: str) -> bool:
        taken = self.cells.type(char)
        if taken:
            self.ring.choose(None)
            self._digits_changed()
        return taken

    def _digits_changed(self) -> None:
        self.changed()
        if self.primary is not None:
            self.primary.relabel(self.primary.label, enabled=self.ready())

    def _submit(self) -> None:
        if self.ready():
            self.submitted(self.cells.take())
            self._digits_changed()
