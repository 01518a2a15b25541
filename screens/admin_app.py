"""The RA application: the pages that a role may see, and what stands around them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.driver import Driver

from kiosk.administration.desk import AdminDesk
from kiosk.errors import ChangedMeanwhile, NothingThere
from kiosk.people_groups import PeopleGroup
from screens import theme
from screens.admin import trouble
from screens.admin.book import Book
from screens.admin.dialogs.dialog import Dialog
from screens.admin.dialogs.listing import Listing, named
from screens.admin.dialogs.must_read import MustRead
from screens.admin.driver import AdminDriver
from screens.admin.end import End
from screens.admin.frame import Bar, Heading, Keys, Tidings
from screens.admin.help import HELP, HELP_KEYS
from screens.admin.idle import Idle, StillThere
from screens.admin.in_turn import InTurn
from screens.admin.keys import Key, actions_of, label_of
from screens.admin.page import ACTING, Page
from screens.admin.pages import every_page, key_of, pages_for
from screens.admin.palette import Command, Palette
from screens.admin.times import Times
from screens.look import Look
from screens.terminal.closed_app import ClosedApp, OnFault
from screens.terminal.driver import HungUp

IDLE_S = 600.0
"""Seconds without a key or the mouse after which a session closes."""

_TICK_S = 0.5
_WIDTHS = [(0, "-narrow"), (110, "-wide")]
_HEIGHTS = [(0, "-low"), (30, "-tall")]
_HOW_OUT = "Ctrl+Q logs you out."
_LOSES = "Something that you typed is not sent yet. Escape closes the dialog, then log out."


class AdminApp(ClosedApp[End], inherit_bindings=False):
    """Shows one page at a time; implements ``screens.admin.page.Shell``.

    ``run`` returns how the session ended, None after a fault, of which ``on_fault`` is told
    (``return_code`` is then ``FAULT_CODE``). ``screens.admin.end.farewell`` has the sentence
    for the terminal. Whatever ends it, a call of the desk that changes something is
    finished first.
    """

    CSS_PATH = Path(__file__).with_name("admin.tcss")
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "log_out", show=False, priority=True),
        Binding("ctrl+c", "how_out", show=False, priority=True),
        Binding("ctrl+p", "actions", show=False, priority=True),
        Binding("question_mark", "help", show=False),
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
        pages: Sequence[type[Page]] | None = None,
        accent: str = Look().accent,
        dark: bool = False,
        few_colours: bool = False,
        idle_s: float = IDLE_S,
        times: Times | None = None,
        now: Callable[[], float] = time.monotonic,
        driver_class: type[Driver] = AdminDriver,
    ) -> None:
        super().__init__(on_fault, driver_class)
        self.animation_level = "none"  # each frame would go over the line
        self.times = times or Times()
        self._idle = Idle(idle_s, now, now())
        self._in_turn = InTurn(self, super().on_event)
        self._end: End | None = None
        offered = pages_for(desk.me.role, every_page() if pages is None else pages)
        self._numbered = {key_of(n): n for n, page in offered.items() if not page.BELOW}
        self._heading = Heading(desk.service, desk.me)
        self._bar = Bar(sorted(self._numbered.items()), self.go_to)
        self._book = Book(desk, offered)
        self._tidings = Tidings()
        self.set_class(few_colours, "-few-colours", update=False)
        for one in theme.themes(accent, few_colours=few_colours):
            self.register_theme(one)
        self.theme = theme.DARK if dark else theme.LIGHT

    def compose(self) -> ComposeResult:
        """Put the frame up; a page comes into the book when it is first shown."""
        yield self._heading
        yield self._bar
        yield self._book
        yield self._tidings
        yield Keys(
            Key("question_mark", "help", self.action_help),
            Key("ctrl+p", "actions", self.action_actions),
            Key("ctrl+q", "log out", self.action_log_out),
        )

    async def on_mount(self) -> None:
        """Show the first page, and watch over the session."""
        await self._show(self._numbered[min(self._numbered)])
        self.set_interval(_TICK_S, self._watch)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._close, End.HUNG_UP)

    # --- what pages ask for ------------------------------------------------------------

    def go_to(self, page: str) -> None:
        """Show the page with this ``NAME``, if the role may see it."""
        self.call_later(self._show, page)

    def show_person(self, holder_id: str) -> None:
        """Show a person's page, wherever one is."""
        self.call_later(self._show, self._book.person, holder_id)

    def show_group(self, group: PeopleGroup) -> None:
        """Show the list of a group of people, wherever there is one."""
        self.call_later(self._show, self._book.lists, None, group)

    def tell(self, text: str) -> None:
        """Say what was done."""
        self._tidings.done(text)

    async def _show(
        self, name: str, holder_id: str | None = None, group: PeopleGroup | None = None
    ) -> None:
        if name not in self._book:
            return
        if self._book.up is not None and name != self._book.up.NAME:
            self._tidings.clear()
        page = await self._book.turn_to(name, holder_id, group)
        self._bar.mark(page.BELOW or page.NAME)

    def pop_screen(self) -> AwaitComplete:
        """Close a dialog; keys that came before it closed never act on what is below it."""
        self._in_turn.drop()
        return super().pop_screen()

    # --- what the desk did not do ------------------------------------------------------

    def on_page_trouble(self, message: Page.Trouble) -> None:
        """Say so: in a dialog where something was to be done, else over the page."""
        error = message.error
        if not message.acting:
            self._tidings.wrong(trouble.not_seen(error))
            return
        lines = trouble.changes(error)
        self.push_screen(MustRead(trouble.headline(error), trouble.told(error), lines))
        if isinstance(error, ChangedMeanwhile | NothingThere) and self._book.up is not None:
            self._book.up.shown()

    def on_page_answered(self, _message: Page.Answered) -> None:
        """Take the complaint back: the desk answers again."""
        self._tidings.clear_wrong()

    # --- what the keys do --------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keep the page that is up while a dialog is open."""
        return not (action in ("page", "actions", "help") and self.screen.is_modal)

    async def run_action(self, *arguments: Any, **named: Any) -> bool:
        """Run an action: here keys have them, and there is no text that could."""
        return await App.run_action(self, *arguments, **named)

    async def action_page(self, number: int) -> None:
        """Show the page with this key; keys that follow are that page's."""
        if number in self._numbered:
            await self._show(self._numbered[number])

    def action_actions(self) -> None:
        """Open the list of actions."""
        self.push_screen(Palette(list(self._commands())), _run)

    def action_help(self) -> None:
        """Say what the page is for, what its keys do, and those of the application."""
        page = self._book.up
        if page is None or self.screen.is_modal:
            return
        keys = [(label_of(key.key), key.does) for key in actions_of(page)]
        lines = [named(key, does) for key, does in (*keys, *HELP_KEYS)]
        self.push_screen(Listing(f"Help: {page.NAME}", HELP.get(page.NAME, ""), lines))

    def _commands(self) -> Iterator[Command]:
        """Yield all that can be done now: by the page that is up, then by the application."""
        if self._book.up is not None:
            for key in actions_of(self._book.up):
                yield Command(key.does, label_of(key.key), key.press)
        for number, name in sorted(self._numbered.items()):
            yield Command(f"Go to {name}", f"F{number}", partial(self.go_to, name))
        yield Command("Help", "?", self.action_help)
        yield Command("Dark or light colours", "", self._other_colours)
        yield Command("Log out", "Ctrl+Q", self.action_log_out)

    def _other_colours(self) -> None:
        self.theme = theme.LIGHT if self.theme == theme.DARK else theme.DARK

    def action_how_out(self) -> None:
        """Say how to get out, to whoever tries Ctrl+C."""
        self._tidings.done(_HOW_OUT)

    def action_log_out(self) -> None:
        """End the session, unless something typed would be lost."""
        if isinstance(self.screen, Dialog) and self.screen.touched:
            self.screen.warn(_LOSES)
        else:
            self._close(End.LOGGED_OUT)

    # --- how long, and the end ---------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there; keys are handled in turn, all else at once."""
        if isinstance(event, events.InputEvent | events.Paste) and not event.is_forwarded:
            self._idle.touched()
            if isinstance(event, events.Key | events.Paste):
                self._in_turn.put(event)
                return
        await super().on_event(event)

    @property
    def message_queue_size(self) -> int:
        """Messages and keys that wait; the driver drops what comes in beyond its bound."""
        return super().message_queue_size + len(self._in_turn)

    def _watch(self) -> None:
        """Warn a session that nobody sits at, then close it."""
        if not self.screen_stack:  # the timer may strike while the last screen is put away
            return
        if isinstance(self.screen, StillThere):
            self.screen.tell() if self._idle.warns else self.screen.dismiss()
        elif self._idle.warns:
            self.push_screen(StillThere(self._idle))
        if not self._idle.left_s:
            self._close(End.IDLE)
        self._leave()

    def on_hung_up(self, _message: HungUp) -> None:
        """End when the terminal is gone."""
        self._close(End.HUNG_UP)

    def _close(self, end: End) -> None:
        """End for the first reason that there was, once nothing is under way."""
        self._end = self._end or end
        self._leave()

    def _leave(self) -> None:
        if self._end is not None and not self._is_acting:
            self.exit(self._end)

    @property
    def _is_acting(self) -> bool:
        return any(w.group == ACTING and not w.is_finished for w in self.workers)


def _run(command: Command | None) -> None:
    if command is not None:
        command.run()
