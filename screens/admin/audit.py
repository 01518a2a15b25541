"""The audit: looked through, narrowed, verified, taken away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.audit import (
    AuditFilter,
    AuditLine,
    AuditPage,
    ChainVerdict,
    ExportFormat,
)
from kiosk.administration.views.service import Written
from kiosk.roles import Action
from screens.admin.audit_words import (
    EVERYTHING,
    filter_words,
    row_in_short,
    row_lines,
    verdict_lines,
)
from screens.admin.dialogs.audit import Shown, ask_filter, ask_format
from screens.admin.dialogs.listing import Listing
from screens.admin.dialogs.long_work import LongWork, rows_far, written_words
from screens.admin.page import Page, shell_of
from screens.admin.palette import Command, Palette
from screens.admin.table import Column, Row, Table
from screens.widgets.prose import Prose

MOST = 2000
"""Rows that are looked through at once; whoever needs others narrows the filter."""

_NONE = "There is nothing like this in the audit."
_OF_ROW = frozenset({"only_person", "only_reference", "details"})


class AuditRows(Page):
    """A table that grows as one goes down, and in words below it what the marked row says."""

    NAME = "Audit"
    NEEDS = Action.SEE_AUDIT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter", "Filter"),
        Binding("k", "kind", "Kind"),
        Binding("c", "everything", "All"),
        Binding("v", "verify", "Verify"),
        Binding("e", "export", "Export"),
        Binding("p", "only_person", "Person"),
        Binding("r", "only_reference", "Reference"),
        Binding("enter", "details", "Details", show=False),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._only = EVERYTHING
        self._lines: dict[str, AuditLine] = {}
        self._older: int | None = None
        self._kinds: dict[str, str] = {}
        self._title = Prose("", "title")
        self._table = Table(
            Column("When", 12),
            Column("What", 31, 4),
            Column("Person", 13, 3),
            Column("Where or who", 13, 2),
            empty=_NONE,
        )
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        """What is shown, the rows, the marked one in words."""
        yield self._title
        yield self._table
        yield self._words

    def on_mount(self) -> None:
        """Learn the kinds once."""
        self.ask(self.desk.audit.kinds, self._know, group="kinds")

    def shown(self) -> None:
        """Read the newest rows."""
        self.ask(partial(self.desk.audit.page, self._only), self._begin)

    def _know(self, kinds: tuple[tuple[str, str], ...]) -> None:
        self._kinds = dict(kinds)

    def _begin(self, page: AuditPage) -> None:
        self._lines = {}
        self._add(page)

    def _add(self, page: AuditPage) -> None:
        self._lines |= {str(line.seq): line for line in page.lines}
        self._older = page.older
        self._title.say(filter_words(self._only, self._kinds, shell_of(self).times))
        self._table.show([self._row(key, line) for key, line in self._lines.items()])
        self._explain()

    def _row(self, key: str, line: AuditLine) -> Row:
        when = shell_of(self).times.short(line.at)
        return Row(key, (when, line.told, line.person, line.station or line.who))

    # --- the marked row ----------------------------------------------------------------

    @property
    def _line(self) -> AuditLine | None:
        return self._lines.get(self._table.marked)

    def on_table_marked(self, event: Table.Marked) -> None:
        """Say what it is; read on where it is the last."""
        event.stop()
        self._explain()
        if self._older is not None and event.key == next(reversed(self._lines), ""):
            self._read_on(self._older)

    def _read_on(self, before: int) -> None:
        if len(self._lines) < MOST:
            self.ask(partial(self.desk.audit.page, self._only, before), self._add, group="older")

    def _explain(self) -> None:
        words = row_in_short(self._line) if self._line else ""
        if self._older is not None and len(self._lines) >= MOST:
            words = f"{words}\nThere is more; narrow it with f."
        self._words.say(words)
        self.refresh_bindings()

    def on_table_picked(self, event: Table.Picked) -> None:
        """Show all that it holds."""
        event.stop()
        self.action_details()

    def action_details(self) -> None:
        """Show all that the marked row holds."""
        line = self._line
        if line is not None:
            self.app.push_screen(Listing(line.told, "", row_lines(line, shell_of(self).times)))

    # --- narrowing ---------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense now."""
        line = self._line
        if action in _OF_ROW and line is None:
            return False
        if action == "only_person":
            return bool(line and _number(line)) and not self._only.person
        if action == "only_reference":
            return bool(line and line.reference) and not self._only.reference
        if action == "everything":
            return self._only != EVERYTHING
        return action != "export" or self.permits(Action.EXPORT_AUDIT)

    def _narrow(self, only: AuditFilter) -> None:
        self._only = only
        self.shown()

    def action_filter(self) -> None:
        """Ask what to show."""
        form = ask_filter(self.desk.audit, self._only, shell_of(self).times)
        self.app.push_screen(form, self._was_narrowed)

    def _was_narrowed(self, shown: Shown | None) -> None:
        if shown is not None:
            self._only = shown.only
            self._begin(shown.page)

    def action_kind(self) -> None:
        """Choose one kind of row."""
        kinds = sorted(self._kinds.items(), key=lambda kind: kind[1])
        commands = [Command("Every kind", "", self._set_kind("")), *map(self._kind, kinds)]
        palette = Palette(commands, "Which kind of row?")
        self.app.push_screen(palette, lambda command: command.run() if command else None)

    def _kind(self, kind: tuple[str, str]) -> Command:
        return Command(kind[1], "", self._set_kind(kind[0]))

    def _set_kind(self, kind: str) -> partial[None]:
        return partial(self._narrow, replace(self._only, kind=kind))

    def action_only_person(self) -> None:
        """Show what else happened to the marked row's person."""
        if self._line is not None:
            self._narrow(replace(self._only, person=_number(self._line)))

    def action_only_reference(self) -> None:
        """Show what else happened under the marked row's reference."""
        if self._line is not None:
            self._narrow(replace(self._only, reference=self._line.reference))

    def action_everything(self) -> None:
        """Narrow no more."""
        self._narrow(EVERYTHING)

    # --- verifying and exporting ---------------------------------------------------------

    def action_verify(self) -> None:
        """Walk the chain."""
        work = LongWork(
            "Verifying the audit",
            "Each row holds the hash of the one before: whoever changes, removes or moves one "
            "breaks the chain.",
            self.desk.audit.verify,
            rows_far,
        )
        self.app.push_screen(work, self._was_verified)

    def _was_verified(self, verdict: ChainVerdict | None) -> None:
        if verdict is not None:
            title, sentence, lines = verdict_lines(verdict)
            self.app.push_screen(Listing(title, sentence, lines, wrong=not verdict.intact))
            self.shown()

    def action_export(self) -> None:
        """Ask how, then write."""
        self.app.push_screen(ask_format(), self._export)

    def _export(self, how: ExportFormat | None) -> None:
        if how is not None:
            work = LongWork(
                "Exporting the audit",
                filter_words(self._only, self._kinds, shell_of(self).times),
                partial(self.desk.audit.export, self._only, how),
                rows_far,
            )
            self.app.push_screen(work, self._was_exported)

    def _was_exported(self, written: Written | None) -> None:
        if written is not None:
            shell_of(self).tell(written_words(written))
            self.shown()


def _number(line: AuditLine) -> str:
    """Return the holder number that a row's person begins with; empty for one erased."""
    number = line.person.split(" ", 1)[0]
    return "" if number.startswith("(") else number
