"""What every page of the RA application is: it asks the desk on a thread, and shows the answer.

A page is registered in ``screens.admin.app``. Its own keys are Textual ``BINDINGS`` of its class:
those with ``show`` stand in the footer, all that have a description are also in the list of actions
(Ctrl+P), so a key alone is never the only way. ``check_action`` hides actions that make no sense
now. Plain letters are good keys where no field has the focus: a field takes them as typing. F1 to
F10, Alt+0 to 9, Ctrl+P, Ctrl+Q and Ctrl+C belong to the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import DataTable

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import AuditFilter, Done
from kiosk.authority.errors import AdministrationError, StoreError
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.roles import Action, may
from screens.admin.dialogs.dialog import ACTING
from screens.admin.dialogs.form import Form
from screens.admin.refusals import DeskAnswered, DeskRefused
from screens.admin.times import Times
from screens.admin.widgets import Column, Table, TableLine
from screens.widgets.prose import Prose
from screens.words.staff.deeds import deed_words

T = TypeVar("T")

IN_DIALOG = "dialog"
"""The group of workers that wait for the answers of dialogs, and do nothing else."""


class PageHost(Protocol):
    """The application, as its pages see it: each leads to another, and says what was done."""

    @property
    def times(self) -> Times: ...

    def action_go_to(self, page: str) -> None: ...

    def show_person(self, holder_id: str, words: str = "") -> None: ...

    def show_group(self, group: PeopleGroup) -> None: ...

    def show_rows(self, only: AuditFilter) -> None: ...

    def announce(self, text: str) -> None: ...


class AdminPage(Container):
    """One page of the application, mounted when it is first shown, and shown again and again.

    ``NAME`` is its short name in the bar at the top, ``NEEDS`` the permission that a role needs for
    the page. Subclasses fill ``shown``.
    """

    NAME: ClassVar[str]
    NEEDS: ClassVar[Action]
    BELOW: ClassVar[str] = ""
    """The page of the bar to which this one belongs; this one is in no bar itself."""
    REFRESH_S: ClassVar[float | None] = None
    """Seconds between refreshes while the page is shown; None where only staff change its data."""

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(id=f"page-{self.NAME.lower()}")
        self.desk = desk
        self._last: Widget | None = None

    def on_mount(self) -> None:
        if self.REFRESH_S is not None:
            self.set_interval(self.REFRESH_S, self.look_again)

    def action_refresh(self) -> None:
        self.shown()

    def look_again(self) -> None:
        if self.is_up:
            self.shown()

    def look_at(self, about: Any, /) -> None:
        """Take another subject; ``shown`` is called next."""
        raise NotImplementedError

    def shown(self) -> None:
        """Request the data; called when the page is shown and when they may be stale."""

    def take_focus(self) -> None:
        chosen = self._last if self._last in self.screen.focus_chain else None
        own = (w for w in self.screen.focus_chain if self in w.ancestors_with_self)
        chosen = chosen or next(own, None)
        if chosen is not None:
            chosen.focus(scroll_visible=False)

    def left(self) -> None:
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors_with_self:
            self._last = focused

    @property
    def is_up(self) -> bool:
        """Whether this is the present page, also under a dialog."""
        return self.is_mounted and self.display

    @property
    def is_covered(self) -> bool:
        """Whether a dialog is open, as after the first of two clicks that came in one packet."""
        return self.app.screen is not self.screen

    @property
    def times(self) -> Times:
        return app_of(self).times

    def permits(self, action: Action) -> bool:
        """Return whether the reader's role may; the desk judges again when it is asked."""
        return may(self.desk.me.role, action)

    def ask(self, call: Callable[[], T], then: Callable[[T], None], group: str = "look") -> None:
        """Read something on a thread, then show it; a newer request of a group replaces it."""
        self.run_worker(self._asked(call, then, acting=False), group=group, exclusive=True)

    def act(self, call: Callable[[], T], then: Callable[[T], None]) -> None:
        """Change something on a thread; it is never cancelled once it has begun."""
        self.run_worker(self._asked(call, then, acting=True), group=ACTING)

    @work(group=IN_DIALOG)
    async def put(self, form: Form[Done]) -> None:
        """Open a dialog that acts by itself; then show what was done and refresh."""
        if self.is_covered:
            return
        form.on_stale = self.shown
        done = await self.app.push_screen_wait(form)
        if done is not None:
            self.was_done(done)

    def was_done(self, done: Done) -> None:
        app_of(self).announce(done_words(done))
        self.shown()

    async def _asked(
        self, call: Callable[[], T], then: Callable[[T], None], *, acting: bool
    ) -> None:
        try:
            answer = await asyncio.to_thread(call)
        except (AdministrationError, StoreError) as error:
            self.post_message(DeskRefused(error, acting=acting))
        else:
            if self.is_attached:  # the application may have ended by now
                self.post_message(DeskAnswered())
                then(answer)


def done_words(done: Done) -> str:
    return f"{deed_words(done.deed)} Reference {done.reference}."


def app_of(widget: Widget) -> PageHost:
    return cast("PageHost", widget.app)


Line = TypeVar("Line")


class LinesPage(AdminPage, Generic[Line]):
    """Lists lines in a table and explains the marked one below it; its actions depend on that."""

    TITLE: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    """What it says where there are no lines."""
    COLUMNS: ClassVar[Sequence[Column]]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._lines: dict[str, Line] = {}
        self._title = Prose(self.TITLE, "title")
        self._table = Table(*self.COLUMNS)
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._table
        yield self._words

    def show_lines(self, lines: Sequence[Line], columns: Sequence[Column] | None = None) -> None:
        """Show ``lines``, under other ``columns`` where some are given; the mark stays."""
        rows = [self.row_of(line) for line in lines]
        self._lines = {row.key: line for row, line in zip(rows, lines, strict=True)}
        self._table.show(rows, columns)
        self._explain()

    def row_of(self, line: Line) -> TableLine:
        raise NotImplementedError

    def explained(self, line: Line) -> str:
        raise NotImplementedError

    @property
    def marked(self) -> Line | None:
        return self._lines.get(self._table.marked)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        line = self.marked
        self._words.say(self.EMPTY if line is None else self.explained(line))
        self.refresh_bindings()
