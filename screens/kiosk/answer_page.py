"""What the two pages on which answers are written have in common: hiding and showing them."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events

from kiosk.policy.answers import MAX_ANSWER
from kiosk.sensitive import Sensitive
from kiosk.station.events import AnswerEntered, WentBack
from kiosk.station.states import AskQuestion, GiveAnswer
from screens.kiosk.kit import Kit
from screens.kiosk.text_page import TextPage
from screens.widgets.button import BigButton
from screens.widgets.field import Field
from screens.widgets.keyboard import answer_keys
from screens.words import frame
from screens.words import questions as words


class AnswerPage(TextPage, inherit_bindings=False):
    """Starts hidden or shown as the subclass says, then as the holder chose in this visit."""

    def __init__(self, kit: Kit, state: GiveAnswer | AskQuestion, *, shown: bool) -> None:
        chosen = kit.comfort.answers_shown
        self._shown = shown if chosen is None else chosen
        field = Field(MAX_ANSWER, kit.look.glyphs.dot, shown=self._shown)
        super().__init__(kit, state, field, answer_keys())
        self._toggle = self.button(words.toggle(self._shown), self._show_or_hide)

    def others(self) -> Iterator[BigButton]:
        """Stop, go back where there is something to go back to, show or hide."""
        yield self.stop_button()
        if self.can_go_back():
            yield self.button(frame.BACK, self._go_back)
        yield self._toggle

    def can_go_back(self) -> bool:
        """Say whether there is a page before this one in the step."""
        return True

    def takes(self, event: events.Key) -> bool:
        """Take F3 beside the characters."""
        if event.key == "f3":
            self._show_or_hide()
            return True
        return super().takes(event)

    def submitted(self, text: str) -> None:
        """Report the answer."""
        self.report(AnswerEntered(self.visit, Sensitive(text)))

    def _go_back(self) -> None:
        self.report(WentBack(self.visit))

    def _show_or_hide(self) -> None:
        self._shown = not self._shown
        self.kit.comfort.answers_shown = self._shown
        self.field.show(self._shown)
        self._toggle.relabel(words.toggle(self._shown))
