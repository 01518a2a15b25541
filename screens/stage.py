"""One page at a time: puts pages up, keeps a sentence up for long enough to be read, and
lays "are you still there" over a page without losing what is typed on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App
from textual.timer import Timer

from kiosk.station.states import (
    Attract,
    OutOfService,
    Reading,
    Refused,
    RemoveCard,
    State,
    StillThere,
    Working,
)
from screens.kiosk.page import Page

_AT_ONCE = Attract | OutOfService | Reading | Refused | RemoveCard
"""States that wipe a visit, or end it: no sentence that is being read delays them."""

_QUICK = 0.2
"""The share of the time to read a sentence within which a card is as a rule read: until
then "reading" is not said. It would only flash, and keep the page that follows waiting."""


class Stage:
    """The pages on an app's screen stack: never more than one, and one laid over it."""

    def __init__(
        self,
        app: App[int],
        page_for: Callable[[State], Page],
        hold_s: float,
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._page_for = page_for
        self._hold_s = hold_s
        self._now = now
        self._page: Page | None = None
        self._state: State | None = None
        self._busy_since: float | None = None
        self._next: Timer | None = None
        self._wanted: State | None = None
        self._turn = asyncio.Lock()

    async def show(self, state: State) -> None:
        """Put ``state`` up now, or as soon as what is being read has been up long enough."""
        self._wanted = state
        if self._next is not None:
            self._next.stop()
            self._next = None
        wait = self._wait_for(state)
        if wait > 0:
            self._next = self._app.set_timer(wait, lambda: self._put_up(state))
        else:
            await self._put_up(state)

    def _wait_for(self, state: State) -> float:
        if isinstance(state, Reading) and isinstance(self._state, Attract):
            return self._hold_s * _QUICK
        if self._busy_since is None or isinstance(state, _AT_ONCE):
            return 0.0
        return self._busy_since + self._hold_s - self._now()

    async def _put_up(self, state: State) -> None:
        async with self._turn:
            if state is not self._wanted:
                return  # it had to wait, and its timer went off as the next was shown
            with self._app.batch_update():
                if isinstance(state, StillThere):
                    await self._lay_over(state)
                else:
                    await self._uncover()
                    await self._replace(state)

    async def _lay_over(self, state: StillThere) -> None:
        await self._uncover()
        await self._replace(state.inner)
        await self._app.push_screen(self._page_for(state))

    async def _replace(self, state: State) -> None:
        """Put up a page for ``state``, unless the page that is up is that state's own."""
        if self._page is not None and self._state is state:
            self._page.rearm()
            return
        first, self._page = self._page is None, self._page_for(state)
        self._state = state
        self._busy_since = self._now() if isinstance(state, Working) else None
        if first:
            await self._app.push_screen(self._page)
        else:
            await self._app.switch_screen(self._page)

    async def _uncover(self) -> None:
        """Take away what lies over the page: "are you still there", or something of the demo's."""
        while self._page is not None and self._app.screen is not self._page:
            await self._app.pop_screen()
