"""The first page: how the service stands now, and how it went lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal

from kiosk.administration.views.proposals import ProposalLine
from kiosk.administration.views.service import Day, Today
from kiosk.people_groups import PeopleGroup
from kiosk.roles import Action
from screens.admin.chart import LEAST_ROWS, Bars, Chart
from screens.admin.dialogs.must_read import MustRead
from screens.admin.figures import Figures
from screens.admin.page import Page, shell_of
from screens.widgets.prose import Prose

_ALARMS_SHOWN = 2
_WEEK = 7
_FOUR = 4
_QUIET = "✓ Nothing is out of order."


class TodayPage(Page):
    """Numbers at the left; at the right as many charts as there is room for, two or four."""

    NAME = "Today"
    NEEDS = Action.SEE_TODAY
    REFRESH_S = 10.0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "waiting", "What waits"),
        Binding("a", "alarms", "All alarms"),
        Binding("b", "group('blocked')", "Blocked"),
        Binding("u", "group('not-registered')", "Not registered"),
        Binding("e", "group('expiring')", "Card ends", show=False),
        Binding("n", "next", "Next chart"),
    ]
    can_focus = True

    def compose(self) -> ComposeResult:
        """Day, alarms, numbers, charts."""
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
        """Read the numbers."""
        self.ask(self.desk.today.look, self._show)

    def _show(self, today: Today) -> None:
        self._today = today
        at = shell_of(self).times
        self._title.say(f"Today, {at.day(today.at)}, at {at.clock(today.at)}")
        self._alarms.say(_alarms(today.alarms))
        self._alarms.set_class(bool(today.alarms), "-grave")
        self._waiting.say(_waiting(today.waiting))
        self._waiting.display = bool(today.waiting)
        self.set_class(bool(today.waiting), "-waiting")
        self._figures.show(today)
        self._draw()
        self.refresh_bindings()

    # --- charts --------------------------------------------------------------------------

    def on_resize(self, _event: events.Resize) -> None:
        """Use the room there is."""
        self.call_after_refresh(self._draw)

    def on_click(self, event: events.Click) -> None:
        """Turn to the next chart where one is clicked."""
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
            chart.show(bars)
        for at, chart in enumerate(self._charts):
            chart.display = at <= len(shown)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what is not to be seen already."""
        if action == "next":
            return not self.has_class("-every")
        if action == "waiting":
            return self._today is not None and bool(self._today.waiting)
        if action == "alarms":
            return self._today is not None and len(self._today.alarms) > _ALARMS_SHOWN
        return True

    def action_group(self, group: str) -> None:
        """Show the people behind a number."""
        shell_of(self).show_group(PeopleGroup(group))

    def action_next(self) -> None:
        """Show the next count by day."""
        self._first = (self._first + 1) % (_FOUR - 1)
        self._draw()

    def action_waiting(self) -> None:
        """Go where it can be agreed to."""
        shell_of(self).go_to("Waiting")

    def action_alarms(self) -> None:
        """Show them all."""
        if self._today is not None:
            self.app.push_screen(
                MustRead("Alarms", "What is out of order now:", self._today.alarms)
            )


def _waiting(waiting: Sequence[ProposalLine]) -> str:
    """Tell the oldest in full, and how many there are."""
    if not waiting:
        return ""
    first = waiting[0]
    by = "you" if first.is_mine else first.proposed_by
    about = f" ({first.about})" if first.about else ""
    more = f" And {len(waiting) - 1} more." if len(waiting) > 1 else ""
    told = first.told.rstrip(".")
    return f"• Waits for a second member: {told}{about}, proposed by {by}.{more}"


def by_day(days: Sequence[Day]) -> list[Bars]:
    """Return what is counted by day: a mark stands below each week's first day."""
    marks = tuple((at, _short(days[at].day)) for at in range(0, len(days), _WEEK))
    many = f"last {len(days)} days"
    return [
        Bars(f"Unlocked a day, {many}", tuple(day.unlocked for day in days), marks, "$brand"),
        Bars(f"Registered a day, {many}", tuple(day.registered for day in days), marks, "$done"),
        Bars(f"Refused a day, {many}", tuple(day.refused for day in days), marks, "$alarm"),
    ]


def by_hour(hours: Sequence[int]) -> Bars:
    """Return visits by hour of day."""
    marks = tuple((at, f"{at}h") for at in range(0, len(hours), 6))
    return Bars("Visits by hour, last 30 days", tuple(hours), marks, "$brand")


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _alarms(alarms: Sequence[str]) -> str:
    if not alarms:
        return _QUIET
    shown = list(alarms[:_ALARMS_SHOWN])
    if len(alarms) > _ALARMS_SHOWN:
        shown[-1] += f" And {len(alarms) - _ALARMS_SHOWN} more."
    return "\n".join(f"! {alarm}" for alarm in shown)
