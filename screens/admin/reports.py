"""Reports: what was done, by day, week, site, or reason of refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.reports import ReportsDesk
from kiosk.authority.administration.views import Report, Span
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Action
from screens.admin.dialogs.dialog import written_words
from screens.admin.dialogs.form import REPLACES, Entry, Form
from screens.admin.page import IN_DIALOG, AdminPage, app_of
from screens.admin.times import day_words
from screens.admin.widgets import Column, Table, TableLine
from screens.widgets.prose import Prose

Days = tuple[date, date]
"""The first and the last day of a report, both included."""


def ask_days(desk: ReportsDesk, span: Span, now: Days) -> Form[Report]:
    def send(values: Mapping[str, str]) -> Report:
        return desk.make(
            span, _typed_day("first", values["first"]), _typed_day("last", values["last"])
        )

    return Form(
        "Days of the report",
        "Both days are counted.",
        (_day_entry("first", "First day", now[0]), _day_entry("last", "Last day", now[1])),
        send,
        button="Show",
    )


def ask_address(desk: ReportsDesk, span: Span, days: Days) -> Form[str]:
    return Form(
        "Mail this report",
        "It goes out at once, as a letter with what is shown: counts, and no names. The audit says "
        "that you asked for it.",
        (Entry("to", "Mail it to", hint="An address of an approved domain."),),
        lambda values: desk.mail(span, *days, values["to"]),
        button="Mail it",
    )


def _day_entry(name: str, label: str, now: date) -> Entry:
    return Entry(name, label, str(now), f"Like 2026-03-04. {REPLACES}", replaces=True)


def _typed_day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotTaken(name, "Write it as year, month and day: 2026-03-04.") from None


DAYS = 30
"""Initial period: this day and those before it."""

_WORDS = {
    Span.DAY: "by day",
    Span.WEEK: "by week",
    Span.SITE: "by site",
    Span.REASON: "refusals by reason",
}
_NUMBER = _NAME = 10


class ReportsPage(AdminPage):
    NAME = "Reports"
    NEEDS = Action.SEE_REPORTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "span('day')", "Day"),
        Binding("w", "span('week')", "Week"),
        Binding("s", "span('site')", "Site"),
        Binding("r", "span('reason')", "Reason"),
        Binding("f", "days", "Days"),
        Binding("e", "export", "Export"),
        Binding("m", "mail", "Mail"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._span = Span.DAY
        self._days: Days | None = None
        self._title = Prose("", "title")
        self._table = Table()
        self._words = Prose("")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._table
        yield self._words

    @property
    def _period(self) -> Days:
        """The requested days; until then the last ones, up to today."""
        if self._days is not None:
            return self._days
        today = self.times.today()
        return today - timedelta(days=DAYS - 1), today

    def shown(self) -> None:
        self.ask(partial(self.desk.reports.make, self._span, *self._period), self._show)

    def _show(self, report: Report) -> None:
        days = f"{day_words(report.first)} to {day_words(report.last)}"
        self._title.say(f"{_WORDS[report.span].capitalize()}, {days}")
        rows = report.rows
        by_time = report.span in (Span.DAY, Span.WEEK)
        ordered = rows[::-1] if by_time else (*rows[-1:], *rows[:-1])
        lines = [TableLine(row[0], row) for row in ordered]
        columns = []
        for at, name in enumerate(report.columns):
            number = all(row[at].replace(",", "").isdigit() for row in rows)
            least = max(len(name), _NUMBER if number else _NAME)
            columns.append(Column(name, least, share=int(at == 0), right=number))
        self._table.show(lines, columns)
        self._words.say("" if lines else "Nothing was done in these days.")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "span":
            return parameters != (self._span.value,)
        return action not in {"export", "mail"} or self.permits(Action.EXPORT_REPORT)

    def action_span(self, span: str) -> None:
        self._span = Span(span)
        self.refresh_bindings()
        self.shown()

    @work(group=IN_DIALOG)
    async def action_days(self) -> None:
        form = ask_days(self.desk.reports, self._span, self._period)
        report = await self.app.push_screen_wait(form)
        if report is not None:
            self._days = report.first, report.last
            self._show(report)

    @work(group=IN_DIALOG)
    async def action_mail(self) -> None:
        form = ask_address(self.desk.reports, self._span, self._period)
        mailed_to = await self.app.push_screen_wait(form)
        if mailed_to is not None:
            app_of(self).announce(f"The report is on its way to {mailed_to}.")

    def action_export(self) -> None:
        export = partial(self.desk.reports.export, self._span, *self._period)
        self.act(export, lambda written: app_of(self).announce(written_words(written)))
