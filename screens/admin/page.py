"""What every page of the RA application is: it asks the desk on a thread, and shows the answer.

A page is registered in ``screens.admin.app``. Its own keys are Textual ``BINDINGS`` of its
class: those with ``show`` stand in the footer, all that have a description are also in the
list of actions (Ctrl+P), so a key alone is never the only way. ``check_action`` hides what
does not make sense now. Plain letters are good keys where no field has the focus: a field
takes them as typing. F1 to F10, Alt+0 to 9, Ctrl+P, Ctrl+Q and Ctrl+C belong to the
application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar, cast, runtime_checkable

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import AuditFilter, Done
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.roles import Action, may
from kiosk.contract.errors import AdministrationError, ConcurrentChange, NotPermitted, StoreError
from screens.admin.table import Column, Table, TableLine
from screens.widgets.prose import Prose

if TYPE_CHECKING:
    from screens.admin.dialogs.form import Form
    from screens.admin.times import Times


# What the desk did not do, in plain words.

Refusal = AdministrationError | StoreError
"""What a desk may raise, and a page shows."""

OLD = "The database does not answer. What you see may be old."
NO_ACT = "The database does not answer. Look whether it was done before you try again."
NOT_YOURS = "Your role does not permit this."
FIRST = "Somebody else was first."


def headline(error: Refusal) -> str:
    """Return a title for it."""
    if isinstance(error, ConcurrentChange):
        return FIRST
    if isinstance(error, NotPermitted):
        return NOT_YOURS
    return "That was not done"


def not_seen(error: Refusal) -> str:
    """Return the sentence for something that was only to be looked at."""
    return OLD if isinstance(error, StoreError) else str(error)


def explanation(error: Refusal) -> str:
    """Return the sentence that says what happened and what to do."""
    return NO_ACT if isinstance(error, StoreError) else str(error)


def changes(error: Refusal) -> tuple[str, ...]:
    """Return what others did meanwhile."""
    return error.changes if isinstance(error, ConcurrentChange) else ()


T = TypeVar("T")

ACTING = "act"
"""The group of workers that change something: the application never ends while one runs."""


class AdminPage(Container):
    """One page of the application, mounted when it is first shown, and shown again and again.

    ``NAME`` is its short name in the bar at the top, ``NEEDS`` what a role must be
    permitted for the page to be offered at all. Subclasses fill ``shown``.
    """

    NAME: ClassVar[str]
    NEEDS: ClassVar[Action]
    BELOW: ClassVar[str] = ""
    """The page of the bar that this one belongs to; such a page is in no bar itself."""
    REFRESH_S: ClassVar[float | None] = None
    """Seconds between looks while the page is up; None where only staff change what it shows."""

    class Failed(Message):
        """The desk did not do what was asked; ``acting`` where it was to change something."""

        def __init__(self, error: AdministrationError | StoreError, *, acting: bool) -> None:
            super().__init__()
            self.error = error
            self.acting = acting

    class Answered(Message):
        """The desk has answered: an old trouble with it is over."""

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(id=f"page-{self.NAME.lower()}")
        self.desk = desk
        self._last: Widget | None = None

    def on_mount(self) -> None:
        """Look again from time to time."""
        if self.REFRESH_S is not None:
            self.set_interval(self.REFRESH_S, self.look_again)

    def look_again(self) -> None:
        """Look again, where the page is up."""
        if self.is_up:
            self.shown()

    def shown(self) -> None:
        """Ask for what is to be seen; called when the page comes up and when it may be stale."""

    def take_focus(self) -> None:
        """Put the focus where it was when the page was left, else on the first that takes it."""
        chosen = self._last if self._last in self.screen.focus_chain else None
        own = (w for w in self.screen.focus_chain if self in w.ancestors_with_self)
        chosen = chosen or next(own, None)
        if chosen is not None:
            chosen.focus(scroll_visible=False)

    def left(self) -> None:
        """Remember where the focus was."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors_with_self:
            self._last = focused

    @property
    def is_up(self) -> bool:
        """Whether this is the page that shows, be it under a dialog."""
        return self.is_mounted and self.display

    def permits(self, action: Action) -> bool:
        """Return whether the reader's role may; the desk judges again when it is asked."""
        return may(self.desk.me.role, action)

    def ask(self, call: Callable[[], T], then: Callable[[T], None], group: str = "look") -> None:
        """Read something on a thread, then show it; a newer question of a group replaces it."""
        self.run_worker(self._asked(call, then, acting=False), group=group, exclusive=True)

    def act(self, call: Callable[[], T], then: Callable[[T], None]) -> None:
        """Change something on a thread; it is never given up once it has begun."""
        self.run_worker(self._asked(call, then, acting=True), group=ACTING)

    def put(self, form: Form[Done]) -> None:
        """Ask in a dialog that acts by itself; then say what was done and show it."""
        form.on_stale = self.shown
        self.app.push_screen(form, self._was_done)

    def _was_done(self, done: Done | None) -> None:
        if done is not None:
            shell_of(self).tell(told_of(done))
            self.shown()

    async def _asked(
        self, call: Callable[[], T], then: Callable[[T], None], *, acting: bool
    ) -> None:
        try:
            answer = await asyncio.to_thread(call)
        except (AdministrationError, StoreError) as error:
            self.post_message(self.Failed(error, acting=acting))
        else:
            if self.is_attached:  # the application may have ended meanwhile
                self.post_message(self.Answered())
                then(answer)


