"""A dialog with fields that asks the desk by itself, so that a refusal loses nothing typed.

::

    Form(
        "Correct the name",
        "As it stands on their ID.",
        [Entry("name", "Name", initial=person.name), *grounds_entries(identifies=False)],
        lambda values: desk.people.correct_name(
            self.person.seen, values["name"], grounds_of(values)
        ),
        button="Correct",
    )

A page opens it with ``Page.put``, which also says what was done and shows the page anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Input

from kiosk.errors import AdministrationError, ChangedMeanwhile, NothingThere, NotTaken, StoreError
from screens.admin import trouble
from screens.admin.dialogs.box import Box
from screens.admin.dialogs.dialog import Dialog, DialogButton
from screens.admin.dialogs.entry import Entry, EntryLine
from screens.admin.page import ACTING
from screens.widgets.prose import Note, Prose

T = TypeVar("T")

_THROW_AWAY = "Escape again throws away what you typed. Any other key goes on."
_KEYS = "Enter  next field    Esc  cancel"
_LAST_KEYS = "Enter  send    Esc  cancel"
_UNDER_WAY = "This is under way; a moment, please."


class Form(Dialog[T]):
    """Asks for ``entries`` and hands them, by name, to ``send``, which blocks on a thread.

    It closes with what ``send`` returned, or with None where it was cancelled. Until then:

    - ``NotTaken`` is shown beside the field it names (below the fields where there is no
      such field), what was typed stays, and it can be sent again;
    - ``ChangedMeanwhile`` and ``NothingThere`` say what others did and call ``on_stale``,
      so that the page behind reads anew. ``send`` should look up what it acts on (a
      ``Seen``) when it is called, not before: then sending again decides on what is so now;
    - ``NotPermitted`` and ``StoreError`` are said below the fields.

    Enter goes to the next field, whatever that is, and sends from the last one alone: a
    field that may stay empty is never skipped, or what is typed for it would go into another.
    Escape cancels; where something was typed it asks first. ``danger`` marks what cannot
    be taken back. Fields are emptied when the dialog closes.
    """

    AUTO_FOCUS = "EntryField"

    def __init__(
        self,
        title: str,
        sentence: str,
        entries: Sequence[Entry],
        send: Callable[[Mapping[str, str]], T],
        *,
        button: str,
        danger: bool = False,
    ) -> None:
        super().__init__()
        self.on_stale: Callable[[], None] | None = None
        self._heading = title
        self._sentence = sentence
        self._send = send
        self._lines = [EntryLine(entry) for entry in entries]
        self._note = Note(None)
        self._go = DialogButton(button, "go", danger=danger)
        self._cancel = DialogButton("Cancel", "cancel")
        self._keys = Prose(_KEYS, classes="keys")
        self._label = button
        self._armed = False
        self._sending = False

    def compose(self) -> ComposeResult:
        """Title, sentence, fields, note, buttons."""
        with Box():
            yield Prose(self._heading, classes="title")
            yield Prose(self._sentence, classes="sentence")
            with VerticalScroll(can_focus=False, classes="fields"):
                yield from self._lines
            yield self._note
            with Horizontal(classes="buttons"):
                yield self._go
                yield self._cancel
                yield self._keys

    @property
    def touched(self) -> bool:
        """Whether anything was typed that would be lost."""
        return any(line.touched for line in self._lines)

    def warn(self, text: str) -> None:
        """Say something below the fields."""
        self._note.say(text)

    # --- what is done to it ------------------------------------------------------------

    def on_entry_line_changed(self, event: EntryLine.Changed) -> None:
        """Go on typing after all."""
        event.stop()
        self._arm(False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what Enter does from here."""
        fields = [line.field for line in self._lines]
        if event.widget in fields:
            self._keys.say(_LAST_KEYS if event.widget is fields[-1] else _KEYS)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the next field, or send from the last one."""
        event.stop()
        at = next(i for i, line in enumerate(self._lines) if line.field is event.input)
        if event.input is self._lines[-1].field:
            self.send()
            return
        if self._lines[at].text:
            self._lines[at].check()
        self._lines[at + 1].field.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Send, or cancel."""
        event.stop()
        self.send() if event.button is self._go else self.action_cancel()

    def action_cancel(self) -> None:
        """Close; ask first where something was typed."""
        if self._sending:
            self._note.say(_UNDER_WAY)
        elif self.touched and not self._armed:
            self._arm(True)
        else:
            self._close(None)

    def send(self) -> None:
        """Ask the desk, if every field can be sent."""
        if self._sending:
            return
        wrong = [line for line in self._lines if not line.check()]
        if wrong:
            wrong[0].field.focus()
            return
        self._work(True)
        self.run_worker(
            self._ask({line.entry.name: line.text for line in self._lines}), group=ACTING
        )

    # --- what the desk says ------------------------------------------------------------

    async def _ask(self, values: Mapping[str, str]) -> None:
        try:
            answer = await asyncio.to_thread(self._send, values)
        except NotTaken as error:
            self._work(False)
            self._complain(error)
        except (AdministrationError, StoreError) as error:
            self._work(False)
            self._refused(error)
        else:
            self._close(answer)

    def _complain(self, error: NotTaken) -> None:
        for line in self._lines:
            if line.entry.name == error.field:
                line.say(str(error))
                line.field.focus()
                return
        self._note.say(str(error))

    def _refused(self, error: trouble.Refusal) -> None:
        lines = (trouble.told(error), *trouble.changes(error))
        self._note.say("\n".join(lines))
        stale = isinstance(error, ChangedMeanwhile | NothingThere)
        if stale and self.on_stale is not None:
            self.on_stale()

    def _work(self, sending: bool) -> None:
        self._sending = sending
        self._note.say("")
        self._go.relabel("Working…" if sending else self._label)

    def _arm(self, armed: bool) -> None:
        if self._armed != armed:
            self._armed = armed
            self._note.say(_THROW_AWAY if armed else "")
            self._cancel.relabel("Throw away" if armed else "Cancel")

    def _close(self, answer: T | None) -> None:
        for line in self._lines:
            line.forget()
        self.dismiss(answer)
