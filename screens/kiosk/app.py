"""The display of one station: shows the given state, and reports the holder's acts."""

from __future__ import annotations

import asyncio
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.containers import Horizontal
from textual.content import Content
from textual.driver import Driver
from textual.geometry import Offset
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from kiosk.contract.language import Language, show_in
from kiosk.station.commands import ChangePin, UnblockPin
from kiosk.station.loop import StationPort
from kiosk.station.states import (
    Attract,
    OutOfService,
    PulledFrom,
    Reading,
    Refused,
    RemoveCard,
    State,
    StillThere,
    VisitPage,
    Working,
)
from screens import theme
from screens.kiosk.page import HELD_S, DisplaySettings, HelpBox, Page, PageContext
from screens.terminal.closed_app import FAULT_CODE, WalkUpApp
from screens.terminal.driver import KeysLost, RunOver, Scanned, StationDriver
from screens.terminal.lockdown import OnFault
from screens.terminal.pulse import WatchdogPulse
from screens.theme import Appearance
from screens.widgets.pictures import Banner, Direction, Drawing
from screens.widgets.prose import Prose, forget_texts
from screens.words import waiting

# The pages while nobody is here. Those of a visit are imported at the first need, or to be built
# ahead: a station has to be on the display at once after a restart.


class AttractPage(Page, inherit_bindings=False):
    """After a card whose holder could not read the outcome, it shows that for a while."""

    state: Attract

    def content(self) -> Iterator[Widget]:
        yield Banner(waiting.BANNER, roomy=self.shape.is_roomy)
        yield Prose(waiting.ATTRACT_TITLE, "title")
        offers = Content("\n\n").join(
            Content.assemble((str(what), "bold $ink"), "\n", (str(about), "$quiet"))
            for what, about in waiting.ATTRACT_OFFERS
        )
        pulled = self.state.pulled
        yield Horizontal(
            Drawing(Direction.IN, self.context.look),
            Prose(offers if pulled is None else _pulled_words(pulled, self.context.look), "offers"),
        )


def _pulled_words(pulled: PulledFrom, look: Appearance) -> Content:
    title, text = waiting.PULLED[pulled]
    sign = "!" if pulled.in_doubt else look.glyphs.tick
    return Content.assemble((f"{sign} {title}", "bold $ink"), "\n", str(text))


class OutOfServicePage(Page, inherit_bindings=False):
    state: OutOfService

    def content(self) -> Iterator[Widget]:
        title, text = waiting.OUTAGES[self.state.outage]
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        yield HelpBox(self.context.look)
        if self.state.pulled is not None:
            yield Prose(_pulled_words(self.state.pulled, self.context.look), "text paragraph")


# Which page shows which state.


def screen_for(state: State, context: PageContext) -> Page:
    match state:
        case Attract():
            return AttractPage(context, state)
        case OutOfService():
            return OutOfServicePage(context, state)
        case _:
            from screens.kiosk.visit_pages import page_for

            return page_for(state, context)


# One page at a time: shows pages, keeps a sentence long enough to be read, and lays "are you still
# there" over a page without losing what is typed on it.

_AT_ONCE = Attract | OutOfService | Reading | Refused | RemoveCard
"""States that clear or end a visit: they do not wait for a sentence that is being read."""

_QUICK = 0.2
"""The share of the time to read a sentence within which a card is usually read.

Until then "reading" is not shown: it would only flash, and delay the next page.
"""


_LAID_OUT_S = 5.0
"""How long a page that is built ahead may take: no other can be shown until then."""