@runtime_checkable
class ShowsPerson(Protocol):
    """The page about one person; there is one class of it among the pages."""

    def look_at(self, holder_id: str) -> None:
        """Turn to this person; ``shown`` is called next."""


@runtime_checkable
class ShowsGroup(Protocol):
    """The page that lists a group of people; there is one class of it among the pages."""

    def look_at_group(self, group: PeopleGroup) -> None:
        """Turn to this group; ``shown`` is called next."""


@runtime_checkable
class ShowsRows(Protocol):
    """The page of the audit; there is one class of it among the pages."""

    def look_at_rows(self, only: AuditFilter) -> None:
        """Narrow it to these rows; ``shown`` is called next."""


def told_of(done: Done) -> str:
    """Return what was done, with the reference that finds it in the audit."""
    return f"{done.told} Reference {done.reference}."


class Shell(Protocol):
    """What a page may ask of the application around it."""

    @property
    def times(self) -> Times:
        """How moments are written here."""

    def go_to(self, page: str) -> None:
        """Show the page with this ``NAME``."""

    def go_back(self) -> None:
        """Show the page that the one that shows was opened from."""

    def show_person(self, holder_id: str) -> None:
        """Show a person's page, wherever one is."""

    def show_group(self, group: PeopleGroup) -> None:
        """Show the list of a group of people, wherever there is one."""

    def show_rows(self, only: AuditFilter) -> None:
        """Show these rows of the audit, if the role may see them."""

    def tell(self, text: str) -> None:
        """Say what was done."""


def shell_of(widget: Widget) -> Shell:
    """Return the application around a page or a dialog."""
    return cast(Shell, widget.app)


# A page that lists lines, and says below the table what the marked one means.

Line = TypeVar("Line")


class LinesPage(AdminPage, Generic[Line]):
    """Title, table, words; what can be done follows the mark."""

    TITLE: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    """What it says where there are no lines."""

    def __init__(self, desk: AdminDesk, *columns: Column) -> None:
        super().__init__(desk)
        self._lines: dict[str, Line] = {}
        self._title = Prose(self.TITLE, "title")
        self._table = Table(*columns)
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        """Title, table, words."""
        yield self._title
        yield self._table
        yield self._words

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show ``lines`` in this order; the mark stays where it was."""
        rows = [self.row_of(line) for line in lines]
        self._lines = {row.key: line for row, line in zip(rows, lines, strict=True)}
        self._table.show(rows)
        self._explain()

    def row_of(self, line: Line) -> TableLine:
        raise NotImplementedError

    def explained(self, line: Line) -> str:
        """Return what there is to know of the marked line."""
        raise NotImplementedError

    # --- the marked one ------------------------------------------------------------------

    @property
    def marked(self) -> Line | None:
        """The line that is marked, as it was read last."""
        return self._lines.get(self._table.marked)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        line = self.marked
        self._words.say(self.EMPTY if line is None else self.explained(line))
        self.refresh_bindings()
