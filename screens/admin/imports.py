"""Importing people: first a rehearsal, then the import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable

from kiosk.authority.administration.fields import read_reason
from kiosk.authority.administration.import_people import ImportResult
from kiosk.authority.administration.views import IMPORT_REASON, Grounds, ImportFile
from kiosk.authority.roles import Action
from kiosk.authority.wording import numbered
from screens.admin.dialogs.dialog import Listing, LongWork, bytes_far, named, size_of
from screens.admin.dialogs.form import REASON, REPLACES, Entry, Form
from screens.admin.page import IN_DIALOG, LinesPage, app_of
from screens.admin.widgets import Column, TableLine

# What an import would do, did, or found wrong, in words.

_SHOWN = 200
"""The most lines of a file that a list shows."""


def plan_lines(result: ImportResult) -> tuple[Content, ...]:
    counts = (
        ("Lines", result.lines),
        ("People added", result.people_added),
        ("People changed", result.people_changed),
        ("Cards added", result.cards_added),
        ("Cards changed", result.cards_changed),
        ("Unblock secrets", result.secrets_sealed),
    )
    lines = [named(name, f"{count:>9,}", 16) for name, count in counts]
    changed = numbered(len(result.changes), "person", "people")
    lines += _named_lines(f"{changed} changed, from → to:", result.changes)
    if count := result.codes_elsewhere:
        are = numbered(count, "of them is", "of them are")
        lines.append(Content(f"{are} registered with another address: codes still go there."))
    if count := result.people_mailed:
        get = numbered(count, "of them gets", "of them get")
        lines.append(Content(f"{get} a mail about that at the old address."))
    cards = numbered(len(result.card_changes), "card")
    lines += _named_lines(f"{cards} changed:", result.card_changes)
    if count := result.cards_mailed:
        whose = "The holder of 1 card gets" if count == 1 else f"The holders of {count:,} cards get"
        words = f"{whose} a mail: it is new, in use again, or has another key or secret."
        lines.append(Content(words))
    outside = numbered(len(result.outside_domains), "address is", "addresses are")
    lines += _named_lines(
        f"{outside} of no approved domain: nobody can register with one.", result.outside_domains
    )
    shared = numbered(len(result.shared_addresses), "person has", "people have")
    lines += _named_lines(
        f"{shared} the address of somebody before them in the file: each reads the other's codes.",
        result.shared_addresses,
    )
    back = numbered(len(result.erased_before), "person who was", "people who were")
    lines += _named_lines(f"This brings back {back} erased.", result.erased_before)
    return tuple(lines)


def _named_lines(sentence: str, people: Sequence[tuple[int, str]]) -> tuple[Content, ...]:
    """Return nothing for nobody; else the sentence, and the first lines of the file."""
    if not people:
        return ()
    first = (Content(f"These are the first {_SHOWN}:"),) if len(people) > _SHOWN else ()
    return (Content(sentence), *first, *(_line(*person) for person in people[:_SHOWN]))


def done_words(name: str, result: ImportResult) -> str:
    if result.waits:
        changes = numbered(result.known_touched, "change is", "changes are")
        return (
            f"{name} waits until a second member of staff agrees: {changes} to people who are "
            "known or were erased. Nothing was imported; leave the file where it is: they try it, "
            "and agree on the page Waiting (F3)."
        )
    if result.file_replaced:
        file = "Another file of this name came since: try that, too."
    elif result.file_kept:
        file = (
            f"The file is still in the folder ({result.file_kept}), with secrets in clear: "
            "have it deleted."
        )
    else:
        file = "The file was removed."
    people = numbered(result.people_added, "person", "people")
    cards = numbered(result.cards_added, "card")
    back = still = ""
    if count := len(result.erased_before):
        back = f"{numbered(count, 'person who was', 'people who were')} erased came back. "
    if count := result.codes_elsewhere:
        still = (
            f"Codes of {numbered(count, 'person', 'people')} still go to the address that they "
            "registered; correct it on their page. "
        )
    return (
        f"{name} is imported: {people} added, {result.people_changed:,} changed; {cards} added, "
        f"{result.cards_changed:,} changed. {back}{still}Reference {result.reference}. "
        f"{file}"
    )


def _line(line: int, reason: str) -> Content:
    return named(f"Line {line}" if line else "The file", reason)


class ImportPage(LinesPage[ImportFile]):
    """The waiting files; one is always rehearsed before it is imported."""

    NAME = "Import"
    TITLE = "Files in the imports folder of the service's machine"
    EMPTY = (
        "There is no file in the imports folder.\n\n"
        "Whoever looks after the service's machine puts it there: CSV in UTF-8, with the columns "
        "holder_number, name, email, card_id and unblock_secret. “kiosk import --help” on that "
        "machine has them all."
    )
    NEEDS = Action.IMPORT_PEOPLE
    COLUMNS = (
        Column("File", 34, 1),
        Column("Size", 10, right=True),
        Column("Changed", 20),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "rehearse", "Try"),
        Binding("r", "refresh", "Look again"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.imports.files, self.show_lines)

    def row_of(self, line: ImportFile) -> TableLine:
        changed = self.times.at(line.changed_at)
        return TableLine(line.name, (line.name, size_of(line.size), changed))

    def explained(self, line: ImportFile) -> str:
        return (
            "Enter tries the marked file: every line is read and checked, and nothing is written. "
            "Then you decide."
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "rehearse" or bool(self._lines)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_rehearse()

    @work(group=IN_DIALOG)
    async def action_rehearse(self) -> None:
        """Try the marked file, then import it.

        A typed word is asked for: no click and no single key writes thousands of people.
        """
        if self.is_covered:
            return
        name, answer = self._table.marked, self.app.push_screen_wait
        rehearsal = await answer(
            LongWork(
                f"Trying {name}",
                "Every line is read and checked. Nothing is written.",
                partial(self.desk.imports.rehearse, name),
                bytes_far,
            )
        )
        if rehearsal is None:
            self.shown()
            return
        if rehearsal.problems:
            self._show_problems(name, rehearsal)
            return
        plan = Listing(
            f"{name} can be imported",
            "Nothing was written yet. This is what would be done:",
            plan_lines(rehearsal),
            button="Go on",
        )
        if not await answer(plan):
            return
        means_it = "Type “import” to show that you mean it."
        effect = "This writes all that was listed. It cannot be taken back."
        if rehearsal.waits:
            effect = (
                "Nothing is written until a second member of staff agrees, on the page Waiting "
                "(F3). Leave the file where it is."
            )
        kept = f"{REASON.hint} {REPLACES}"
        form = Form(
            f"Import {name}",
            effect,
            (
                Entry(
                    "word",
                    "Import",
                    hint=means_it,
                    check=lambda text: "" if text.casefold() == "import" else means_it,
                ),
                replace(REASON, initial=IMPORT_REASON, hint=kept, replaces=True),
            ),
            # Read here, where a reason that is not taken can still be corrected.
            lambda values: Grounds(read_reason("reason", values["reason"])),
            button="Import",
        )
        grounds = await answer(form)
        if grounds is None:
            return
        result = await answer(
            LongWork(
                f"Importing {name}",
                "All of it is imported, or nothing: stopping changes nothing.",
                partial(self.desk.imports.run, name, grounds, digest=rehearsal.digest),
                bytes_far,
                changes=True,
            )
        )
        if result is None:
            app_of(self).announce(f"{name} was not imported; nothing was changed.")
        elif result.problems:
            self._show_problems(name, result)
        else:
            app_of(self).announce(done_words(name, result))
        self.shown()

    def _show_problems(self, name: str, result: ImportResult) -> None:
        number = len(result.problems)
        first = f" These are the first {_SHOWN}." if number > _SHOWN else ""
        problems = Listing(
            f"{name} has {numbered(number, 'problem')}",
            f"Nothing was written. Put the file right, then try it again.{first}",
            [_line(*problem) for problem in result.problems[:_SHOWN]],
            wrong=True,
        )
        self.app.push_screen(problems)
