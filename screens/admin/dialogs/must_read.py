"""Something that has to be read before one goes on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from screens.admin.dialogs.box import Box
from screens.admin.dialogs.dialog import Dialog, DialogButton
from screens.widgets.prose import Prose


class MustRead(Dialog[None]):
    """A title, a sentence and, where there are any, lines; Enter or Escape closes it."""

    AUTO_FOCUS = "Button"

    def __init__(self, title: str, sentence: str, lines: Sequence[str] = ()) -> None:
        super().__init__()
        self._heading = title
        self._sentence = sentence
        self._list = tuple(lines)

    def compose(self) -> ComposeResult:
        """Show it all; a long list scrolls."""
        with Box():
            yield Prose(self._heading, classes="title")
            yield Prose(self._sentence, classes="sentence")
            with VerticalScroll(can_focus=False, classes="fields"):
                for line in self._list:
                    yield Prose(f"• {line}")
            with Horizontal(classes="buttons"):
                yield DialogButton("OK", "go")
                yield Prose("Enter", classes="keys")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close."""
        event.stop()
        self.dismiss()
