"""The base of all dialogs, and those of every page: to be read, long work, a secret shown once.

A dialog is a box over the page, which gets the next keys at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, ProgressBar

from kiosk.authority.administration.views import Progress, Written
from kiosk.authority.errors import AdministrationError, NotStaff, StoreError
from kiosk.authority.wording import numbered
from kiosk.contract.sensitive import Sensitive
from screens.admin.refusals import DeskRefused, explanation
from screens.admin.times import Times
from screens.admin.widgets import AdminScreen, TextScroll, size_classes
from screens.widgets.prose import Note, Prose, forget_texts, printable
from screens.words.staff.refusals import change_lines

# The box of a dialog.

ACTING = "act"
"""The group of workers that change something: the application never ends while one runs."""

_LEAST_ROWS = 3
"""Rows that the scrolling part keeps in any case."""


class Box(Vertical):
    """Shows its children whole; that of class ``fields`` scrolls, so the buttons always show."""

    def __init__(self) -> None:
        super().__init__(classes="box")

    def watch_virtual_size(self, _size: Size) -> None:
        """Distribute the rows again when a child has grown."""
        self.call_later(self._fit)

    def on_resize(self, _event: events.Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        for fields in self.query_children(".fields"):
            others = sum(
                part.outer_size.height + part.styles.margin.height
                for part in fields.siblings
                if part.display
            )
            rows = self.screen.size.height - self.gutter.height - others
            fields.styles.max_height = max(_LEAST_ROWS, rows)


T = TypeVar("T")


class DialogButton(Button):
    """A button of one row; it can be pressed again at once."""

    def __init__(self, label: str, name: str, *, danger: bool = False) -> None:
        super().__init__(label, id=name, compact=True, classes="-danger" if danger else "")
        self.active_effect_duration = 0

    def relabel(self, label: str) -> None:
        """Change its label, in the room that the new one takes."""
        self.label = label
        self.refresh(layout=True)


class Dialog(AdminScreen[T], ModalScreen[T]):
    """Closes with an answer, or with None where it was cancelled.

    A key that is typed before the dialog has its focus is not lost: the application waits for
    ``ready`` before it passes a key on.
    """

    AUTO_FOCUS = "*"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self, title: str = "", sentence: str = "") -> None:
        super().__init__(classes="dialog")
        self.ready = asyncio.Event()
        self._answered = False
        self._answer: T | None = None
        self._heading = Prose(title, "title")
        self._sentence = Prose(sentence, "sentence")
        self._sentence.display = bool(sentence)
        self._note = Note(None)

    def compose(self) -> ComposeResult:
        self.add_class(*size_classes(self.app.size), update=False)
        with Box():
            yield self._heading
            yield self._sentence
            yield from self.content()
            yield self._note
            yield Horizontal(*self.buttons(), classes="buttons")

    def content(self) -> Iterator[Widget]:
        raise NotImplementedError

    def buttons(self) -> Iterator[Widget]:
        """Yield the buttons, and the keys for them."""
        raise NotImplementedError

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "go":
            self.action_go()
        else:
            self.action_cancel()

    def action_go(self) -> None:
        self.action_cancel()

    @property
    def touched(self) -> bool:
        """Whether something was typed that would be lost."""
        return False

    def warn(self, text: str) -> None:
        """Show a message that needs no answer."""
        self._note.say(text)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close, under another dialog once that is closed: Textual closes whichever is on top."""
        if self.app.screen is self:
            return super().dismiss(result)
        self._answered, self._answer = True, result
        return AwaitComplete()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Set ``ready`` once the focus, which Textual sets after this, is there."""
        if self._answered:
            event.prevent_default()
            self.dismiss(self._answer)
        else:
            self.call_later(self.ready.set)


class MustRead(Dialog[None]):
    AUTO_FOCUS = "Button"

    def __init__(self, title: str, sentence: str, lines: Sequence[str] = ()) -> None:
        super().__init__(title, sentence)
        self._lines = [Prose(f"• {line}") for line in lines]

    def content(self) -> Iterator[Widget]:
        yield VerticalScroll(*self._lines, can_focus=False, classes="fields")

    def buttons(self) -> Iterator[Widget]:
        yield DialogButton("OK", "go")
        yield Prose("Enter", classes="keys")


Line = str | Content | Widget


class Listing(Dialog[bool]):
    """Lines to be read, however many; closes with True by its ``button``, else with None."""

    AUTO_FOCUS = "TextScroll"
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
        super().__init__(title, sentence)
        self._heading.set_class(wrong, "-wrong")
        self._lines = [
            line if isinstance(line, Widget) else Prose(line, classes="line") for line in lines
        ]
        self._go = DialogButton(button, "go") if button else None
        self._close = DialogButton("Cancel" if button else "Close", "cancel" if button else "go")

    def content(self) -> Iterator[Widget]:
        yield TextScroll(*self._lines, classes="fields")

    def buttons(self) -> Iterator[Widget]:
        if self._go is not None:
            yield self._go
        yield self._close
        yield Prose("Enter  go on    Esc  cancel" if self._go else "Esc  close", classes="keys")

    def action_go(self) -> None:
        self.dismiss(True if self._go is not None else None)


def named(name: str, value: str, width: int = 12) -> Content:
    """Return a line with a name before it, both shown literally."""
    return Content.assemble((f"{name:<{width}}", "$quiet"), printable(value))


# Long work: a bar shows the progress, and Escape stops it.

_TICK_S = 0.1


class Stopped(Exception):
    """Raised through the work, out of its progress, when somebody stopped it."""


class LongWork(Dialog[T]):
    """Does ``call`` on a thread; closes with what it returned, or with None when stopped.

    ``far`` formats the progress from done and total. Stopping is harmless at any moment: the work
    leaves nothing behind. Work that ``changes`` something is finished before the application ends.
    A refusal of the desk stays on the screen.
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
        super().__init__(title, sentence)
        self._call = call
        self._far = far
        self._changes = changes
        self._reported = (0, 0)
        self._stop = threading.Event()
        self._over = False
        self._bar = ProgressBar(1, show_eta=False)
        self._how_far = Prose("", "quiet")
        self._button = DialogButton("Stop", "stop")

    def content(self) -> Iterator[Widget]:
        yield self._bar
        yield self._how_far

    def buttons(self) -> Iterator[Widget]:
        yield self._button
        yield Prose("Esc", classes="keys")

    def on_mount(self) -> None:
        self.set_interval(_TICK_S, self._look)
        self.run_worker(self._work(), group=ACTING if self._changes else "work")

    def on_unmount(self) -> None:
        """Stop work that only reads."""
        if not self._changes:
            self._stop.set()

    def warn(self, text: str) -> None:
        if not self._over:
            super().warn(text)

    def action_cancel(self) -> None:
        if self._over:
            self.dismiss(None)
        else:
            self._stop.set()
            self._button.relabel("Stopping…")

    async def _work(self) -> None:
        try:
            answer = await asyncio.to_thread(self._call, self._progress)
        except Stopped:
            self.dismiss(None)
        except NotStaff as error:
            self.post_message(DeskRefused(error, acting=self._changes))
        except (AdministrationError, StoreError) as error:
            self._over = True
            words = explanation(error)
            if not self._changes:
                words = explanation(error, "Try again in a moment.")
            self._note.say("\n".join((words, *change_lines(error))))
            self._bar.display = self._how_far.display = False
            self._button.relabel("Close")
        else:
            self.dismiss(answer)

    def _progress(self, done: int, total: int) -> None:
        """Record the progress; called on the thread of the work."""
        if self._stop.is_set():
            raise Stopped
        self._reported = done, total

    def _look(self) -> None:
        done, total = self._reported
        if total:
            self._bar.update(total=total, progress=done)
            self._how_far.say(self._far(done, total))


def rows_far(done: int, total: int) -> str:
    return f"{done:,} of {numbered(total, 'row')}"


def written_words(written: Written) -> str:
    return f"{numbered(written.rows, 'row is', 'rows are')} in {written.path}."


def bytes_far(done: int, total: int) -> str:
    return f"{size_of(done)} of {size_of(total)}"


def size_of(size: int) -> str:
    """Write a file's size: ``640 bytes``, ``18 kB``, ``2.4 MB``."""
    if size < 1000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:,.1f} MB"


# A secret that is shown once, until it is closed or the secret is no longer valid.

_COUNTDOWN_S = 1.0
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
        self.set_interval(_COUNTDOWN_S, self._update_life)

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

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close, and do not ask."""
        event.prevent_default()
        event.stop()
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
