"""A session that nobody sits at is closed: first a warning, then the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from screens.admin.dialogs.dialog import Dialog
from screens.widgets.prose import Prose

WARNING_S = 30.0
"""How long the warning is up."""


@dataclass(slots=True)
class Idle:
    """Knows how long nobody did anything; seconds by ``now``, which only moves on."""

    after_s: float
    now: Callable[[], float]
    since: float = 0.0

    def touched(self) -> None:
        """Begin anew: somebody is there."""
        self.since = self.now()

    @property
    def left_s(self) -> float:
        """Seconds until the session closes; not below zero."""
        return max(0.0, self.since + self.after_s - self.now())

    @property
    def warns(self) -> bool:
        """Whether it is time to warn."""
        return self.left_s <= min(WARNING_S, self.after_s / 2)


class StillThere(Dialog[None]):
    """Says how long it is until the session closes; any key or click goes on."""

    def __init__(self, idle: Idle) -> None:
        super().__init__()
        self._idle = idle
        self._text = Prose("")

    def compose(self) -> ComposeResult:
        """Say what happens, and how to stop it."""
        with Vertical(classes="box"):
            yield Prose("Are you still there?", classes="title")
            yield self._text
            yield Prose("Press any key to go on.", classes="keys")

    def on_mount(self) -> None:
        """Count down."""
        self.tell()

    def tell(self) -> None:
        """Say how long it is now."""
        left = math.ceil(self._idle.left_s)
        self._text.say(
            f"You are logged out in {left} s. What was not sent is lost."
            if left
            else "You are logged out as soon as what is under way is done."
        )

    def on_key(self, event: events.Key) -> None:
        """Go on; the key does nothing else."""
        event.stop()
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        """Go on."""
        event.stop()
        self.dismiss()
