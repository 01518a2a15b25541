"""The first page: the present state of the service, and the last weeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from kiosk.authority.administration.views import AuditFilter, Day, ProposalLine, Today
from kiosk.authority.audit.events import Count
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.roles import Action
from screens.admin.dialogs.dialog import MustRead
from screens.admin.page import AdminPage, app_of
from screens.admin.people_lists import many
from screens.admin.times import span, took
from screens.widgets.prose import Prose, printable
from screens.words.staff.alarms import alarm_lines
from screens.words.staff.proposals import proposal_words

# Counts as bars of text. They begin at zero, unlike those of Textual's Sparkline, which shows the
# least count as none.

LEFT = 5
"""Cells at the left of the bars: a number and the axis."""

_BELOW = 2
_BAR = " ▄█"
_THOUSAND, _MOST = 1000, 9999


def plotted_rows(
    counts: tuple[int, ...], marks: tuple[tuple[int, str], ...], width: int, height: int
) -> list[str]:
    """Return ``height`` rows of text; none where they would be too narrow or too low.

    Each count has the same whole number of cells, the last of which stays empty where it has more
    than one. The last two rows are the axis and its labels.
    """
    cells = (width - LEFT) // len(counts)
    bars = height - _BELOW
    if cells < 1 or bars < 1:
        return []
    most = max(counts)
    halves = [max(count > 0, round(2 * bars * count / max(most, 1))) for count in counts]
    scale = {bars - 1: _number(most) + "┤", 0: _number(0) + "┤"}
    drawn = []
    for row in reversed(range(bars)):
        filled = (_BAR[min(2, max(0, half - 2 * row))] for half in halves)
        bar = "".join((each * max(1, cells - 1)).ljust(cells) for each in filled)
        drawn.append(scale.get(row, "│".rjust(LEFT)) + bar)
    columns = cells * len(counts)
    axis, labels = ["─"] * columns, " " * columns
    for place, text in marks:
        at = place * cells
        if at + len(text) <= columns:
            axis[at] = "┬"
            labels = labels[:at] + text + labels[at + len(text) :]
    return [*drawn, "└".rjust(LEFT) + "".join(axis), " " * LEFT + labels]


def _number(count: int) -> str:
    """Format a count in as many cells as there are."""
    text = str(count) if count <= _MOST else f"{count // _THOUSAND}k"
    return text.rjust(LEFT - 1)


LEAST_ROWS = 6
"""Title, three rows of bars, axis and its labels."""


@dataclass(frozen=True, slots=True)
class Bars:
    """``counts`` from left to right; ``marks`` are (place in counts, text) below the axis."""

    title: str
    counts: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]
    colour: str = "$brand"


class Chart(Widget, inherit_bindings=False):
    """A title and bars below it, as wide as whole cells allow; drawn again when resized."""

    bars: reactive[Bars | None] = reactive(None)

    def render(self) -> Content:
        if self.bars is None:
            return Content("")
        title = Content.styled(printable(self.bars.title), "bold $ink")
        if not any(self.bars.counts):
            return Content("\n").join([title, Content.styled("Nothing yet.", "$quiet")])
        width, height = self.content_size
        rows = plotted_rows(self.bars.counts, self.bars.marks, width, height - 1)
        axis = len(rows) - 2  # the last two rows: its line and its labels
        lines = [title]
        for at, row in enumerate(rows):
            colour = self.bars.colour if at < axis else "$quiet"
            lines.append(Content.assemble((row[:LEFT], "$quiet"), (row[LEFT:], colour)))
        return Content("\n").join(lines)


class Line(NamedTuple):
    """One row; ``behind``: what a click on it opens, a list or the page of this name."""

    words: str
    number: str
    style: str = ""
    behind: PeopleGroup | AuditFilter | str | None = None


_FIXED = 10
_IN = "  "
_STRONG, _OPENS = "bold $brand", "$brand"
_GRAVE = "bold $alarm"


class Figures(Widget, inherit_bindings=False):
    today: reactive[Today | None] = reactive(None)

    def on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None or self.today is None:
            return
        shown = lines(self.today, self.content_size.height)
        match shown[place.y].behind if place.y < len(shown) else None:
            case PeopleGroup() as group:
                app_of(self).show_group(group)
            case AuditFilter() as only:
                app_of(self).show_rows(only)
            case str() as page:
                app_of(self).action_go_to(page)

    def render(self) -> Content:
        if self.today is None:
            return Content("")
        width, height = self.content_size
        rows = []
        for words, number, style, _behind in lines(self.today, height):
            room = max(1, width - len(number) - 1)
            left = Content(printable(words)).truncate(room, ellipsis=True, pad=True)
            rows.append(Content.assemble(left, " ", number).stylize(style))
        return Content("\n").join(rows)


def behind(today: Today, counted: Count) -> AuditFilter:
    """Return which rows of the audit are behind a figure of the day."""
    return AuditFilter(since=today.since, counted=counted)


def lines(today: Today, height: int) -> list[Line]:
    """Return what fits into ``height`` rows; lists are shortened, never the numbers."""
    down = [
        *(Line(f"{_IN}✗ {name}", "silent", _GRAVE) for name in today.stations_down),
        *(Line(f"{_IN}○ {name}", "not started") for name in today.stations_not_started),
    ]
    unlocked, registered, refused = (
        behind(today, counted) for counted in (Count.UNLOCKED, Count.REGISTERED, Count.REFUSED)
    )
    refusals = [
        Line(f"{_IN}{one.words}", str(one.count), _OPENS, replace(refused, reason=one.reason))
        for one in today.refusals
    ]
    room = max(0, height - _FIXED)
    down_room = min(len(down), max(room // 3, room - len(refusals)))
    median = "–" if today.median_s is None else took(today.median_s)
    taking = "" if today.code_by_mail_s is None else f", taking {took(today.code_by_mail_s)}"
    stations = today.stations_up + len(today.stations_down) + len(today.stations_not_started)
    up, style = f"{today.stations_up} of {stations}", _GRAVE if today.stations_down else _OPENS
    oldest = f", oldest {span(today.mail_oldest_s)}" if today.mail_waiting else ""
    return [
        Line("Unlocked today", str(today.unlocked), _STRONG, unlocked),
        Line("Registered today", str(today.registered), _STRONG, registered),
        Line("Refused today", str(sum(one.count for one in today.refusals)), _STRONG, refused),
        *_cut(refusals, room - down_room, "other reasons"),
        Line("Typical unlocking visit", median),
        Line("Wait for a code by mail", f"{today.waiting_for_code}{taking}"),
        Line("Blocked: only staff can help", many(today.blocked), _OPENS, PeopleGroup.BLOCKED),
        Line("Not registered", many(today.not_registered), _OPENS, PeopleGroup.NOT_REGISTERED),
        Line("Card ends this month", many(today.expiring), _OPENS, PeopleGroup.EXPIRING),
        Line("Stations up", up, style, "Stations"),
        *_cut(down, down_room, "others"),
        Line("Mail waiting to leave", f"{today.mail_waiting}{oldest}"),
    ]


def _cut(found: Sequence[Line], room: int, others: str) -> Iterator[Line]:
    if len(found) <= room:
        yield from found
    elif room > 0:
        yield from found[: room - 1]
        yield Line(f"{_IN}and {len(found) - room + 1} {others}", "", "$quiet")


_ALARMS_SHOWN = 2
_WEEK = 7
_FOUR = 4


class TodayPage(AdminPage):
    """Numbers at the left; at the right as many charts as fit, two or four."""

    NAME = "Today"
    NEEDS = Action.SEE_TODAY
    REFRESH_S = 10.0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "waiting", "What waits", show=False),  # F3 stands in the bar
        Binding("a", "alarms", "Alarms"),
        Binding("b", "group('blocked')", "Blocked"),
        Binding("u", "group('not-registered')", "Not registered"),
        Binding("e", "group('expiring')", "Card ends"),
        Binding("n", "next", "Chart"),
        Binding("k", "counted('unlocked')", "Unlocked today", show=False),
        Binding("g", "counted('registered')", "Registered today", show=False),
        Binding("r", "counted('refused')", "Refused today", show=False),
    ]
    can_focus = True

    def compose(self) -> ComposeResult:
        self._today: Today | None = None
        self._first = 0
        self._title = Prose("Today", "title")
        self._alarms = Prose("", "alarms")
        self._waiting = Prose("", "waiting")
        self._figures = Figures()
        self._charts = [Chart() for _ in range(_FOUR)]
        yield self._title
        yield self._alarms
        yield self._waiting
        with Horizontal():
            yield self._figures
            with Grid(id="charts"):
                yield from self._charts

    def shown(self) -> None:
        self.ask(self.desk.today.look, self._show)

    def _show(self, today: Today) -> None:
        self._today = today
        at = self.times
        self._title.say(f"Today, {at.day(today.at)}, at {at.clock(today.at)}")
        self._alarms.say(_alarms(alarm_lines(today)))
        self._alarms.set_class(bool(today.alarms), "-grave")
        self._waiting.say(_waiting(today.waiting))
        self._waiting.display = bool(today.waiting)
        self.set_class(bool(today.waiting), "-waiting")
        self._figures.today = today
        self._draw()
        self.refresh_bindings()

    def on_resize(self, _event: events.Resize) -> None:
        self.call_after_refresh(self._draw)

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, Chart):
            self.action_next()

    def _draw(self) -> None:
        every = self.query_one("#charts", Grid).size.height // (LEAST_ROWS + 1) >= _FOUR
        self.set_class(every, "-every")
        if self._today is None:
            return
        counts, hours = by_day(self._today.days), by_hour(self._today.hours)
        shown = counts if every else [counts[self._first]]
        for chart, bars in zip(self._charts, [*shown, hours], strict=False):
            chart.bars = bars
        for at, chart in enumerate(self._charts):
            chart.display = at <= len(shown)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is not already visible."""
        if action == "next":
            return not self.has_class("-every")
        if action == "waiting":
            return self._today is not None and bool(self._today.waiting)
        if action == "alarms":
            return self._today is not None and len(self._today.alarms) > _ALARMS_SHOWN
        return True

    def action_group(self, group: str) -> None:
        app_of(self).show_group(PeopleGroup(group))

    def action_counted(self, counted: str) -> None:
        if self._today is not None:
            app_of(self).show_rows(behind(self._today, Count(counted)))

    def action_next(self) -> None:
        self._first = (self._first + 1) % (_FOUR - 1)
        self._draw()

    def action_waiting(self) -> None:
        app_of(self).action_go_to("Waiting")

    def action_alarms(self) -> None:
        if self._today is not None:
            self.app.push_screen(
                MustRead("Alarms", "What is out of order now:", alarm_lines(self._today))
            )


