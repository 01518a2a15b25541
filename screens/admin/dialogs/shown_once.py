"""A dialog that shows a secret once, until it is closed or the secret is no longer valid."""

from __future__ import annotations

from datetime import datetime

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from screens.admin.dialogs.dialog import Box, Dialog
from screens.admin.times import Times
from screens.widgets.prose import Prose, forget_texts

_TICK_S = 1.0
_SURE = "It cannot be shown again. Escape again closes this."


class ShownOnce(Dialog[None]):
    """Enter does not close it: a second press of the Enter that made the secret would.

    Escape asks first. The secret is deleted when this is closed. Subclasses show it by ``secret``,
    ``put_up`` and ``take_down``.
    """

    AUTO_FOCUS = ""

    def __init__(
        self,
        heading: str,
        read_out: str,
        *,
        terms: str,
        how_long: str,
        over: str,
        expires_at: datetime,
        reference: str,
        times: Times,
    ) -> None:
        super().__init__()
        self._heading = heading
        self._reference = reference
        self._how_long = how_long
        self._over = over
        self._expires_at = expires_at
        self._times = times
        self._is_up = True
        self._read_out = Prose(read_out, "sentence")
        self._terms = Prose(terms, "sentence")
        self._life = Prose("", "code-life")

    def secret(self) -> ComposeResult:
        raise NotImplementedError

    def put_up(self) -> None:
        raise NotImplementedError

    def take_down(self) -> None:
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Box():
            yield Prose(self._heading, classes="title")
            yield self._read_out
            yield from self.secret()
            yield self._life
            yield self._terms
            yield Prose(f"Reference {self._reference}")
            yield self._note
            with Horizontal(classes="buttons"):
                yield Button("Close", compact=True)
                yield Prose("Esc", classes="keys")

    def on_mount(self) -> None:
        self.put_up()
        self._update_life()
        self.set_interval(_TICK_S, self._update_life)

    @property
    def touched(self) -> bool:
        """Whether there is a secret that would be lost."""
        return self._is_up

    def warn(self, text: str) -> None:
        """Say what would be lost, whatever would end this."""
        self._note.say(_SURE)

    def action_cancel(self) -> None:
        """Close, the second time."""
        if self.touched and not self._note.display:
            self._note.say(_SURE)
        else:
            self._close()

    def on_key(self, event: events.Key) -> None:
        """Cancel the question."""
        if event.key != "escape":
            self._note.say("")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._close()

    def _update_life(self) -> None:
        if not self._is_up:
            return
        left = self._times.left(self._expires_at)
        if self._times.now() < self._expires_at:
            until = self._times.clock(self._expires_at)
            self._life.say(f"{self._how_long} {until} ({left} left).")
        else:
            self.end(self._over)

    def says(self, terms: str, how_long: str, expires_at: datetime) -> None:
        """Say anew on what terms the secret works, and how long."""
        self._terms.say(terms)
        self._how_long, self._expires_at = how_long, expires_at
        self._update_life()

    def end(self, because: str) -> None:
        """Replace the secret by the message that it is no longer valid."""
        self._forget()
        self._read_out.display = self._terms.display = False
        self._life.say(because)

    def _forget(self) -> None:
        self._is_up = False
        self.take_down()
        forget_texts()

    def _close(self) -> None:
        self._forget()
        self.dismiss()
