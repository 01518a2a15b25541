"""Work that takes a while: a bar says how far it is, and Escape stops it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from kiosk.administration.progress import Progress
from kiosk.administration.views.service import Written
from kiosk.errors import AdministrationError, StoreError
from screens.admin import trouble
from screens.admin.dialogs.box import Box
from screens.admin.dialogs.dialog import Dialog, DialogButton
from screens.admin.page import ACTING
from screens.widgets.prose import Note, Prose

T = TypeVar("T")

_TICK_S = 0.1
_DONE, _AHEAD = "█", "░"
_STOPPING = "Stopping…"
_AWAY = "The database does not answer. Try again in a moment."


class Stopped(Exception):
    """Goes through the work, out of its progress, when somebody stopped it."""


class Gauge(Widget, inherit_bindings=False):
    """A bar with its part of a hundred in words."""

    def __init__(self) -> None:
        super().__init__(classes="gauge")
        self._part = 0.0

    def show(self, part: float) -> None:
        """Show a part of one."""
        self._part = min(max(part, 0.0), 1.0)
        self.refresh()

    def render(self) -> Content:
        """Draw it."""
        room = max(0, self.content_size.width - 6)
        filled = int(room * self._part)
        return Content.assemble(
            (_DONE * filled, "$brand"),
            (_AHEAD * (room - filled), "$quiet"),
            f"{int(self._part * 100):4} %",
        )


class LongWork(Dialog[T]):
    """Does ``call`` on a thread; closes with what it returned, or with None when stopped.

    ``far`` says how far it is, of done and total. Stopping is harmless at any moment: the
    work leaves nothing behind. One that ``changes`` something is finished before the
    application ends. What the desk refuses stays to be read.
    """

    AUTO_FOCUS = "Button"

    def __init__(
        self,
        title: str,
        sentence: str,
        call: Callable[[Progress], T],
        far: Callable[[int, int], str],
        *,
        changes: bool = False,
    ) -> None:
        super().__init__()
        self._heading = title
        self._sentence = sentence
        self._call = call
        self._far = far
        self._changes = changes
        self._told = (0, 0)
        self._stop = threading.Event()
        self._over = False
        self._gauge = Gauge()
        self._how_far = Prose("", "quiet")
        self._note = Note(None)
        self._button = DialogButton("Stop", "stop")

    def compose(self) -> ComposeResult:
        """Title, sentence, bar, how far, and the way out."""
        with Box():
            yield Prose(self._heading, classes="title")
            yield Prose(self._sentence, classes="sentence")
            yield self._gauge
            yield self._how_far
            yield self._note
            with Horizontal(classes="buttons"):
                yield self._button
                yield Prose("Esc", classes="keys")

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(_TICK_S, self._look)
        self.run_worker(self._work(), group=ACTING if self._changes else "work")

    def on_unmount(self) -> None:
        """Let nothing go on that only wanted to look."""
        if not self._changes:
            self._stop.set()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Stop, or close."""
        event.stop()
        self.action_cancel()

    def action_cancel(self) -> None:
        """Stop it; close once it is over."""
        if self._over:
            self.dismiss(None)
        else:
            self._stop.set()
            self._button.relabel(_STOPPING)

    async def _work(self) -> None:
        try:
            answer = await asyncio.to_thread(self._call, self._progress)
        except Stopped:
            self.dismiss(None)
        except (AdministrationError, StoreError) as error:
            self._refused(error)
        else:
            self.dismiss(answer)

    def _progress(self, done: int, total: int) -> None:
        """Note how far it is; called on the thread of the work."""
        if self._stop.is_set():
            raise Stopped
        self._told = done, total

    def _look(self) -> None:
        done, total = self._told
        if total:
            self._gauge.show(done / total)
            self._how_far.say(self._far(done, total))

    def _refused(self, error: trouble.Refusal) -> None:
        self._over = True
        away = isinstance(error, StoreError) and not self._changes
        told = _AWAY if away else trouble.told(error)
        self._note.say("\n".join((told, *trouble.changes(error))))
        self._button.relabel("Close")


def rows_far(done: int, total: int) -> str:
    """Say how many rows are done."""
    return f"{done:,} of {total:,} {'row' if total == 1 else 'rows'}"


def written_words(written: Written) -> str:
    """Say what was written, and where."""
    rows = "1 row is" if written.rows == 1 else f"{written.rows:,} rows are"
    return f"{rows} in {written.path}."


def bytes_far(done: int, total: int) -> str:
    """Say how much of a file is done."""
    return f"{size_of(done)} of {size_of(total)}"


def size_of(size: int) -> str:
    """Write a file's size: ``640 bytes``, ``18 kB``, ``2.4 MB``."""
    if size < 1000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:,.1f} MB"
