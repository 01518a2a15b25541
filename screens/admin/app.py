"""The RA application: the pages of a role, and the frame around them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from textual import events, work
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Input
from textual.worker import WorkerError

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import AuditFilter
from kiosk.authority.errors import ConcurrentChange, NotFound, NotStaff
from kiosk.authority.people_groups import PeopleGroup
from kiosk.authority.roles import may
from screens import theme
from screens.admin.audit import AuditRows
from screens.admin.dialogs.dialog import ACTING, Dialog, Listing, MustRead, named
from screens.admin.imports import ImportPage
from screens.admin.page import AdminPage
from screens.admin.people import PeoplePage
from screens.admin.people_lists import CardsPage, PeopleListsPage
from screens.admin.person import AboutPerson
from screens.admin.policy import PolicyPage, QuestionsPage
from screens.admin.refusals import DeskAnswered, DeskRefused, explanation, headline
from screens.admin.reports import ReportsPage
from screens.admin.staff import StaffPage
from screens.admin.stations import StationsPage
from screens.admin.times import Times
from screens.admin.today import TodayPage
from screens.admin.waiting import ProposalsPage
from screens.admin.widgets import (
    HEIGHTS,
    WIDTHS,
    AdminScreen,
    Heading,
    KeyBar,
    TabBar,
    Table,
    TooSmall,
    size_classes,
)
from screens.terminal.closed_app import ClosedApp
from screens.terminal.driver import AdminDriver, HungUp, KeysLost
from screens.terminal.lockdown import OnFault
from screens.theme import Appearance
from screens.widgets.prose import Prose, printable
from screens.words.frame import KEYS_LOST
from screens.words.staff.refusals import change_lines


class End(StrEnum):
    LOGGED_OUT = "logged-out"
    IDLE = "idle"
    HUNG_UP = "hung-up"
    REMOVED = "removed"


FAREWELLS: Final[dict[End | None, str]] = {
    End.LOGGED_OUT: "You are logged out.",
    End.IDLE: "You were logged out: nobody touched a key for a while. Log in again to go on.",
    End.HUNG_UP: "The connection was lost.",
    End.REMOVED: "Your key does not let you in any more, and you were logged out. Ask a manager.",
    None: "Something went wrong on our side, and you were logged out. It is noted.",
}
"""What to print on the terminal; None is a fault."""


# The pages, of which one is shown.

About = str | PeopleGroup | AuditFilter | None
"""A person (holder id), a group of people, or rows of the audit."""


class PageSwitcher(ContentSwitcher):
    """Makes a page at its first use, and keeps it with what was typed in it."""

    def __init__(self, desk: AdminDesk, pages: Mapping[str, type[AdminPage]]) -> None:
        super().__init__(id="pages")
        self._desk = desk
        self._offered = pages
        self._made: dict[str, AdminPage] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._offered

    @property
    def present(self) -> AdminPage | None:
        return cast(AdminPage | None, self.visible_content)

    async def switch_to(self, name: str, about: About = None) -> AdminPage:
        """Show the page ``name``; where it has a subject, with ``about`` as that."""
        if name not in self._made:
            self._made[name] = self._offered[name](self._desk)
            await self.add_content(self._made[name])
        page = self._made[name]
        if about is not None:
            page.look_at(about)
        if self.present is not None and self.present is not page:
            self.present.left()
        self.current = page.id
        page.take_focus()
        page.shown()
        return page


# One key after the other, however fast they come.
#
# Textual sends a key to the widget with the focus when the key arrives, and handles it later. In a
# burst of keys, as over a slow line, those after a Tab would go into the field that was left, and
# those after the key of a dialog to the page.

_ROUNDS = 2
"""A key becomes a message of its widget, which then passes through the widget's ancestors."""

_LOOK_S = 0.01
_PATIENCE_S = 0.5


