"""A dialog with fields that calls the desk itself, so that a refusal loses no typed text.

A page opens it with ``AdminPage.put``, which also says what was done and shows the page anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from textual import events, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import Grounds
from kiosk.authority.errors import (
    AdministrationError,
    ConcurrentChange,
    NotFound,
    NotStaff,
    NotTaken,
    StoreError,
)
from kiosk.authority.roles import Action
from kiosk.contract.text import LONGEST_REASON, SHORTEST_REASON
from screens.admin.dialogs.dialog import ACTING, Dialog, DialogButton
from screens.admin.refusals import DeskRefused, explanation
from screens.admin.widgets import LineInput
from screens.widgets.prose import Note, Prose
from screens.words.staff.refusals import change_lines, refusal_words

REPLACES: Final = "Typed text replaces this; an arrow key keeps it."
"""The hint of a field that ``replaces`` what it begins with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of a form; ``NotTaken`` refers to its ``name``.

    ``hint`` is shown below it until there is an error. ``choices`` are ready answers, picked with
    Up, Down and the mouse; another one can be typed unless ``closed``: then a letter picks a choice
    that begins with it. ``check`` returns the error of a text, or nothing. Where a new text
    ``replaces`` the initial one, that is selected: typing replaces it, and an arrow key keeps it. A
    ``secret`` is masked, and not stripped. Of a pasted text the first of the ``lines`` counts, or
    all, joined by spaces. ``explain`` returns what a text means, in place of the hint.
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
    replaces: bool = False
    lines: bool = False
    check: Callable[[str], str] | None = None
    explain: Callable[[str], str] | None = None

    def hint_for(self, text: str) -> str:
        return (self.explain(text) if self.explain else "") or self.hint

    def problem(self, text: str) -> str:
        if not text:
            return "This is needed." if self.required else ""
        if len(text) < self.least:
            return f"At least {self.least} characters, please."
        if self.closed and text not in self.choices:
            return "Choose one of these."
        return self.check(text) if self.check else ""


class EntryLine(Vertical):
    def __init__(self, entry: Entry) -> None:
        super().__init__(classes="entry", id=f"entry-{entry.name}")
        self.entry = entry
        self.field = PickField(entry) if entry.closed else EntryField(entry)
        self._choices = OptionList(
            *entry.choices, markup=False, compact=True, classes="entry-choices"
        )
        self._choices.can_focus = False  # the field moves through them, so that Enter goes on
        self._note = Prose(entry.hint_for(entry.initial), classes="entry-note")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="entry-row"):
            yield Prose(self.entry.label, classes="entry-label")
            yield self.field
        if self.entry.choices:
            yield self._choices
        yield self._note

    @property
    def text(self) -> str:
        return self.field.value if self.entry.secret else self.field.value.strip()

    @property
    def touched(self) -> bool:
        return self.text != self.entry.initial

    def check(self) -> bool:
        problem = self.entry.problem(self.text)
        self.say(problem)
        return not problem

    def say(self, problem: str) -> None:
        """Show an error; with an empty text the hint again."""
        hint, length = self.entry.hint_for(self.text), len(self.text)
        if self.entry.replaces and self.touched:
            hint = hint.removesuffix(REPLACES).rstrip()
        elif self.entry.secret and length:  # it is masked: say how much of it is typed
            hint = "1 character" if length == 1 else f"{length} characters"
        self._note.set_class(bool(problem), "-wrong")
        self._note.say(f"! {problem}" if problem else hint)

    def forget(self) -> None:
        """Empty it: a closed dialog keeps no text."""
        self.field.value = ""

    def on_mount(self) -> None:
        self._mark()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.say("")
        self._mark()

    def on_click(self) -> None:
        """A click beside the field, on its label or its hint, is for the field."""
        self.field.focus()

    def on_entry_field_full(self, event: EntryField.Full) -> None:
        event.stop()
        self.say(f"No more than {self.entry.most} characters go in here.")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.field.pick(self.entry.choices[event.option_index])
        self.field.focus()

    def _mark(self) -> None:
        choices = self.entry.choices
        self._choices.highlighted = choices.index(self.text) if self.text in choices else None


