"""What every dialog is: a box over the page, which takes the keys that are typed right away."""

from __future__ import annotations

import asyncio
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Button

T = TypeVar("T")


class DialogButton(Button):
    """A button of one row; it can be pressed again at once."""

    def __init__(self, label: str, name: str, *, danger: bool = False) -> None:
        super().__init__(label, id=name, compact=True, classes="-danger" if danger else "")
        self.active_effect_duration = 0

    def relabel(self, label: str) -> None:
        """Say something else, in the room that takes."""
        self.label = label
        self.refresh(layout=True)


class Dialog(ModalScreen[T]):
    """Closes with an answer, or with None where it was cancelled.

    A key that is typed before the dialog has its focus is not lost: the application
    waits for ``ready`` before it passes a key on.
    """

    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self) -> None:
        super().__init__(classes="dialog")
        self.ready = asyncio.Event()

    @property
    def touched(self) -> bool:
        """Whether something was typed that would be lost."""
        return False

    def warn(self, text: str) -> None:
        """Say something that needs no answer."""

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def on_screen_resume(self) -> None:
        """Be ready once the focus, which Textual sets after this, is there."""
        self.call_later(self.ready.set)