def _waiting(waiting: Sequence[ProposalLine]) -> str:
    """Show the first in full, and how many there are."""
    if not waiting:
        return ""
    first = waiting[0]
    by = "you" if first.is_mine else first.proposed_by
    about = f" ({first.about})" if first.about else ""
    more = f" And {len(waiting) - 1} more." if len(waiting) > 1 else ""
    sentence = proposal_words(first.what).rstrip(".")
    return f"• Waits for a second member, proposed by {by}: {sentence}{about}.{more}"


def by_day(days: Sequence[Day]) -> list[Bars]:
    """Return the counts by day: a label stands below each week's first day."""
    first_days = [(at, days[at].day) for at in range(0, len(days), _WEEK)]
    marks = tuple((at, f"{day.day} {day:%b}") for at, day in first_days)
    many = f"last {len(days)} days"
    return [
        Bars(f"Unlocked a day, {many}", tuple(day.unlocked for day in days), marks, "$brand"),
        Bars(f"Registered a day, {many}", tuple(day.registered for day in days), marks, "$done"),
        Bars(f"Refused a day, {many}", tuple(day.refused for day in days), marks, "$alarm"),
    ]


def by_hour(hours: Sequence[int]) -> Bars:
    marks = tuple((at, f"{at}h") for at in range(0, len(hours), 6))
    return Bars("Visits by hour, last 30 days", tuple(hours), marks, "$brand")


def _alarms(alarms: Sequence[str]) -> str:
    if not alarms:
        return "✓ Nothing is out of order."
    shown = list(alarms[:_ALARMS_SHOWN])
    if len(alarms) > _ALARMS_SHOWN:
        shown[-1] += f" And {len(alarms) - _ALARMS_SHOWN} more."
    return "\n".join(f"! {alarm}" for alarm in shown)