class EntryField(LineInput):
    class Full(Message):
        """What was typed or pasted does not fit in, and is left out."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.initial, max_length=entry.most, password=entry.secret)
        self.select_on_focus = False
        self._entry = entry

    def __repr__(self) -> str:
        return "EntryField(…)"

    def on_key(self, event: events.Key) -> None:
        choices = self._entry.choices
        if event.key in ("up", "down") and choices:
            event.stop()
            down = event.key == "down"
            at = 0 if down else -1
            if self.value in choices:
                at = choices.index(self.value) + (1 if down else -1)
            self.pick(choices[at % len(choices)])

    def on_paste(self, event: events.Paste) -> None:
        if self._entry.lines:
            event.stop()
            event.prevent_default()
            self.replace(" ".join(event.text.split()), *self.selection)

    def restricted(self) -> None:
        self.post_message(self.Full())

    def on_focus(self) -> None:
        if self._entry.replaces and self.value == self._entry.initial:
            self.select_all()

    def pick(self, choice: str) -> None:
        self.value = choice
        self.cursor_position = len(choice)


class PickField(EntryField):
    """A field that takes only its choices; it may be emptied where it is optional."""

    def on_key(self, event: events.Key) -> None:
        if event.is_printable:
            event.stop()
            event.prevent_default()
            letter = (event.character or "").casefold()
            found = [one for one in self._entry.choices if one.casefold().startswith(letter)]
            if found:
                after = found.index(self.value) + 1 if self.value in found else 0
                self.pick(found[after % len(found)])
        elif event.key in ("backspace", "delete"):
            event.stop()
            event.prevent_default()
            if not self._entry.required:
                self.pick("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let no key of a text field, as Ctrl+U, take a part of the choice away."""
        return not action.startswith(("delete", "cut", "paste"))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()


Ahead = Callable[[], str]
"""Returns what else to say before an act, or nothing; it is called on a thread."""


def waits(
    desk: AdminDesk, action: Action, words: str = "A second member of staff has to agree first."
) -> Ahead:
    """Return the function that returns ``words`` where the policy asks for a second member."""
    return lambda: words if desk.proposals.would_wait(action) else ""


T = TypeVar("T")

_KEYS = "Enter  next field    Esc  cancel"
_LAST_KEYS = "Enter  send    Esc  cancel"


