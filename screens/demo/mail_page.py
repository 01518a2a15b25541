"""The demo's mailbox: one message at a time, over whatever page is up."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.demo.bench import DemoMail

_OLDER = frozenset({"left", "up"})
_NEWER = frozenset({"right", "down"})
_KEYS = "←  older    →  newer    Page Up, Page Down  read    Esc  back to the station"


class MailPage(ModalScreen[None], inherit_bindings=False):
    """Shows the newest message first; any other key than the arrows closes it."""

    BINDINGS: ClassVar[list[object]] = []  # type: ignore[assignment]
    DEFAULT_CSS = """
    MailPage { align: center middle; background: $ink 60%; }
    MailPage > VerticalScroll {
        width: 76; max-width: 100%; height: 100%; background: $paper; color: $ink; padding: 1 2;
    }
    MailPage .keys { color: $quiet; margin-top: 1; }
    """

    def __init__(self, mail: tuple[DemoMail, ...]) -> None:
        super().__init__()
        self._mail = mail
        self._at = len(mail) - 1

    def compose(self) -> ComposeResult:
        """Show one message."""
        with VerticalScroll(can_focus=False):
            yield Static(self._text(), id="message", markup=False)
            yield Static(_KEYS, classes="keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Turn the pages, or go back."""
        event.stop()
        if event.key in _OLDER:
            self._turn(-1)
        elif event.key in _NEWER:
            self._turn(1)
        elif event.key in ("pageup", "pagedown"):
            reader = self.query_one(VerticalScroll)
            (reader.scroll_page_up if event.key == "pageup" else reader.scroll_page_down)()
        else:
            self.dismiss()

    def on_click(self, event: events.Click) -> None:
        """Go back at a touch."""
        event.stop()
        self.dismiss()

    def _turn(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), max(len(self._mail) - 1, 0))
        self.query_one("#message", Static).update(self._text())

    def _text(self) -> str:
        if not self._mail:
            return "No mail yet.\n\nA code arrives here when the station sends one."
        mail = self._mail[self._at]
        head = (
            f"Message {self._at + 1} of {len(self._mail)}\nTo: {mail.to}\nSubject: {mail.subject}"
        )
        return f"{head}\n{'─' * 40}\n{mail.text}"
