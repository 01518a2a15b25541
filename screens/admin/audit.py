"""The audit: reading, filtering, verifying, exporting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import (
    AuditFilter,
    AuditLine,
    AuditPage,
    AuditVerdict,
    ExportFormat,
)
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Action
from kiosk.authority.wording import as_sentence, numbered, reason_words
from screens.admin.dialogs.cards import grouped
from screens.admin.dialogs.dialog import Listing, LongWork, named, rows_far, written_words
from screens.admin.dialogs.form import REPLACES, Entry, Form
from screens.admin.page import IN_DIALOG, LinesPage, app_of
from screens.admin.times import Times
from screens.admin.widgets import Column, Point, Points, TableLine

# The dialogs of the audit: what to show, and the format of an export.

_CSV = "CSV, for a spreadsheet"
_JSON = "JSON lines, for a program"
_FORMATS = {_CSV: ExportFormat.CSV, _JSON: ExportFormat.JSON_LINES}


Shown = tuple[AuditFilter, AuditPage]
"""The present filter, and its newest page."""


def ask_filter(desk: AuditDesk, now: AuditFilter, kind: str, times: Times) -> Form[Shown]:
    """Ask what to show; ``kind`` is the present one, in words.

    The rows behind a figure of Today are left: what is looked for may be among the others.
    """

    def send(values: Mapping[str, str]) -> Shown:
        only = replace(
            now,
            counted=None,
            reason="",
            person=values["person"],
            station=values["station"],
            staff=values["staff"],
            reference=values["reference"],
            since=_moment("since", values["since"], times.beginning),
            until=_moment("until", values["until"], times.ending),
        )
        return only, desk.page(only)

    of_kind = f" Of the kind “{kind.rstrip('.')}” alone, which k changes." if kind else ""
    return Form(
        "Show only",
        f"Rows that fit all that is filled in; an empty field does not narrow.{of_kind}",
        (
            _entry(
                "person", "Person", now.person, "Their holder number; People finds it by a name."
            ),
            _entry(
                "station", "Station", now.station, "Its whole name, as the page Stations has it."
            ),
            _entry("staff", "Staff", now.staff, "A name, or the beginning of one."),
            _entry("reference", "Reference", now.reference, "As it stood on the screen."),
            _entry("since", "From", times.typed(now.since), "Like 2026-03-04 or 2026-03-04 09:30."),
            _entry("until", "Until", times.typed(now.until), "The same; a day counts to its end."),
        ),
        send,
        button="Show",
    )


def ask_format() -> Form[ExportFormat]:
    return Form(
        "Export what is shown",
        "It is written on the service's machine, oldest row first, and the audit says that "
        "you took it.",
        (
            Entry(
                "format",
                "Format",
                _CSV,
                "Up and Down choose.",
                choices=tuple(_FORMATS),
                closed=True,
            ),
        ),
        lambda values: _FORMATS[values["format"]],
        button="Export",
    )


def _entry(name: str, label: str, initial: str, hint: str) -> Entry:
    hint = f"{hint} {REPLACES}" if initial else hint
    return Entry(name, label, initial, hint, required=False, replaces=True)


def _moment(name: str, text: str, read: Callable[[str], datetime | None]) -> datetime | None:
    if not text:
        return None
    moment = read(text)
    if moment is None:
        raise NotTaken(name, "Write it like 2026-03-04, or like 2026-03-04 09:30.")
    return moment


# The audit's filter and rows in words.

EVERYTHING = AuditFilter()

_BROKEN = (
    "Somebody changed the database past the service, or it is damaged. Change nothing. Keep a "
    "copy of the database and of the last backup, and tell whoever is responsible for the "
    "security of the service."
)
_ELSEWHERE = (
    "On the service's machine, “kiosk audit verify --anchors” compares it with the anchors "
    "that were kept elsewhere."
)


def filter_words(only: AuditFilter, kinds: Mapping[str, str], times: Times) -> str:
    """Describe the filter: ``Audit: person 100200300401, since today 08:00``."""
    parts = []
    if only.counted is not None:
        parts.append(
            f"{only.counted} for “{reason_words(only.reason)}”" if only.reason else only.counted
        )
    if only.kind:
        parts.append(f"“{kinds.get(only.kind, only.kind).rstrip('.')}”")
    facts = (
        ("person", only.person),
        ("station", only.station),
        ("by", only.staff),
        ("reference", only.reference),
        ("from", only.since and times.at(only.since)),
        ("before", only.until and times.at(only.until)),
    )
    parts += [f"{name} {value}" for name, value in facts if value]
    return f"Audit: {', '.join(parts)}" if parts else "Audit: everything, newest first"


def row_lines(line: AuditLine, times: Times) -> tuple[Content | Points, ...]:
    facts = (
        ("When", f"{times.day(line.at)} {times.to_the_second(line.at)}"),
        ("Person", line.person),
        ("Card", grouped(line.card)),
        ("Station", line.station),
        ("Staff", line.who),
        ("Reference", line.reference),
        ("Kind", line.kind),
        ("Row", row_name(line.seq)),
    )
    details = Points()
    # Never split: what staff wrote may hold what looks like the next detail.
    details.points = tuple(Point(detail, "•") for detail in line.details)
    lines = tuple(named(name, value) for name, value in facts if value)
    return (*lines, Content(""), details) if line.details else lines


def verdict_shown(verdict: AuditVerdict) -> Listing:
    rows = numbered(verdict.rows, "row")
    if (fault := verdict.fault) is not None:
        first = f"Row {row_name(fault.seq)} is the first that does not fit."
        because = f"{as_sentence(fault.because)} {first}"
        lines = (f"{rows} before it fit.", _BROKEN, _ELSEWHERE)
        return Listing("The audit is NOT intact", because, lines, wrong=True)
    if not verdict.anchors:
        anchored = (
            "No anchor has been signed yet. The service signs one each minute: if there is none by "
            "then, tell its administrator."
        )
    elif verdict.anchored >= verdict.rows:
        anchored = f"All of it is covered by signed anchors ({verdict.anchors:,})."
    else:
        anchored = (
            f"Signed anchors ({verdict.anchors:,}) cover {numbered(verdict.anchored, 'row')}; "
            "the rest will be covered by the next ones."
        )
    return Listing("The audit is intact", f"{rows} fit, each to the one before.", [anchored])


MOST = 2000
"""Rows that are read at most; for others narrow the filter."""

_OF_PERSON = frozenset({"Person", "Name"})
"""Columns that say the same in every row where one person's are shown."""