class PagePresenter:
    """The pages on an app's screen stack: never more than one, and one over it."""

    def __init__(
        self,
        app: App[int],
        page_for: Callable[[State], Page],
        shown_s: float,
        language: Language,
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._page_for = page_for
        self._shown_s = shown_s
        self._language = language
        self._now = now
        self._page: Page | None = None
        self._state: State | None = None
        self._ahead: dict[type[State], Page] = {}
        self._never_laid_out = set[type[State]]()
        self._busy_since: float | None = None
        self._next: Timer | None = None
        self._wanted: State | None = None
        self._turn = asyncio.Lock()

    async def show(self, state: State) -> None:
        """Show ``state`` now, or as soon as the present sentence has been shown long enough."""
        self._wanted = state
        if self._next is not None:
            self._next.stop()
            self._next = None
        if isinstance(state, Reading) and isinstance(self._state, Attract):
            wait = self._shown_s * _QUICK
        elif self._busy_since is None or isinstance(state, _AT_ONCE):
            wait = 0.0
        else:
            wait = self._busy_since + self._shown_s - self._now()
        if wait > 0:
            self._next = self._app.set_timer(wait, lambda: self._put_up(state))
        else:
            await self._put_up(state)

    async def build_ahead(self, states: Iterable[State]) -> None:
        """Build a page for each of ``states`` unseen, while nobody is here.

        To build, style and lay out a page takes twice as long as to put a name on it and draw it.
        """
        for state in states:
            async with self._turn:
                nobody = isinstance(self._state, Attract | OutOfService)
                done = self._ahead.keys() | self._never_laid_out
                if nobody and type(state) not in done:
                    await self._build(state)

    async def _build(self, state: State) -> None:
        page, is_laid_out = self._page_for(state), asyncio.Event()
        with self._app.batch_update():
            self._app.install_screen(page, type(state).__name__)
            await self._app.push_screen(page)
            page.call_after_refresh(is_laid_out.set)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAID_OUT_S):
                    await is_laid_out.wait()
            await self._uncover()
        if self._page is not None:
            self._page.refresh()  # what it had still to paint when it was covered is lost
        if not is_laid_out.is_set():  # from now on it is built when it is needed
            self._never_laid_out.add(type(state))
            self._app.uninstall_screen(page)
            page.remove()
            return
        for widget in page.walk_children(Widget):
            widget.render_lines(widget.outer_size.region)  # it keeps them for later
        self._ahead[type(state)] = page

    async def _put_up(self, state: State) -> None:
        async with self._turn:
            if state is not self._wanted:
                return  # it had to wait, and its timer fired as the next was shown
            with self._app.batch_update():
                await self._uncover()
                await self._replace(state.inner if isinstance(state, StillThere) else state)
                if isinstance(state, StillThere):
                    await self._app.push_screen(self._page_for(state))
            # Textual paints no screen in a batch, nor at its end: a page that was built ahead may
            # have no message left that would paint it.
            self._app.screen.check_idle()

    async def _replace(self, state: State) -> None:
        """Show a page for ``state``, unless that state's page is already shown."""
        if self._page is not None and self._state is state:
            self._page.rearm()
            return
        self._speak(state)
        page = self._ahead.get(type(state))
        if page is not None and page.try_to_show(state):
            del self._ahead[type(state)]
            self._app.uninstall_screen(page)
        else:
            page = self._page_for(state)
        # "Leave your smartcard in" has not: who takes it out has to see first that it is done.
        has_to_be_read = isinstance(state, Working) and not isinstance(
            state.command, UnblockPin | ChangePin
        )
        self._busy_since = self._now() if has_to_be_read else None
        first, self._page, self._state = self._page is None, page, state
        if first:
            await self._app.push_screen(page)
        else:
            await self._app.switch_screen(page)

    def _speak(self, state: State) -> None:
        """Show the pages of a visit in its language, and those of nobody in the station's.

        A state without it follows one of the same visit, or comes before the authority's answer.
        """
        if isinstance(state, VisitPage):
            show_in(state.visit.language or self._language)
        elif isinstance(state, Attract | OutOfService):
            show_in(self._language)

    async def _uncover(self) -> None:
        """Remove what lies over the page: "are you still there", or an overlay of the demo."""
        while self._page is not None and self._app.screen is not self._page:
            await self._app.pop_screen()


_FIRST_PAINT_S = 1.0

_AHEAD_S = 0.5
"""How long the page for nobody is shown before others are built: it may be the program's last."""


_MOST_SWITCHES = 3
"""Changes of the surface in a second: each two are a flash, and three may be too many for somebody
with photosensitive epilepsy (WCAG 2.2, 2.3.1)."""

_SAME_X, _SAME_Y = 4, 2
"""So many columns and rows apart two touches are of one place: a finger is as wide."""

_UNUSED_S = 60.0
"""How long a surface that somebody chose waits for their card."""