class Form(Dialog[T]):
    """Asks for ``entries`` and hands them, by name, to ``send``, which blocks on a thread.

    It closes with the result of ``send``, or with None where it was cancelled. Until then:

    - ``NotTaken`` is shown beside the field it names (below the fields where there is no
      such field), what was typed stays, and it can be sent again;
    - ``ConcurrentChange`` and ``NotFound`` say what others did and call ``on_stale``,
      so that the page behind reads anew. ``send`` should look up what it acts on (a
      ``Seen``) when it is called, not before: then sending again decides on what is so now;
    - ``NotPermitted`` and ``StoreError`` are said below the fields.

    Enter goes to the next field, says first what is wrong with this one, and sends only from the
    last one: an optional field is never skipped, as its text would then go into another. Escape
    cancels; where something was typed it asks first. Fields are emptied when the dialog closes.

    ``warning`` is shown above the fields: what to do or consider first. ``ahead`` is asked once
    the dialog is open, and added to the sentence.

    ``danger`` marks the button of an act that removes something. A line that was typed in the wrong
    window must not do what others notice: with ``deliberate`` Enter in the last field only goes to
    the button. An act that cannot be undone has a ``confirming`` field first.
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
        deliberate: bool = False,
        warning: str = "",
        ahead: Ahead | None = None,
    ) -> None:
        super().__init__(title, sentence)
        self.on_stale: Callable[[], None] | None = None
        self._ahead = ahead
        self._warning = warning
        self._send = send
        self._lines = [EntryLine(entry) for entry in entries]
        self._go = DialogButton(button, "go", danger=danger)
        self._cancel = DialogButton("Cancel", "cancel")
        self._keys = Prose(_KEYS, classes="keys")
        self._label = button
        self._deliberate = deliberate
        self._warned = self._armed = False
        self._sending = False

    def content(self) -> Iterator[Widget]:
        if self._warning:
            yield Vertical(Note(self._warning), classes="warning")
        yield VerticalScroll(*self._lines, can_focus=False, classes="fields")

    def buttons(self) -> Iterator[Widget]:
        yield from (self._go, self._cancel, self._keys)

    def on_mount(self) -> None:
        if self._ahead is not None:
            self._look_ahead(self._ahead)

    @work
    async def _look_ahead(self, ahead: Ahead) -> None:
        try:
            words = await asyncio.to_thread(ahead)
        except (AdministrationError, StoreError):
            return  # the act itself meets the same, and says so
        if words:
            self._sentence.say(f"{self._sentence.content} {words}".strip())
            self._sentence.display = True

    @property
    def touched(self) -> bool:
        return any(line.touched for line in self._lines)

    def warn(self, text: str) -> None:
        """Show a message below the fields, until the next key; no other question stays open."""
        self._go_on()
        self._warned = True
        super().warn(text)

    # --- input -------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._go_on()

    def on_key(self, event: events.Key) -> None:
        """Cancel the question about lost text; a key on the button that discards is for that."""
        if event.key != "escape" and self.focused is not self._cancel:
            self._go_on()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is self._lines[-1].field:
            to_button = "Enter  to the button    Esc  cancel"
            self._keys.say(to_button if self._deliberate else _LAST_KEYS)
        elif event.widget is self._go:
            self._keys.say(_LAST_KEYS)
        elif event.widget is not self._cancel:
            self._keys.say(_KEYS)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input is not self._lines[-1].field:
            at = next(i for i, line in enumerate(self._lines) if line.field is event.input)
            if self._lines[at].text:
                self._lines[at].check()
            self._lines[at + 1].field.focus()
        elif not self._deliberate:
            self.action_go()
        elif self._check() and not self._sending:
            self._go.focus()

    def action_cancel(self) -> None:
        if self._sending:
            self._note.say("This is under way; a moment, please.")
        elif self.touched and not self._armed:
            self.warn("Escape again throws away what you typed. Any other key goes on.")
            self._armed = True
            self._cancel.relabel("Throw away")
        else:
            self._close(None)

    def action_go(self) -> None:
        if self._sending or not self._check():
            return
        self._work(True)
        values = {line.entry.name: line.text for line in self._lines}
        self.run_worker(self._ask(values), group=ACTING)  # @work would keep their repr

    def _check(self) -> bool:
        wrong = [line for line in self._lines if not line.check()]
        if wrong:
            wrong[0].field.focus()
        return not wrong

    # --- answers of the desk -------------------------------------------------------------

    async def _ask(self, values: Mapping[str, str]) -> None:
        try:
            answer = await asyncio.to_thread(self._send, values)
        except NotTaken as error:
            self._work(False)
            lines = [line for line in self._lines if line.entry.name == error.field]
            if lines:
                lines[0].say(refusal_words(error))
                lines[0].field.focus()
            else:
                self._note.say(refusal_words(error))
        except NotStaff as error:
            self.post_message(DeskRefused(error, acting=True))
        except (AdministrationError, StoreError) as error:
            self._work(False)
            self._note.say("\n".join((explanation(error), *change_lines(error))))
            if isinstance(error, ConcurrentChange | NotFound) and self.on_stale is not None:
                self.on_stale()
        else:
            self._close(answer)

    def _work(self, sending: bool) -> None:
        self._sending = sending
        self._warned = False
        self._note.say("")
        self._go.relabel("Working…" if sending else self._label)

    def _go_on(self) -> None:
        if self._warned:
            self._warned = self._armed = False
            self._note.say("")
            self._cancel.relabel("Cancel")

    def _close(self, answer: T | None) -> None:
        for line in self._lines:
            line.forget()
        self.dismiss(answer)


_ENDING = 4
"""Characters that are typed to confirm which person or card is meant."""


def ends_as(typed: str, whole: str) -> bool:
    """Return whether the end of ``whole`` was typed; case, blanks and dashes do not count."""
    return _bare(typed) == _bare(whole[-_ENDING:])


def _bare(text: str) -> str:
    return "".join(text.split()).replace("-", "").casefold()


def confirming(label: str, what: str, whole: str = "") -> Entry:
    """Return the field that confirms an act that cannot be undone.

    The end of ``whole`` has to be typed, which nobody does by accident. Where that depends on
    another field (empty here), ``send`` checks ``values["ending"]`` with ``ends_as``.
    """

    def check(text: str) -> str:
        return "" if not whole or ends_as(text, whole) else not_the_end(what, whole)

    hint = f"Type the last {_ENDING} characters of {what}."
    return Entry("ending", label, hint=hint, most=2 * _ENDING, check=check)


def not_the_end(what: str, whole: str) -> str:
    return f"{what[:1].upper()}{what[1:]} ends in {whole[-_ENDING:]}."


# The reason, and how the person was identified: fields of every action.

WAYS = (
    "Photo ID, in person",
    "Photo ID, on a video call",
    "Called back on the number on record",
    "Their line manager vouched for them",
)
"""The common ways to identify somebody."""


IDENTIFIED_BY: Final = Entry(
    "identified_by",
    "Identified by",
    hint="Up and Down choose; another way can be typed.",
    least=SHORTEST_REASON,
    most=LONGEST_REASON,
    choices=WAYS,
    lines=True,
)
REASON: Final = Entry(
    "reason",
    "Reason",
    hint="Why; it is kept.",
    least=SHORTEST_REASON,
    most=LONGEST_REASON,
    lines=True,
)
"""The last field of every form that changes something."""


def which(name: str, label: str, choices: Iterable[str]) -> tuple[Entry, ...]:
    """Return the field that asks which one; nothing where only one is possible.

    None is chosen at first: otherwise the act falls on the first of a list that nobody read.
    """
    labels = tuple(choices)
    if len(labels) == 1:
        return ()
    return (Entry(name, label, hint="Up and Down choose.", choices=labels, closed=True),)


def grounds_of(values: Mapping[str, str]) -> Grounds:
    return Grounds(values["reason"], values.get("identified_by", ""))
