"""One line of a form: its label, what is typed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from screens.admin.dialogs.choices import Choices
from screens.widgets.prose import Prose


@dataclass(frozen=True, slots=True)
class Entry:
    """What is asked for. ``name`` is the one that ``NotTaken`` names.

    ``hint`` stands below it until something is wrong. ``choices`` are ready answers, which
    Up, Down and the mouse pick; another one can be typed unless ``closed``: then a letter
    picks what begins with it. ``check`` says
    what is wrong with a text, or nothing. A ``secret`` is masked, and taken as it was typed:
    it is not stripped.
    """

    name: str
    label: str
    initial: str = ""
    hint: str = ""
    least: int = 1
    most: int = 200
    choices: tuple[str, ...] = ()
    closed: bool = False
    secret: bool = False
    required: bool = True
    check: Callable[[str], str] | None = None

    def problem(self, text: str) -> str:
        """Say what is wrong with ``text``, or nothing."""
        if not text:
            return "This is needed." if self.required else ""
        if len(text) < self.least:
            return f"At least {self.least} characters, please."
        if self.closed and text not in self.choices:
            return "Choose one of these."
        return self.check(text) if self.check else ""


class EntryLine(Vertical):
    """Shows an ``Entry`` and keeps what is typed."""

    class Changed(Message):
        """Something else is typed or chosen now."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(classes="entry", id=f"entry-{entry.name}")
        self.entry = entry
        self.field = PickField(entry) if entry.closed else EntryField(entry)
        self._choices = Choices(entry.choices, self._chosen, entry.initial)
        self._note = Prose(entry.hint, classes="entry-note")

    def compose(self) -> ComposeResult:
        """Label, field, and below them choices and note."""
        with Horizontal(classes="entry-row"):
            yield Prose(self.entry.label, classes="entry-label")
            yield self.field
        if self.entry.choices:
            yield self._choices
        yield self._note

    @property
    def text(self) -> str:
        """What is typed, without spaces at its ends unless it is a secret."""
        return self.field.value if self.entry.secret else self.field.value.strip()

    @property
    def touched(self) -> bool:
        """Whether it differs from what it began with."""
        return self.text != self.entry.initial

    @property
    def complete(self) -> bool:
        """Whether it can be sent."""
        return not self.entry.problem(self.text)

    def check(self) -> bool:
        """Show what is wrong with it; return whether nothing is."""
        self.say(self.entry.problem(self.text))
        return self.complete

    def say(self, problem: str) -> None:
        """Show what is wrong; with an empty text the hint again."""
        self._note.set_class(bool(problem), "-wrong")
        self._note.say(f"! {problem}" if problem else self._hint)

    @property
    def _hint(self) -> str:
        """The hint; of a secret, which is masked, how much of it is typed."""
        length = len(self.text)
        if not self.entry.secret or not length:
            return self.entry.hint
        return "1 character" if length == 1 else f"{length} characters"

    def forget(self) -> None:
        """Empty it: what was typed is not kept by a closed dialog."""
        self.field.value = ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take the complaint back while it is mended."""
        event.stop()
        self.say("")
        self._choices.mark(self.text)
        self.post_message(self.Changed())

    def _chosen(self, text: str) -> None:
        self.field.pick(text)
        self.field.focus()


class EntryField(Input):
    """A field of one row; Up and Down go through its choices."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(
            entry.initial,
            password=entry.secret,
            max_length=entry.most,
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False
        self._entry = entry

    def __repr__(self) -> str:
        return "EntryField(…)"

    def on_key(self, event: events.Key) -> None:
        """Pick the choice above or below."""
        if event.key in ("up", "down") and self._entry.choices:
            event.stop()
            self.pick(self._beside(1 if event.key == "down" else -1))

    def pick(self, choice: str) -> None:
        """Take one of the choices."""
        self.value = choice
        self.cursor_position = len(choice)

    def _beside(self, step: int) -> str:
        choices = self._entry.choices
        if self.value not in choices:
            return choices[0 if step > 0 else -1]
        return choices[(choices.index(self.value) + step) % len(choices)]


class PickField(EntryField):
    """A field that takes its choices and nothing else; it may be emptied if it is not needed."""

    def on_key(self, event: events.Key) -> None:
        """Pick the next choice that begins with what is typed, or empty it."""
        if event.is_printable:
            event.stop()
            event.prevent_default()
            self._pick_by(event.character or "")
        elif event.key in ("backspace", "delete"):
            event.stop()
            event.prevent_default()
            if not self._entry.required:
                self.pick("")

    def on_paste(self, event: events.Paste) -> None:
        """Take no other text."""
        event.stop()
        event.prevent_default()

    def _pick_by(self, letter: str) -> None:
        found = [c for c in self._entry.choices if c.casefold().startswith(letter.casefold())]
        if found:
            after = found.index(self.value) + 1 if self.value in found else 0
            self.pick(found[after % len(found)])
