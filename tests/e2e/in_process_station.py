"""A station whose display can be looked into: the real loop and pages, without a terminal.

``ObservedStation`` shows on request any state that a station can be in, pulls the card, and
says what is still in memory. ``WatchedApp`` writes down each page that comes up.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakSet

from msgspec import Struct
from textual.screen import Screen
from textual.widget import Widget

from kiosk.contract.messages import ReaderState, VisitId
from kiosk.contract.ports import CardInserted, CardRemoved, PostReaderEvent, ReaderMonitor
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import Command
from kiosk.station.loop import Executor, IdleTimes, StationLoop
from kiosk.station.states import Attract, ConfirmOwner, Reading, State, VisitState
from screens.kiosk.app import AttractPage, KioskApp
from screens.theme import Appearance
from tests.station.monitor import FakeMonitor
from tests.support.waiting import PATIENCE_S

T = TypeVar("T")

FOR_EVER = IdleTimes(600, 600, 600)
CANARY = "84613 Canary"
"""Stands in every secret of a visit."""


class SilentStage:
    """Never answers: a state stays until the test goes on."""

    def perform(self, command: Command) -> None:
        """Do nothing."""

    def check_authority(self, reader: ReaderState, *, idle: bool) -> None:
        """Say that all is well."""


class WatchedApp(KioskApp):
    """Keeps the kind of each page that came up, and the last state that was shown."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pages: list[str] = []
        self.shown: State | None = None
        self._awaited: list[tuple[Callable[[State], bool], asyncio.Future[State]]] = []

    def switch_screen(self, screen: Any) -> Any:
        """Note the page."""
        self.pages.append(type(screen).__name__)
        return super().switch_screen(screen)

    async def show(self, state: State) -> None:
        """Show it, and wake who waits for it."""
        await super().show(state)
        self.shown = state
        for is_it, found in self._awaited:
            if not found.done() and is_it(state):
                found.set_result(state)

    async def until(self, *kinds: type[State]) -> State:
        """Wait until a state of one of ``kinds`` is shown; return it, however soon it goes."""
        return await self.await_state(lambda state: isinstance(state, kinds), f"any of {kinds}")

    async def await_state(self, is_it: Callable[[State], bool], what: str) -> State:
        """Wait until such a state is shown, unless it is the last that was; return it."""
        if self.shown is not None and is_it(self.shown):
            return self.shown
        found: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._awaited.append((is_it, found))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await found
        except TimeoutError:
            shown = f"{self.shown} after {self.pages[-12:]}"
            raise AssertionError(f"waited in vain for {what}; there is {shown}") from None
        finally:
            self._awaited.remove((is_it, found))

    @property
    def is_first_page(self) -> bool:
        """Whether the first page is up, and nothing lies over or under it."""
        return [type(one) for one in self.screen_stack[1:]] == [AttractPage]

    def widgets(self) -> list[Widget]:
        """Return every widget of every page that is up, the pages included."""
        pages: list[Screen[Any]] = self.screen_stack[1:]
        return [widget for page in pages for widget in (page, *page.walk_children(Widget))]


class ObservedStation:
    """One station; ``stage`` carries its commands out."""

    def __init__(self, stage: Executor | None = None, shown_s: float = 0.0) -> None:
        self.loop = StationLoop(stage or SilentStage(), self._watch, self._fault, FOR_EVER)
        check_authority = Appearance(motion=False, shown_s=shown_s)
        self.app = WatchedApp(self.loop, check_authority, lambda error: None)
        self.faults: list[BaseException] = []
        self.insertion = 0

    def _watch(self, post: PostReaderEvent) -> ReaderMonitor:
        self._monitor = FakeMonitor(post)
        return self._monitor

    def _fault(self, visit: VisitId, fault: BaseException) -> None:
        self.faults.append(fault)

    async def insert(self) -> None:
        """Put a card in; returns when the station has noticed."""
        self.insertion += 1
        self._monitor.post(CardInserted("Reader", self.insertion))
        await self.app.until(Reading, ConfirmOwner)

    async def pull(self) -> None:
        """Take it out; returns when the first page is up."""
        self._monitor.post(CardRemoved("Reader", self.insertion))
        await self.app.until(Attract)

    async def sit(self, state: State) -> None:
        """Put a card in and show ``state``, as if the flow had led there."""
        await self.insert()
        assert isinstance(self.loop.state, Reading)
        self.loop._state = state
        await self.app.show(state)


def with_canaries(part: T, visit: VisitId, place: str = "") -> T:
    """Return a copy of a state that shares nothing with it: its own visit and secrets."""
    copy: Any = part
    if isinstance(part, Sensitive):
        copy = Sensitive(CANARY)
    elif isinstance(part, Struct):
        names = part.__struct_fields__
        made = {name: with_canaries(getattr(part, name), visit, name) for name in names}
        copy = type(part)(**made)
    elif isinstance(part, tuple):
        copy = tuple(with_canaries(one, visit) for one in part)
    elif isinstance(part, str) and (place, len(part)) in (("id", 32), ("visit", 32)):
        copy = visit
    checked: T = copy
    return checked


@contextmanager
def only_what_is_new() -> Iterator[None]:
    """Let the collector look at nothing that is older than this block: it is much quicker."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def survivors(before: WeakSet[Widget], app: WatchedApp, visit: VisitId) -> list[str]:
    """Name the widgets of ``before`` and the data of ``visit`` that can still be reached."""
    now = set(app.widgets())
    gc.collect()
    left = [type(widget).__name__ for widget in before if widget not in now]
    return left + [type(one).__name__ for one in gc.get_objects() if _belongs(one, visit)]


def _belongs(one: object, visit: VisitId) -> bool:
    if isinstance(one, VisitState):
        return one.id == visit
    return isinstance(one, Sensitive) and one.reveal() == CANARY