class SerialEvents:
    """Passes events on to ``app``, each once the last was handled, or half a second later."""

    def __init__(self, app: App[Any], pass_on: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._pass_on = pass_on
        self._waiting: deque[events.Event] = deque()
        self._busy = False
        self._dropped_at = float("-inf")

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: events.Event) -> None:
        self._waiting.append(event)
        if not self._busy:
            self._busy = True
            self._app.run_worker(self._work_off(), group="keys")

    def drop(self) -> None:
        """Drop what was typed until now: it was for the closed dialog, not for the page below."""
        self._dropped_at = events.Event().time

    async def worked_off(self) -> None:
        """Return once everything that was put so far, and since, is handled."""
        while self._busy:
            await asyncio.sleep(_LOOK_S)

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                await self._one(self._waiting.popleft())
        finally:
            self._busy = False

    async def _one(self, event: events.Event) -> None:
        screen = self._app.screen
        if isinstance(screen, Dialog):
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await screen.ready.wait()
        if isinstance(screen, CommandPalette):  # Enter runs what was typed for, not what was there
            await _idle(screen)
            for worker in [one for one in self._app.workers if one.node is screen]:
                with suppress(WorkerError):
                    await worker.wait()
        if event.time <= self._dropped_at:
            return
        target = self._app.focused or self._app.screen
        await self._pass_on(event)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                for _ in range(_ROUNDS):
                    for node in (*target.ancestors_with_self, self._app):
                        await _idle(node)


async def _idle(node: MessagePump) -> None:
    """Return once ``node`` has handled its queue, or is gone."""
    done = asyncio.Event()
    node.call_later(done.set)
    while node.is_running and not done.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await done.wait()


# An unattended session is closed: first a warning, then the end.

WARNING_S = 30.0
"""How long the warning is shown."""


@dataclass(slots=True)
class Idle:
    """Measures how long nobody did anything; seconds by ``now`` (monotonic)."""

    after_s: float
    now: Callable[[], float]
    since: float = 0.0

    def touched(self) -> None:
        self.since = self.now()

    @property
    def left_s(self) -> float:
        return max(0.0, self.since + self.after_s - self.now())

    @property
    def warns(self) -> bool:
        return self.left_s <= min(WARNING_S, self.after_s / 2)


class IdleWarning(Dialog[None]):
    def __init__(self, idle: Idle) -> None:
        super().__init__()
        self._idle = idle
        self._text = Prose("")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Prose("Are you still there?", classes="title")
            yield self._text
            yield Prose("Press any key to go on.", classes="keys")

    def on_mount(self) -> None:
        self.refresh_text()

    def refresh_text(self) -> None:
        left = math.ceil(self._idle.left_s)
        self._text.say(
            f"You are logged out in {left} s. What was not sent is lost."
            if left
            else "You are logged out as soon as what is under way is done."
        )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.dismiss()


# The help: what each page is for, and the keys of the whole application.

HELP: Final[dict[str, str]] = {
    "Today": "How the service stands now. A number in colour opens the list behind it.",
    "People": (
        "Type what a caller can read out: a name, a number, an address, a card, the reference "
        "on a station's screen, or the eight digits of a mail. Enter opens the marked person. "
        "Lists are of people by how they stand, Cards are those that no station could serve."
    ),
    "Lists": "People by how they stand. A click on a heading sorts; Enter opens the marked person.",
    "Cards": (
        "Cards that stations met and could not serve: not recorded, or not read. Below is what to "
        "tell the caller, and which recorded card it may be; one that is somebody's can be added "
        "to them."
    ),
    "Person": (
        "The first two lines say why they can or cannot unlock, and what to do. Below is what "
        "can be done for them now, and what happened. It is read anew every few seconds."
    ),
    "Waiting": "What a colleague began waits here until a second member of staff agrees.",
    "Stations": "Every station, and whether it was heard of lately.",
    "Audit": "Everything that was done, newest first. It can be narrowed, verified and exported.",
    "Questions": "The security questions that people choose from.",
    "Policy": "The rules of the service. A change counts at every station within a minute.",
    "Staff": "Who may log in here, as what, and with which keys.",
    "Import": "Files of people. A file is tried before anything is written.",
    "Reports": "What was done, counted by day, week, site or reason.",
}

HELP_KEYS: Final = (
    ("F1 to F10", "Turn to a page; Alt with a digit does the same"),
    ("Enter", "In a dialog: the next field; in the last one: send"),
    ("Esc", "Leave a dialog, or go back"),
    ("?", "This help; in the fields of a dialog it is typed"),
    ("Ctrl+P", "All that can be done here, by its name"),
    ("Ctrl+Q", "Log out"),
)


