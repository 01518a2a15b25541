"""Importing people: first all but the writing, then for real."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.service import ImportFile, ImportResult
from kiosk.roles import Action
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.listing import Listing
from screens.admin.dialogs.long_work import LongWork, bytes_far, size_of
from screens.admin.import_words import done_words, plan_lines, problem_lines
from screens.admin.page import Page, shell_of
from screens.admin.table import Column, Row, Table
from screens.widgets.prose import Prose

_EMPTY = """\
There is no file in the imports folder.

Whoever looks after the service's machine puts it there: CSV in UTF-8, with the columns \
holder_number, name, email, card_id and unblock_secret. “kiosk import --help” on that \
machine has them all."""
_HOW = (
    "Enter tries the marked file: every line is read and checked, and nothing is written. Then "
    "you decide."
)


_WORD = "import"
_TYPE = f"Type “{_WORD}” to show that you mean it."


def _is_word(text: str) -> str:
    return "" if text.casefold() == _WORD else _TYPE


class ImportPage(Page):
    """The files that wait; one is always tried before it is imported."""

    NAME = "Import"
    NEEDS = Action.IMPORT_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "rehearse", "Try"),
        Binding("r", "again", "Look again"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._files: dict[str, ImportFile] = {}
        self._table = Table(
            Column("File", 34, 1),
            Column("Size", 10, right=True),
            Column("Changed", 20),
            empty=_EMPTY,
        )
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        """Title, files, what to do."""
        yield Prose("Files in the imports folder of the service's machine", "title")
        yield self._table
        yield self._words

    def shown(self) -> None:
        """Look what is there."""
        self.ask(self.desk.imports.files, self._show)

    def _show(self, files: tuple[ImportFile, ...]) -> None:
        times = shell_of(self).times
        self._files = {file.name: file for file in files}
        self._table.show(
            [Row(f.name, (f.name, size_of(f.size), times.at(f.changed_at))) for f in files]
        )
        self._words.say(_HOW if files else "")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to try a file where there is one."""
        return action != "rehearse" or bool(self._files)

    def action_again(self) -> None:
        """Look again what is there."""
        self.shown()

    def on_table_picked(self, event: Table.Picked) -> None:
        """Try it."""
        event.stop()
        self._rehearse(event.key)

    def action_rehearse(self) -> None:
        """Try the marked one."""
        self._rehearse(self._table.marked)

    def _rehearse(self, name: str) -> None:
        work = LongWork(
            f"Trying {name}",
            "Every line is read and checked. Nothing is written.",
            partial(self.desk.imports.rehearse, name),
            bytes_far,
        )
        self.app.push_screen(work, partial(self._was_rehearsed, name))

    def _was_rehearsed(self, name: str, result: ImportResult | None) -> None:
        if result is None:
            self.shown()
        elif result.problems:
            self._show_problems(name, result)
        else:
            plan = Listing(
                f"{name} can be imported",
                "Nothing was written yet. This is what would be done:",
                plan_lines(result),
                button="Go on",
            )
            self.app.push_screen(plan, partial(self._was_read, name))

    def _was_read(self, name: str, go: bool | None) -> None:
        """Have a word typed: no click and no key by itself writes thousands of people."""
        if go:
            form: Form[bool] = Form(
                f"Import {name}",
                "This writes all that was listed. It cannot be taken back.",
                (Entry("word", "Import", hint=_TYPE, check=_is_word),),
                lambda _values: True,
                button="Import",
            )
            self.app.push_screen(form, partial(self._was_decided, name))

    def _was_decided(self, name: str, go: bool | None) -> None:
        if go:
            work = LongWork(
                f"Importing {name}",
                "All of it is imported, or nothing: stopping changes nothing.",
                partial(self.desk.imports.run, name),
                bytes_far,
                changes=True,
            )
            self.app.push_screen(work, partial(self._was_imported, name))

    def _was_imported(self, name: str, result: ImportResult | None) -> None:
        if result is None:
            shell_of(self).tell(f"{name} was not imported; nothing was changed.")
        elif result.problems:
            self._show_problems(name, result)
        else:
            shell_of(self).tell(done_words(name, result))
        self.shown()

    def _show_problems(self, name: str, result: ImportResult) -> None:
        title, sentence, lines = problem_lines(name, result)
        self.app.push_screen(Listing(title, sentence, lines, wrong=True))