class KioskApp(WalkUpApp[int], inherit_bindings=False):
    """Shows one page at a time; ``on_fault`` gets an unhandled error.

    ``run`` returns when the station has stopped, or after a fault; ``return_code`` says which.
    ``pulse`` beats for as long as the display works.
    """

    CSS_PATH = Path(__file__).with_name("kiosk.tcss")

    def __init__(
        self,
        station: StationPort,
        look: Appearance,
        on_fault: OnFault,
        *,
        driver_class: type[Driver] = StationDriver,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pulse: WatchdogPulse | None = None,
    ) -> None:
        super().__init__(on_fault, driver_class)
        self._pulse = pulse
        self._station = station
        self._look = look
        self._settings = DisplaySettings(look.dark)
        self._end = 0
        self._leaving = False
        self._begun = False
        self._nobody = True
        self._now = now
        self._touched_screen: Callable[[], Screen[Any] | None] = lambda: None
        self._touched_at, self._touched_place = float("-inf"), Offset()
        self._second_touch = False
        self._switched_at = deque[float](maxlen=_MOST_SWITCHES)
        self._unused: Timer | None = None
        self._may_build = asyncio.Event()
        context = PageContext(
            look, self._settings, station.submit, self.toggle_dark, now, wall_clock
        )
        self._presenter = PagePresenter(
            self, lambda state: screen_for(state, context), look.shown_s, look.language, now
        )
        for one in theme.themes(look.accent):
            self.register_theme(one)
        self.begin_with(theme.DARK if look.dark else theme.LIGHT)

    # --- states ------------------------------------------------------------------------

    async def show(self, state: State) -> None:
        """Show ``state``; return when its page is shown, or is next after a sentence to read.

        The first page is also drawn by then: imports behind it would delay it.
        """
        nobody = isinstance(state, Attract | OutOfService)
        self._nobody = nobody
        if self._unused is not None:
            self._unused.stop()
        if nobody:
            self._settings.answers_shown = None
            self._take_surface(dark=self._look.dark)
        await self._presenter.show(state)
        if nobody:
            forget_texts()
            self._may_build.set()
        if not self._begun:
            self._begun = True
            if isinstance(self.screen, Page):
                with suppress(TimeoutError):  # on a terminal that is gone nothing is drawn
                    await asyncio.wait_for(self.screen.drawn.wait(), _FIRST_PAINT_S)

    async def _build_ahead(self) -> None:
        """Build what most visits begin with, before each.

        A task holds what was on the display when it began: this one begins before any visit.
        """
        while True:
            await self._may_build.wait()
            self._may_build.clear()
            await asyncio.sleep(_AHEAD_S)
            if self._may_build.is_set():
                continue  # somebody was here since
            from screens.kiosk.choices import NOBODYS

            await self._presenter.build_ahead(NOBODYS)

    def on_mount(self) -> None:
        self.run_worker(self._serve(), name="station")
        if self._look.extra_bar is None:  # it would say what it said when its page was built
            self.run_worker(self._build_ahead(), name="pages ahead")
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, self._close_soon)
            loop.add_signal_handler(signal.SIGHUP, self.on_hung_up)
        if self._pulse is not None:
            self.set_interval(self._pulse.every_s, self._beat)

    def _beat(self) -> None:
        """Pass the watchdog's beat through the page, which has a separate queue."""
        if self._pulse is not None and isinstance(self._driver, StationDriver):
            self.screen.call_later(self._pulse.beat, self._driver)

    async def _serve(self) -> None:
        await self._station.run(self.show)
        self.exit(self._end, return_code=self._end)

    # --- the holder --------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.MouseDown) and not event.is_forwarded:
            self._station.touched()
        if isinstance(event, events.MouseEvent) and not event.is_forwarded:
            if isinstance(event, events.MouseDown):
                self._note_touch(event)
            if self._second_touch:
                return
        await super().on_event(event)

    def _note_touch(self, event: events.MouseDown) -> None:
        """Note whether it is of a second touch of a place that has come to another page since.

        It does nothing, as a held key does not: nobody has read what is there now.
        """
        moved = event.screen_offset - self._touched_place
        same_place = abs(moved.x) <= _SAME_X and abs(moved.y) <= _SAME_Y
        soon = event.time - self._touched_at < HELD_S
        self._second_touch = same_place and soon and self._touched_screen() is not self.screen
        self._touched_at, self._touched_place = event.time, event.screen_offset
        if not self._second_touch:
            self._touched_screen = weakref.ref(self.screen)

    def on_keys_lost(self, message: KeysLost) -> None:
        """Let the page show it: its entry lacks a key."""
        message.stop()
        if isinstance(self.screen, Page):
            # After the keys before it, which still wait for the page.
            self.screen.call_later(self.screen.keys_lost)

    def on_run_over(self, message: RunOver) -> None:
        """Let the page act by a digit that stayed the only one; after that digit."""
        message.stop()
        if isinstance(self.screen, Page):
            self.screen.call_later(self.screen.run_over)

    def on_scanned(self, message: Scanned) -> None:
        """Give the page what a scanner read, after the keys before it."""
        message.stop()
        self._station.touched()
        if isinstance(self.screen, Page):
            self.screen.call_later(self.screen.scanned, message.text)

    def toggle_dark(self) -> None:
        """Switch to the other surface, for this visit or the next; not as fast as a held key."""
        now = self._now()
        if len(self._switched_at) == _MOST_SWITCHES and now - self._switched_at[0] < 1.0:
            return
        self._switched_at.append(now)
        self._take_surface(dark=not self._settings.dark)
        if self._unused is not None:
            self._unused.stop()
        if self._nobody:
            restore = partial(self._take_surface, dark=self._look.dark)
            self._unused = self.set_timer(_UNUSED_S, restore)

    def _take_surface(self, *, dark: bool) -> None:
        self._settings.dark = dark
        self.theme = theme.DARK if dark else theme.LIGHT

    # --- the end -----------------------------------------------------------------------

    def run(self, **options: Any) -> int | None:
        """Run on the terminal, with touches where the station has them."""
        options.setdefault("mouse", self._look.touch)
        return super().run(**options)

    def on_hung_up(self) -> None:
        """End when the terminal is gone; the station records running work first."""
        self._end = FAULT_CODE
        self._close_soon()

    def _close_soon(self) -> None:
        if not self._leaving:
            self._leaving = True
            self.run_worker(self._station.stop(), name="close")