EVERY_PAGE: Final[tuple[type[AdminPage], ...]] = (
    TodayPage,
    PeoplePage,
    PeopleListsPage,
    AboutPerson,
    CardsPage,
    ProposalsPage,
    StationsPage,
    AuditRows,
    QuestionsPage,
    PolicyPage,
    StaffPage,
    ImportPage,
    ReportsPage,
)
"""Every page, in the order of the bar; add a new one here."""

ORDER = tuple(page.NAME for page in EVERY_PAGE if not page.BELOW)
"""The bar; a page has the same key for every role, F1 to F10."""


IDLE_S = 600.0
"""Seconds without a key or the mouse after which a session closes."""

_TICK_S = 0.5

DONE_S = 12.0
UNTIL_IT_IS_RIGHT_S = 86400.0
"""How long a message about what was done or wrong stays: longer than any session."""

_KEY_NAMES = {"enter": "Enter", "escape": "Esc", "question_mark": "?"}
_HOW_OUT = "Ctrl+Q logs you out."
_CLOSE_FIRST = "Close this first: Esc."


Command = tuple[str, str, Callable[[], object]]
"""Its label, its key (empty: none), and its action."""


class Commands(Provider):
    async def discover(self) -> Hits:
        for does, key, run in cast(AdminApp, self.app).commands(self.screen):
            yield DiscoveryHit(Content.assemble(does, (f"  {key}", "$quiet")), run, does)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for does, key, run in cast(AdminApp, self.app).commands(self.screen):
            if (score := matcher.match(does)) > 0:
                display = Content.assemble(matcher.highlight(does), (f"  {key}", "$quiet"))
                yield Hit(score, display, run, does)