class AuditRows(LinesPage[AuditLine]):
    """A table that grows while one moves down, and below it the marked row in words."""

    NAME = "Audit"
    EMPTY = "There is nothing like this in the audit."
    NEEDS = Action.SEE_AUDIT
    COLUMNS = (
        Column("When", 12),
        Column("What", 24, 6),
        Column("Person", 12),
        Column("Name", 16, 2, optional=True),
        Column("Where, who", 10, 2),
        Column("Reference", 9),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "filter", "Find"),
        Binding("k", "kind", "Kind"),
        Binding("c", "everything", "All"),
        Binding("escape", "everything", "All", show=False),
        Binding("v", "verify", "Verify"),
        Binding("e", "export", "Export"),
        Binding("p", "only_person", "Person"),
        Binding("r", "only_reference", "Reference"),
        Binding("enter", "details", "Details", show=False),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._only = EVERYTHING
        self._older: int | None = None
        self._kinds: dict[str, str] = {}

    def on_mount(self) -> None:
        self.ask(self.desk.audit.kinds, lambda kinds: self._kinds.update(kinds), group="kinds")

    def look_at(self, only: AuditFilter, /) -> None:
        self._only = only

    def shown(self) -> None:
        self.ask(partial(self.desk.audit.page, self._only), self._begin)

    def _begin(self, page: AuditPage) -> None:
        self._lines = {}
        self._add(page)

    def _add(self, page: AuditPage) -> None:
        self._older = page.older
        self._title.say(filter_words(self._only, self._kinds, self.times))
        every = self._lines | {str(line.seq): line for line in page.lines}
        self.show_lines(tuple(every.values()), self._columns)

    @property
    def _columns(self) -> list[Column]:
        lacking = _OF_PERSON if self._only.person else frozenset()
        return [column for column in self.COLUMNS if column.title not in lacking]

    def row_of(self, line: AuditLine) -> TableLine:
        # Of one who was erased there is no number; the narrower list has no room for names.
        number, name = (line.number, line.name) if line.number else (line.name, "")
        at, whence = self.times.short(line.at), line.station or line.who
        cells = (at, line.sentence, number, name, whence, line.reference)
        shown, columns = zip(self.COLUMNS, cells, strict=True), self._columns
        return TableLine(str(line.seq), tuple(cell for one, cell in shown if one in columns))

    def explained(self, line: AuditLine) -> str:
        facts = " · ".join(filter(None, (line.person, line.station, line.who, line.reference)))
        sentence = f"{line.sentence} (Enter shows all of it.)"
        parts = (sentence, facts, grouped(line.card), line.detail)
        words = "\n".join(filter(None, parts))
        if self._older is not None and len(self._lines) >= MOST:
            words = f"{words}\nThere is more; narrow it with f."
        return words

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self._explain()
        if self._older is not None and self._table.marked == next(reversed(self._lines), ""):
            page = partial(self.desk.audit.page, self._only, self._older)
            if len(self._lines) < MOST:
                self.ask(page, self._add, group="older")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_details()

    def action_details(self) -> None:
        line = self.marked
        if line is not None:
            self.app.push_screen(Listing(line.sentence, "", row_lines(line, self.times)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        line = self.marked
        match action:
            case "only_person":
                return bool(line and line.number) and not self._only.person
            case "only_reference":
                return bool(line and line.reference) and not self._only.reference
            case "details":
                return line is not None
            case "everything":
                return self._only != EVERYTHING
            case "export":
                return self.permits(Action.EXPORT_AUDIT)
        return True

    def _narrow(self, only: AuditFilter) -> None:
        self._only = only
        self.shown()

    @work(group=IN_DIALOG)
    async def action_filter(self) -> None:
        kind = self._kinds.get(self._only.kind, self._only.kind)
        form = ask_filter(self.desk.audit, self._only, kind, self.times)
        shown = await self.app.push_screen_wait(form)
        if shown is not None:
            self._only, page = shown
            self._begin(page)

    def action_kind(self) -> None:
        kinds = sorted(self._kinds.items(), key=lambda kind: kind[1])
        every = replace(self._only, counted=None, reason="")
        self.app.search_commands(
            [
                (words, partial(self._narrow, replace(every, kind=kind)))
                for kind, words in [("", "Every kind"), *kinds]
            ],
            "Which kind of row?",
        )

    def action_only_person(self) -> None:
        if self.marked is not None:
            self._narrow(replace(self._only, person=self.marked.number))

    def action_only_reference(self) -> None:
        if self.marked is not None:
            self._narrow(replace(self._only, reference=self.marked.reference))

    def action_everything(self) -> None:
        self._narrow(EVERYTHING)

    @work(group=IN_DIALOG)
    async def action_verify(self) -> None:
        verifying = LongWork(
            "Verifying the audit",
            "Each row holds the hash of the one before: whoever changes, removes or moves one "
            "breaks the chain.",
            self.desk.audit.verify,
            rows_far,
        )
        verdict = await self.app.push_screen_wait(verifying)
        if verdict is not None:
            self.app.push_screen(verdict_shown(verdict))
            self.shown()

    @work(group=IN_DIALOG)
    async def action_export(self) -> None:
        how = await self.app.push_screen_wait(ask_format())
        if how is None:
            return
        exporting = LongWork(
            "Exporting the audit",
            filter_words(self._only, self._kinds, self.times),
            partial(self.desk.audit.export, self._only, how),
            rows_far,
        )
        written = await self.app.push_screen_wait(exporting)
        if written is not None:
            app_of(self).announce(written_words(written))
            self.shown()
