"""Pages on which text is written: a field, and letters for fingers below it."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.widget import Widget

from kiosk.station.states import State
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.button import BigButton
from screens.widgets.field import Field
from screens.widgets.keyboard import ERASE, Keyboard, Row
from screens.words import frame as words


class TextPage(Page, inherit_bindings=False):
    """Subclasses give what stands above the field, and what becomes of the text."""

    def __init__(self, kit: Kit, state: State, field: Field, keys: tuple[Row, ...]) -> None:
        super().__init__(kit, state)
        self.field = field
        self._keys = keys

    def content(self) -> Iterator[Widget]:
        """Lay out head, field, keyboard and buttons."""
        touch = self.kit.look.touch
        self.set_class(not touch, "-keys-only")
        yield from self.head()
        yield self.field
        if touch:
            yield Keyboard(self._keys, self._typed)
        go = self.button(self.go_label(), self._submit, primary=True)
        yield self.actions(*self.others(), primary=go)
        self._text_changed()

    def head(self) -> Iterator[Widget]:
        """Yield what stands above the field."""
        raise NotImplementedError

    def go_label(self) -> str:
        """Name the primary button."""
        return words.CONTINUE

    def others(self) -> Iterator[BigButton]:
        """Yield the buttons beside the primary one."""
        yield self.stop_button()

    def submitted(self, text: str) -> None:
        """Report the text; it is no longer in the page."""
        raise NotImplementedError

    def takes(self, event: events.Key) -> bool:
        """Take characters and Backspace wherever the choice of buttons is."""
        if event.key in ("backspace", "delete"):
            self._typed(ERASE)
            return True
        return bool(event.character) and event.is_printable and self._typed(event.character or "")

    def _typed(self, key: str) -> bool:
        if key == ERASE:
            self.field.erase()
        elif not self.field.type(key):
            return False
        self.ring.choose(None)
        self._text_changed()
        return True

    def _text_changed(self) -> None:
        if self.primary is not None:
            self.primary.relabel(self.primary.label, enabled=not self.field.empty)

    def _submit(self) -> None:
        if not self.field.empty:
            self.submitted(self.field.take())
            self._text_changed()