class AdminApp(ClosedApp[End], inherit_bindings=False):
    """Shows one page at a time.

    ``run`` returns how the session ended, None after a fault, which is passed to ``on_fault``
    (``return_code`` is then ``FAULT_CODE``). ``FAREWELLS`` has the sentence for the terminal.
    In every case a running call of the desk that changes something is finished first.
    """

    CSS_PATH = Path(__file__).with_name("admin.tcss")
    COMMANDS: ClassVar[set[Any]] = {Commands}
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "log_out", show=False, priority=True),
        Binding("ctrl+c", "how_out", show=False, priority=True),
        Binding("ctrl+p", "command_palette", "More", show=False, priority=True),
        Binding("question_mark", "help", "Help"),
        *(
            Binding(f"f{n},alt+{n % 10}", f"page({n})", show=False, priority=True)
            for n in range(1, 11)
        ),
    ]

    def __init__(
        self,
        desk: AdminDesk,
        on_fault: OnFault,
        *,
        pages: Sequence[type[AdminPage]] = EVERY_PAGE,
        accent: str = Appearance().accent,
        dark: bool = False,
        few_colours: bool = False,
        sixteen_colours: bool = False,
        idle_s: float = IDLE_S,
        times: Times | None = None,
        now: Callable[[], float] = time.monotonic,
        hung_up: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(on_fault, AdminDriver)
        self._hung_up = hung_up
        self.animation_level = "none"  # each frame would go over the line
        self.times = times or Times()
        self._idle = Idle(idle_s, now, now())
        self._serial_events = SerialEvents(self, super().on_event)
        self._end: End | None = None
        offered = {page.NAME: page for page in pages if may(desk.me.role, page.NEEDS)}
        self._numbered = {at: name for at, name in enumerate(ORDER, 1) if name in offered}
        self._heading = Heading(desk.service, desk.me, self.action_log_out)
        self._too_small = TooSmall()
        self._bar = TabBar({n: f"F{at} {n}" for at, n in self._numbered.items()}, self.action_go_to)
        self._switcher = PageSwitcher(desk, offered)
        self._opened_from: dict[str, str] = {}
        self._complains = False
        self.set_class(few_colours, "-few-colours", update=False)
        self.set_class(sixteen_colours, "-sixteen-colours", update=False)
        for one in theme.themes(accent, few_colours=few_colours):
            self.register_theme(one)
        self.begin_with(theme.DARK if dark else theme.LIGHT)

    @property
    def cursor_position(self) -> Offset:
        """Where the terminal's cursor is put: at the focus, for magnifiers and screen readers.

        Textual leaves it in the last field, and draws a mark that they do not see (WCAG2ICT, B).
        """
        focused = self.focused
        if isinstance(focused, Input | Table):
            return focused.cursor_screen_offset
        return focused.content_region.offset if focused is not None else Offset(0, 0)

    @cursor_position.setter
    def cursor_position(self, _offset: Offset) -> None:
        """Ignore what a field says: it follows from the focus."""

    def get_default_screen(self) -> AdminScreen[None]:
        return AdminScreen(id="_default", classes=" ".join(size_classes(self.size)))

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._too_small
        yield self._bar
        yield self._switcher
        yield KeyBar()

    async def on_mount(self) -> None:
        await self._show(self._numbered[min(self._numbered)])
        self._idle.touched()
        self.set_interval(_TICK_S, self._watch)

    def on_resize(self, event: events.Resize) -> None:
        self._too_small.look_at(event.size)

    # --- requests of pages -------------------------------------------------------------

    def action_go_to(self, page: str) -> None:
        self.call_later(self._show, page)

    def action_go_back(self) -> None:
        if self._switcher.present is not None:
            name = self._opened_from.get(self._switcher.present.NAME, self._switcher.present.BELOW)
            self.call_later(self._turn_to, name)

    def show_person(self, holder_id: str, words: str = "") -> None:
        """Show somebody, then the message ``words``: a change of page clears those before."""
        self.call_later(self._show, AboutPerson.NAME, holder_id)
        if words:
            self.call_later(self.announce, words)

    def show_group(self, group: PeopleGroup) -> None:
        self.call_later(self._show, PeopleListsPage.NAME, group)

    def show_rows(self, only: AuditFilter) -> None:
        self.call_later(self._show, AuditRows.NAME, only)

    def announce(self, text: str) -> None:
        self._say(f"✓ {text}", DONE_S)

    def _say(self, text: str, seconds: float, *, wrong: bool = False) -> None:
        self.clear_notifications()
        self._complains = wrong
        severity: SeverityLevel = "error" if wrong else "information"
        self.notify(printable(text), severity=severity, timeout=seconds, markup=False)

    def get_key_display(self, binding: Binding) -> str:
        """Write a key as it is printed on a keyboard: ``Ctrl+P``, ``Enter``, ``r``."""
        *held, key = binding.key.split("+")
        name = _KEY_NAMES.get(key) or (key.upper() if held else key)
        return "+".join([*(part.capitalize() for part in held), name])

    async def _show(self, name: str, about: About = None) -> None:
        if self._switcher.present is not None and name != self._switcher.present.NAME:
            self._opened_from[name] = self._switcher.present.NAME
        await self._turn_to(name, about)

    async def _turn_to(self, name: str, about: About = None) -> None:
        if name not in self._switcher:
            return
        if self._switcher.present is not None and name != self._switcher.present.NAME:
            self.clear_notifications()
        page = await self._switcher.switch_to(name, about)
        self._bar.active = page.BELOW or page.NAME

    def pop_screen(self) -> AwaitComplete:
        """Close a dialog; earlier keys never act on what is below it."""
        self._serial_events.drop()
        return super().pop_screen()

    # --- refusals of the desk ----------------------------------------------------------

    def on_desk_refused(self, message: DeskRefused) -> None:
        """Show it: in a dialog after an act, else over the page; without a key, log out."""
        error = message.error
        if isinstance(error, NotStaff):
            self._close(End.REMOVED)
            return
        if not message.acting:
            words = explanation(error, "What you see may be old.")
            self._say(f"! {words}", UNTIL_IT_IS_RIGHT_S, wrong=True)
            return
        lines = change_lines(error)
        self.push_screen(MustRead(headline(error), explanation(error), lines))
        if isinstance(error, ConcurrentChange | NotFound) and self._switcher.present is not None:
            self._switcher.present.shown()

    def on_desk_answered(self, _message: DeskAnswered) -> None:
        """Remove the message: the desk answers again."""
        if self._complains:
            self._complains = False
            self.clear_notifications()

    # --- keys --------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pass on a key that a dialog takes itself; None shows it as disabled."""
        is_taken = False
        match action:
            case "help":
                is_taken = self.screen.is_modal
            case "command_palette":
                says_so = isinstance(self.screen, Dialog) and not isinstance(
                    self.screen, IdleWarning
                )
                is_taken = self.screen.is_modal and not says_so
            case "page":
                is_taken = isinstance(self.screen, IdleWarning | CommandPalette)
        return None if is_taken else True

    async def action_page(self, number: int) -> None:
        """Show the page with this key, unless a dialog is open; the next keys go to that page."""
        if isinstance(self.screen, Dialog):
            self.screen.warn(_CLOSE_FIRST)
        elif number in self._numbered:
            await self._show(self._numbered[number])

    def action_command_palette(self) -> None:
        if isinstance(self.screen, Dialog):
            self.screen.warn(_CLOSE_FIRST)
            return
        self.push_screen(CommandPalette(placeholder="What do you want to do? Esc goes back."))

    def on_command_palette_opened(self, _message: CommandPalette.Opened) -> None:
        """Stop its cursor's blinking: each change would be sent over the line."""
        if isinstance(self.screen, CommandPalette):
            self.screen.query_one(Input).cursor_blink = False

    def action_help(self) -> None:
        page = self._switcher.present
        if page is None or self.screen.is_modal:
            return
        keys = [(key, does) for does, key, _run in self._page_commands(self.screen)]
        lines = [named(key, does) for key, does in (*keys, *HELP_KEYS)]
        self.push_screen(Listing(f"Help: {page.NAME}", HELP.get(page.NAME, ""), lines))

    def _page_commands(self, screen: Screen[Any]) -> Iterator[Command]:
        for node, binding, enabled, _tooltip in screen.active_bindings.values():
            if isinstance(node, AdminPage) and binding.description and enabled:
                run = partial(self.run_action, binding.action, node)
                yield binding.description, self.get_key_display(binding), run

    def commands(self, screen: Screen[Any]) -> Iterator[Command]:
        yield from self._page_commands(screen)
        for number, name in self._numbered.items():
            yield f"Go to {name}", f"F{number}", partial(self.action_go_to, name)
        yield "Help", "?", self.action_help
        yield "Dark or light colours", "", self._other_colours
        yield "Log out", "Ctrl+Q", self.action_log_out

    def _other_colours(self) -> None:
        self.theme = theme.LIGHT if self.theme == theme.DARK else theme.DARK

    def action_how_out(self) -> None:
        if isinstance(self.screen, Dialog):
            self.screen.warn(_HOW_OUT)
        else:
            self.announce(_HOW_OUT)

    def action_log_out(self) -> None:
        if isinstance(self.screen, Dialog) and self.screen.touched:
            self.screen.warn(
                "Something that you typed is not sent yet. Escape closes the dialog, then log out."
            )
        else:
            self._close(End.LOGGED_OUT)

    # --- idle time, and the end --------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Restart the idle time; keys are handled in turn, all else at once."""
        if isinstance(event, events.InputEvent | events.Paste) and not event.is_forwarded:
            self._idle.touched()
            if isinstance(event, events.Key | events.Paste):
                self._serial_events.put(event)
                return
        await super().on_event(event)

    @property
    def message_queue_size(self) -> int:
        """Waiting messages and keys; the driver drops input beyond its limit."""
        return super().message_queue_size + len(self._serial_events)

    def _watch(self) -> None:
        if not self.screen_stack:  # the timer may fire while the last screen is removed
            return
        if isinstance(self.screen, IdleWarning):
            self.screen.refresh_text() if self._idle.warns else self.screen.dismiss()
        elif self._idle.warns:
            self.push_screen(IdleWarning(self._idle))
        if self._hung_up():
            self._close(End.HUNG_UP)
        if not self._idle.left_s:
            self._close(End.IDLE)
        self._leave()

    @work(group="keys lost", exclusive=True)
    async def on_keys_lost(self, _message: KeysLost) -> None:
        """Say that typed text lacks some, after the keys that passed, which would clear it."""
        await self._serial_events.worked_off()
        if isinstance(self.screen, Dialog):
            self.screen.warn(KEYS_LOST)
        else:
            self._say(f"! {KEYS_LOST}", DONE_S)

    def on_hung_up(self, _message: HungUp) -> None:
        self._close(End.HUNG_UP)

    def _close(self, end: End) -> None:
        """End for the first reason, once no act is running."""
        self._end = self._end or end
        self._leave()

    def _leave(self) -> None:
        acts = any(one.group == ACTING and not one.is_finished for one in self.workers)
        if self._end is not None and not acts:
            self.exit(self._end)
