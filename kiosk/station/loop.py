"""Runs the flow: one queue, one consumer, slow work on threads, one screen at a time.

Readers, screens, clocks and finished commands only put events into the queue. The
consumer takes them one by one, asks ``step``, starts what it asks for and shows the state.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Thread
from typing import Protocol

from kiosk.dialogue import Reason, VisitId
from kiosk.ports import PostReaderEvent, ReaderEvent, ReaderMonitor
from kiosk.reference import reference_of
from kiosk.station.commands import ChangePin, Command, OpenVisit, UnblockPin
from kiosk.station.desk import Show
from kiosk.station.events import (
    Event,
    GaveUp,
    HolderSide,
    ReaderSide,
    ResultSide,
    StayedQuiet,
    WentQuiet,
)
from kiosk.station.presence import Presence, fold, with_authority
from kiosk.station.states import (
    Attract,
    OutOfService,
    Reading,
    RemoveCard,
    State,
    StillThere,
    Working,
    visit_of,
)
from kiosk.station.step import step

_STOPPING_S = 0.01
"""Between two looks whether the readers' thread has ended."""

OnFault = Callable[[VisitId, BaseException], None]
"""Told of an error that nobody expected; must not show it on the glass."""


class Stage(Protocol):
    """Where commands are carried out; called on worker threads, and may block."""

    def perform(self, command: Command) -> ResultSide | None:
        """Carry out ``command``; None where nothing waits for an answer."""

    def is_well(self) -> bool:
        """Whether the authority can decide now."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: until "are you still there", to answer it, between looks at the authority."""

    idle_s: float = 60.0
    answer_s: float = 20.0
    health_s: float = 2.0


class StationLoop:
    """The station behind the glass; see ``kiosk.station.desk.Desk``."""

    def __init__(
        self,
        stage: Stage,
        monitor: Callable[[PostReaderEvent], ReaderMonitor],
        on_fault: OnFault,
        patience: Patience = Patience(),
    ) -> None:
        self._stage = stage
        self._make_monitor = monitor
        self._on_fault = on_fault
        self._patience = patience
        self._presence = Presence()
        self._state: State = Attract()
        self._queue: asyncio.Queue[ReaderEvent | Event | bool | None] = asyncio.Queue()
        self._under_way: set[asyncio.Task[None]] = set()
        # A new visit is not opened while a card of the last one is still being changed:
        # its outcome has to be recorded first.
        self._card_change = asyncio.Lock()
        self._touched_at = 0.0

    @property
    def state(self) -> State:
        """Where the station is."""
        return self._state

    def submit(self, event: HolderSide) -> None:
        """Take what the holder did."""
        self._queue.put_nowait(event)

    def touched(self) -> None:
        """Note that somebody is there."""
        self._touched_at = asyncio.get_running_loop().time()

    async def run(self, show: Show) -> None:
        """Show each state in turn until ``stop``."""
        loop = asyncio.get_running_loop()

        def post(event: ReaderEvent) -> None:
            loop.call_soon_threadsafe(self._queue.put_nowait, event)

        await show(self._state)
        monitor = self._make_monitor(post)
        monitor.start()
        health = asyncio.create_task(self._watch_authority())
        try:
            await self._consume(show)
        finally:
            health.cancel()
            await _stopped(monitor)
            await self._settle_under_way()

    async def stop(self) -> None:
        """End ``run``; returns when outcomes that are under way are recorded."""
        self._queue.put_nowait(None)
        await self._settle_under_way()

    async def _settle_under_way(self) -> None:
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _consume(self, show: Show) -> None:
        while True:
            item = await self._next_item()
            if item is None:
                return
            for event in self._heard(item):
                await self._advance(event, show)

    async def _next_item(self) -> ReaderEvent | Event | bool | None:
        """Wait for the next item, or make one when nobody did anything for too long."""
        while True:
            wait = self._seconds_left()
            try:
                return await asyncio.wait_for(self._queue.get(), wait)
            except TimeoutError:
                quiet = self._quiet()
                if quiet is not None:
                    return quiet

    def _allowed(self) -> float | None:
        match self._state:
            case StillThere():
                return self._patience.answer_s
            case Attract() | OutOfService() | Reading() | Working() | RemoveCard():
                return None
            case _:
                return self._patience.idle_s

    def _seconds_left(self) -> float | None:
        allowed = self._allowed()
        if allowed is None:
            return None
        spent = asyncio.get_running_loop().time() - self._touched_at
        return max(0.0, allowed - spent)

    def _quiet(self) -> Event | None:
        """Say that it is quiet, if it really is: a touch may have come while we waited."""
        left = self._seconds_left()
        visit = visit_of(self._state)
        if left is None or left > 0 or visit is None:
            return None
        return StayedQuiet(visit) if isinstance(self._state, StillThere) else WentQuiet(visit)

    def _heard(self, item: ReaderEvent | Event | bool) -> Iterable[Event]:
        heard: tuple[ReaderSide, ...]
        if isinstance(item, bool):
            self._presence, heard = with_authority(self._presence, item)
            return heard
        if isinstance(item, ReaderEvent):
            fresh = VisitId(uuid.uuid4().hex)
            self._presence, heard = fold(self._presence, item, fresh)
            return heard
        return (item,)

    async def _advance(self, event: Event, show: Show) -> None:
        following = step(self._state, event)
        changed = following.state != self._state
        self._state = following.state
        for command in following.commands:
            self._start(command)
        if changed:
            self.touched()
            await show(self._state)

    def _start(self, command: Command) -> None:
        task = asyncio.create_task(self._carry_out(command))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, command: Command) -> None:
        if isinstance(command, OpenVisit | UnblockPin | ChangePin):
            async with self._card_change:
                result = await asyncio.to_thread(self._guarded, command)
        else:
            result = await asyncio.to_thread(self._guarded, command)
        if result is not None:
            self._queue.put_nowait(result)

    def _guarded(self, command: Command) -> ResultSide | None:
        """Perform ``command``; the one place where any error at all ends a visit."""
        try:
            return self._stage.perform(command)
        except Exception as fault:  # noqa: BLE001 - closes the visit, audited, nothing shown
            self._on_fault(command.visit, fault)
            return GaveUp(command.visit, Reason.FAULT, reference_of(command.visit))

    async def _watch_authority(self) -> None:
        """Ask for the authority's health while nobody is here."""
        while True:
            if isinstance(self._state, Attract | OutOfService):
                self._queue.put_nowait(await asyncio.to_thread(self._is_well))
            await asyncio.sleep(self._patience.health_s)

    def _is_well(self) -> bool:
        """Ask for it; an error that nobody expects must not end the asking."""
        try:
            return self._stage.is_well()
        except Exception as fault:  # noqa: BLE001 - puts the station out of service, and is logged
            self._on_fault(VisitId(""), fault)
            return False


async def _stopped(monitor: ReaderMonitor) -> None:
    """Stop it on a thread of its own; it has stopped when this ends, even if it is cancelled.

    Among the commands' threads it would wait behind work that hangs, and never begin if
    the station were cancelled meanwhile.
    """
    stopping = Thread(target=monitor.stop, name="stop-readers")
    stopping.start()
    try:
        while stopping.is_alive():
            await asyncio.sleep(_STOPPING_S)
    finally:
        stopping.join()
