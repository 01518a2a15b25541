"""The list of actions (Ctrl+P): what the page that shows can do, the pages, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.fuzzy import Matcher
from textual.widgets import Input

from screens.admin.dialogs.box import Box
from screens.admin.dialogs.dialog import Dialog
from screens.admin.table import STEPS, Column, LedTable, Row, Table
from screens.widgets.prose import Prose

_TITLE = "What do you want to do?"
_NOTHING = "There is nothing like this here. Escape goes back."
_KEYS = "Type a part    Up, Down  choose    Enter  do it    Esc  back"


@dataclass(frozen=True, slots=True)
class Command:
    """What it says, its key (empty: it has none), and what it does."""

    does: str
    key: str
    run: Callable[[], None]


class Palette(Dialog[Command]):
    """Closes with the command that was picked; what is typed narrows the list."""

    def __init__(self, commands: Sequence[Command], title: str = _TITLE) -> None:
        super().__init__()
        self._heading = title
        self._commands = {str(at): command for at, command in enumerate(commands)}
        self._field = Input(compact=True, max_length=60)
        self._field.cursor_blink = False
        self._table = LedTable(Column("", 30, 1), Column("", 8), empty=_NOTHING)
        self._table.add_class("fields")

    def compose(self) -> ComposeResult:
        """A field, and the list below it."""
        with Box():
            yield Prose(self._heading, classes="title")
            yield self._field
            yield self._table
            yield Prose(_KEYS, classes="keys")

    def on_mount(self) -> None:
        """Show all."""
        self._narrow("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits."""
        event.stop()
        self._narrow(event.value.strip())

    def _narrow(self, text: str) -> None:
        self._table.show([_row(key, self._commands[key]) for key in self._fitting(text)])
        self._table.mark_first()

    def _fitting(self, text: str) -> list[str]:
        """Return the keys of what fits ``text``, the best first; all where there is none."""
        if not text:
            return list(self._commands)
        matcher = Matcher(text)
        scores = {key: matcher.match(command.does) for key, command in self._commands.items()}
        fitting = [key for key, score in scores.items() if score > 0]
        return sorted(fitting, key=scores.__getitem__, reverse=True)

    def on_key(self, event: events.Key) -> None:
        """Move the mark."""
        if event.key in STEPS:
            event.stop()
            self._table.move(STEPS[event.key])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do the marked one."""
        event.stop()
        self._table.pick()

    def on_table_picked(self, event: Table.Picked) -> None:
        """Do this one."""
        event.stop()
        self.dismiss(self._commands[event.key])


def _row(key: str, command: Command) -> Row:
    return Row(key, (command.does, command.key))
