"""Running the RA application with a fake desk: at a size, with keys and clicks, in pictures.

::

    async with running(FakeDesk()) as run:
        await run.press("f4", "down", "r")
        await run.type("wheels are off")
        await run.click("Retire")
        assert "is retired" in run.text

Everything that a key starts is over before ``press`` returns: threads included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input

from screens.admin.app import EVERY_PAGE, AdminApp, End
from screens.admin.page import IN_DIALOG, AdminPage
from screens.admin.times import Times
from screens.terminal.lockdown import OnFault
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.idle_app import PATIENCE_S, still
from tests.screens.shown import screen_lines
from tests.screens.svg import screen_svg

SIZES = ((80, 24), (120, 36))
SMALL = SIZES[0]
_HELD_BACK_S = 0.06
"""Longer than the command palette holds the screen back once it has closed."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.at


class PictureApp(AdminApp):
    """Draws itself as a small SVG."""

    def export_screenshot(self, **_options: Any) -> str:
        """Draw what shows now."""
        return screen_svg(self)


def app_for(
    desk: FakeDesk,
    pages: Sequence[type[AdminPage]] = EVERY_PAGE,
    *,
    dark: bool = False,
    now: Clock | None = None,
    on_fault: OnFault = lambda error: None,
    few_colours: bool = False,
    sixteen_colours: bool = False,
) -> PictureApp:
    """Return the application as tests run it: its clocks stand. A fault fails the test."""
    return PictureApp(
        desk,
        on_fault,
        pages=pages,
        dark=dark,
        times=Times(lambda: NOW, UTC),
        now=now or Clock(),
        few_colours=few_colours,
        sixteen_colours=sixteen_colours,
    )


@dataclass
class Run:
    """An application that runs, and a clerk at it."""

    app: PictureApp
    desk: FakeDesk
    pilot: Pilot[End]
    clock: Clock

    @property
    def lines(self) -> list[str]:
        """What the screen shows, row by row."""
        return screen_lines(self.app)

    @property
    def text(self) -> str:
        """The same in one piece, without the spaces at the ends of rows."""
        return "\n".join(line.rstrip() for line in self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each once what the one before has begun is over.

        What a page shows comes from a thread: nobody presses Enter on a line not yet there. Text in
        a field is typed at once.
        """
        typing = False
        for key in keys:
            was_typing, typing = typing, len(key) == 1 and isinstance(self.app.focused, Input)
            if was_typing and not typing:
                await self.settle()
            self.post(key)
            if not typing:
                await still()
                if self._is_busy:
                    await self.settle()
        await self.settle()

    def post(self, *keys: str) -> None:
        """Press keys, and wait for nothing."""
        for key in keys:
            character = key if len(key) == 1 else (" " if key == "space" else None)
            self._post(events.Key(_named(key), character))

    def paste(self, text: str) -> None:
        """Paste, and wait for nothing."""
        self._post(events.Paste(text))

    async def press_and_hold(self, key: str) -> None:
        """Press a key that begins long work, and wait until that is held at its half."""
        self._post(events.Key(_named(key), None))
        async with asyncio.timeout(PATIENCE_S):
            while "50%" not in self.text:
                await asyncio.sleep(0.005)
                await still()

    async def send(self) -> None:
        """Press Enter in each field that is left, and on the button where that sends."""
        fields = list(self.app.screen.query(Input))
        at = next(at for at, field in enumerate(fields) if field is self.app.focused)
        await self.press(*["enter"] * (len(fields) - at))
        if isinstance(self.app.focused, Button):
            await self.press("enter")

    async def type(self, text: str) -> None:
        """Type ``text`` without waiting in between."""
        self.post(*text)
        await self.settle()

    async def click(self, text: str) -> None:
        """Click in the middle of ``text``: the lowest place where the screen shows it."""
        self.post_click(text)
        await self.settle()

    def post_click(self, text: str) -> None:
        """Click, and wait for nothing."""
        x, y = self.place_of(text)
        self._post(_mouse(events.MouseDown, x, y, 1))
        self._post(_mouse(events.MouseUp, x, y, 1))

    async def hover(self, x: int, y: int) -> None:
        """Move the mouse."""
        self._post(_mouse(events.MouseMove, x, y, 0))
        await self.settle()

    async def resize(self, size: tuple[int, int]) -> None:
        """Make the terminal larger or smaller."""
        await self.pilot.resize_terminal(*size)
        await self.settle()

    async def refresh_is_due(self, every_s: float, nth: int = 1) -> None:
        """Let a page look again by itself, for the ``nth`` time.

        Textual dates the next time by the real clock, so by the loop's clock, which stands while
        it works, each is one interval later than the one before.
        """
        await still(nth * every_s)
        await self.settle()

    def place_of(self, text: str) -> tuple[int, int]:
        """Return a cell in the middle of ``text``."""
        for y, line in reversed(list(enumerate(self.lines))):
            if text in line:
                return line.rindex(text) + len(text) // 2, y
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    async def settle(self) -> None:
        """Wait until all that was begun is over, and drawn."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                busy = self._is_busy
                await still(_HELD_BACK_S)  # also shows what a worker left that has just finished
                if not busy and not self._is_busy:
                    return
                await asyncio.sleep(0.005)

    @property
    def _is_busy(self) -> bool:
        """Whether a worker has anything to do; one that has opened a dialog waits for the clerk."""
        workers = self.app.workers
        return any(one.group != IN_DIALOG and not one.is_finished for one in workers)

    def _post(self, event: events.Event) -> None:
        event.set_sender(self.app)
        self.app.post_message(event)


def said(run: Run) -> str:
    """Return what the dialog says, its rows one after the other."""
    return " ".join(line.split("║")[1].strip() for line in run.lines if "║" in line)


@asynccontextmanager
async def running(
    desk: FakeDesk | None = None,
    pages: Sequence[type[AdminPage]] = EVERY_PAGE,
    size: tuple[int, int] = SMALL,
    *,
    dark: bool = False,
) -> AsyncIterator[Run]:
    """Run the application at ``size``; it has settled on its first page."""
    desk = desk or FakeDesk()
    clock = Clock()
    app = app_for(desk, pages, dark=dark, now=clock)
    async with app.run_test(size=size, notifications=True) as pilot:
        run = Run(app, desk, pilot, clock)
        await run.settle()
        try:
            yield run
        finally:
            desk.let_go()


def _mouse(kind: type[events.MouseEvent], x: int, y: int, button: int) -> events.MouseEvent:
    return kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y)


def _named(key: str) -> str:
    return {" ": "space", "?": "question_mark"}.get(key, key)
