"""Lines to be read, however many, with one thing that can be done about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button

from screens.admin.dialogs.box import Box
from screens.admin.dialogs.dialog import Dialog, DialogButton
from screens.widgets.prose import Prose, printable

Line = str | Content


class Listing(Dialog[bool]):
    """Closes with True by its ``button``, else with None; without a button it is only read.

    Up, Down and the paging keys scroll, Enter presses the button.
    """

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "go", show=False)]

    def __init__(
        self,
        title: str,
        sentence: str,
        lines: Sequence[Line],
        *,
        button: str = "",
        wrong: bool = False,
    ) -> None:
        super().__init__()
        self._heading = Prose(title, "title -wrong" if wrong else "title")
        self._sentence = sentence
        self._list = tuple(lines)
        self._go = DialogButton(button, "go") if button else None
        self._close = DialogButton("Cancel" if button else "Close", "cancel" if button else "go")

    def compose(self) -> ComposeResult:
        """Title, sentence, lines, and what can be done."""
        with Box():
            yield self._heading
            if self._sentence:
                yield Prose(self._sentence, classes="sentence")
            with VerticalScroll(classes="fields"):
                for line in self._list:
                    yield Prose(line, classes="line")
            with Horizontal(classes="buttons"):
                if self._go is not None:
                    yield self._go
                yield self._close
                yield Prose(self._keys, classes="keys")

    @property
    def _keys(self) -> str:
        return "Enter  go on    Esc  cancel" if self._go else "Esc  close"

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Go on, or close."""
        event.stop()
        self.action_go() if event.button is self._go else self.action_cancel()

    def action_go(self) -> None:
        """Go on."""
        self.dismiss(True if self._go is not None else None)


def named(name: str, value: str, width: int = 12) -> Content:
    """Return a line with a name before it, both shown as they are."""
    return Content.assemble((f"{name:<{width}}", "$quiet"), printable(value))
