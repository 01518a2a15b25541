"""A dialog that shows a secret once, until it is closed or the secret is no longer valid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from textual import events
from textual.widget import Widget
from textual.widgets import Button

from kiosk.contract.sensitive import Sensitive
from screens.admin.dialogs.dialog import Dialog
from screens.admin.times import Times
from screens.widgets.prose import Prose, forget_texts

_TICK_S = 1.0
_SURE = "It cannot be shown again. Escape again closes this."


class ShownOnce(Dialog[None]):
    """Enter does not close it: a second press of the Enter that made the secret would.

    Escape asks first. The secret is deleted when this is closed. Subclasses yield the widgets for
    it in ``for_secret``, which ``show_secret`` fills.
    """

    AUTO_FOCUS = ""

    def __init__(
        self,
        heading: str,
        read_out: str,
        secret: Sensitive,
        *,
        terms: str,
        how_long: str,
        over: str,
        expires_at: datetime,
        reference: str,
        times: Times,
    ) -> None:
        super().__init__(heading, read_out)
        self._secret: Sensitive | None = secret
        self._reference = reference
        self._how_long = how_long
        self._over = over
        self._expires_at = expires_at
        self._times = times
        self._terms = Prose(terms, "sentence")
        self._life = Prose("", "code-life")

    def for_secret(self) -> Iterator[Widget]:
        raise NotImplementedError

    def show_secret(self, secret: str) -> None:
        """Show it; nothing, where it is empty."""
        raise NotImplementedError

    def content(self) -> Iterator[Widget]:
        yield from self.for_secret()
        yield self._life
        yield self._terms
        yield Prose(f"Reference {self._reference}")

    def buttons(self) -> Iterator[Widget]:
        yield Button("Close", compact=True)
        yield Prose("Esc", classes="keys")

    def on_mount(self) -> None:
        if self._secret is not None:
            self.show_secret(self._secret.reveal())
        self._update_life()
        self.set_interval(_TICK_S, self._update_life)

    @property
    def touched(self) -> bool:
        """Whether there is a secret that would be lost."""
        return self._secret is not None

    def warn(self, text: str) -> None:
        """Say what would be lost, whatever would end this."""
        self._note.say(_SURE)

    def action_cancel(self) -> None:
        if self.touched and not self._note.display:
            self._note.say(_SURE)
        else:
            self._close()

    def on_key(self, event: events.Key) -> None:
        if event.key != "escape":
            self._note.say("")

    def pressed(self, button: Button) -> None:
        self._close()

    def _update_life(self) -> None:
        if self._secret is None:
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
        self._sentence.display = self._terms.display = False
        self._life.say(because)

    def _forget(self) -> None:
        self._secret = None
        self.show_secret("")
        forget_texts()

    def _close(self) -> None:
        self._forget()
        self.dismiss()
