"""Runs the flow: one queue, one consumer, slow work on threads, one screen at a time.

Readers, screens, clocks and finished commands only put events into the queue. The consumer takes
them one by one, calls ``step``, starts the commands that it returns and shows the state.

States are ``s``, events ``e`` and commands ``c``.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from threading import Thread
from typing import Protocol, assert_never

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract.log_context import log_about
from kiosk.contract.messages import ReaderState, Reason, VisitId, reference_of
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    PostReaderEvent,
    ReaderEvent,
    ReaderMonitor,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.step import step
from kiosk.system.threads import NoThreadLeft, run_on_thread

# Reader events become events of the flow: one card, no card, two cards, no reader.
#
# Pure. A visit is one insertion, of a card that goes into an empty station (or is in as that
# starts): its id is drawn here. It ends when that card is out, whatever lies in another reader.
#
# A card that went in beside another one is never served: once all are out, it is put in again.
# Served as the other one leaves, it would begin a visit by nobody's act: that of a card that
# somebody forgot, or laid there, on the display before a person who types the PIN of their own.


class AuthorityChecked(Struct, frozen=True):
    """The result of a check of the authority: why it can serve nobody here, or None."""

    outage: s.Outage | None


class ServedCard(Struct, frozen=True):
    """The insertion that ``visit`` belongs to."""

    insertion: int
    visit: VisitId


class Presence(Struct, frozen=True):
    """Readers, cards and services at the station; ``cards`` are readers by insertion.

    ``served`` is the card that went into the empty station, and stays until all cards are out.
    ``readers`` is None until they are known; ``authority`` is the result of the last check.
    """

    cards: Mapping[int, str] = {}
    served: ServedCard | None = None
    readers: tuple[str, ...] | None = None
    service: bool = True
    authority: s.Outage | None = None

    @property
    def reader(self) -> ReaderState:
        if not self.service:
            return ReaderState.NO_SERVICE
        if self.readers is None:
            return ReaderState.LOOKING
        return ReaderState.READY if self.readers else ReaderState.NO_READER

    @property
    def outage(self) -> s.Outage | None:
        """Why nobody can be served: what lasts longest first, then the innermost."""
        if self.authority is s.Outage.RETIRED:
            return s.Outage.RETIRED
        match self.reader:
            case ReaderState.NO_SERVICE:
                return s.Outage.NO_READER_SERVICE
            case ReaderState.NO_READER:
                return s.Outage.NO_READER
            case ReaderState.LOOKING | ReaderState.READY:
                return self.authority

    @property
    def availability(self) -> e.Availability:
        return e.Availability(self.outage)


def apply_reader_event(
    presence: Presence, event: ReaderEvent | AuthorityChecked, new_visit: VisitId
) -> tuple[Presence, tuple[e.ReaderSide, ...]]:
    """Return the new presence and the flow's events; ``new_visit`` is for a visit that begins."""
    match event:
        case CardInserted():
            return _arrived(presence, e.CardIn(new_visit, event.reader, event.insertion))
        case CardMuteSeen():
            return _arrived(presence, e.CardUnreadable(new_visit, event.reader, event.insertion))
        case CardRemoved():
            return _removed(presence, event.insertion)
        case ReadersChanged():
            return _available(replace(presence, readers=event.readers))
        case ServiceLost():
            return _available(replace(presence, readers=None, service=False))
        case ServiceFound():
            return _available(replace(presence, service=True))
        case AuthorityChecked():
            if presence.authority is event.outage:
                return presence, ()
            return _available(replace(presence, authority=event.outage))
        case _:
            assert_never(event)


def _arrived(
    presence: Presence, alone: e.CardIn | e.CardUnreadable
) -> tuple[Presence, tuple[e.ReaderSide, ...]]:
    insertion, reader, served = alone.insertion, alone.reader, presence.served
    if insertion in presence.cards:
        return presence, ()
    now = replace(presence, cards={**presence.cards, insertion: reader})
    if served is not None:
        return now, (e.SecondCard(served.visit, reader, insertion),)
    return replace(now, served=ServedCard(insertion, alone.visit)), (alone,)


def _removed(presence: Presence, insertion: int) -> tuple[Presence, tuple[e.ReaderSide, ...]]:
    served, cards = presence.served, dict(presence.cards)
    reader = cards.pop(insertion, None)
    if reader is None or served is None:
        return presence, ()
    now = replace(presence, cards=cards, served=served if cards else None)
    out = e.CardOut(served.visit, reader, insertion, others_in=bool(cards))
    if not cards:
        return now, (out, now.availability)
    return now, ((out,) if insertion == served.insertion else ())


def _available(presence: Presence) -> tuple[Presence, tuple[e.ReaderSide, ...]]:
    return presence, (presence.availability,)


# The loop.

Show = Callable[[s.State], Awaitable[None]]
"""Shows a state; returns once its screen is shown."""

OnFault = Callable[[VisitId, BaseException], None]
"""Called with an unexpected error; must not show it on the screen."""

Item = ReaderEvent | AuthorityChecked | e.Event
"""An item of the queue."""

_STOPPING_S = 0.01
"""Interval of checks whether the readers' thread has ended."""


class StationPort(Protocol):
    """The station as its screen uses it: events go in, states come out."""

    async def run(self, show: Show) -> None:
        """Show each state in turn, from the present one on, until ``stop``."""

    def submit(self, event: e.HolderSide) -> None:
        """Queue the holder's act; called on the screen's own loop, never blocks."""

    def touched(self) -> None:
        """Restart the idle time (any key, any touch)."""

    async def stop(self) -> None:
        """End ``run`` once a running command has its outcome recorded."""


class Executor(Protocol):
    """Carries out commands and checks the authority; called on worker threads, may block."""

    def perform(self, command: c.Command) -> e.ResultSide | None:
        """Carry out ``command``; None where nothing waits for an answer."""

    def check_authority(self, reader: ReaderState, *, idle: bool) -> s.Outage | None:
        """Return why the authority can serve nobody here, or None, and send the heartbeat.

        Called every ``IdleTimes.check_s``, and sooner after an event. ``idle`` allows work that
        would disturb a visit.
        """


class IdleTimes(Struct, frozen=True):
    """Seconds: until "are you still there", to answer it, between checks of the authority.

    A failed check is repeated after ``again_s``, then after twice as long each time, up to half of
    ``check_s``. Each pause is drawn up to a fifth shorter or longer, so that stations that started
    together do not check together. A page that was shown for less than ``read_s`` was not read.
    """

    idle_s: float = 60.0
    answer_s: float = 20.0
    check_s: float = 30.0
    again_s: float = 1.0
    read_s: float = 3.0


_EARLY_S = 0.001
"""A wait may end earlier by less than this: its end is a sum of floats."""


class IdleTimer:
    """Counts from the last touch; ``now`` gives seconds (monotonic)."""

    def __init__(self, times: IdleTimes, now: Callable[[], float]) -> None:
        self._times = times
        self._now = now
        self._touched_at = now()

    def touched(self) -> None:
        self._touched_at = self._now()

    def seconds_left(self, state: s.State) -> float | None:
        """Return the time left on this page; None where it has no limit."""
        match state:
            case s.StillThere():
                allowed = self._times.answer_s
            case s.Attract(pulled=None) | s.OutOfService(pulled=None):
                return None
            case s.Reading() | s.Working() | s.RemoveCard():
                return None
            case _:
                allowed = self._times.idle_s
        return max(0.0, allowed - (self._now() - self._touched_at))

    def event(self, state: s.State) -> e.ClockSide | None:
        """Return the time-out, or None after a touch during the wait."""
        left, visit = self.seconds_left(state), s.visit_of(state)
        if left is None or left > _EARLY_S:
            return None
        if visit is None:
            return e.NoticeTimedOut()
        return e.AnswerTimedOut(visit) if isinstance(state, s.StillThere) else e.IdleTimedOut(visit)


class StationLoop:
    """Implements ``StationPort``.

    With ``turn`` it serves one visit: it watches readers once ``turn`` has returned, and ``run``
    ends with the visit.
    """

    def __init__(
        self,
        executor: Executor,
        monitor: Callable[[PostReaderEvent], ReaderMonitor],
        on_fault: OnFault,
        times: IdleTimes,
        now: Callable[[], float] = time.monotonic,
        pauses: random.Random | None = None,
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._executor = executor
        self._turn = turn
        self._had_visit = False
        self._make_monitor = monitor
        self._on_fault = on_fault
        self._times = times
        self._now = now
        self._shown_at = now()
        self._pauses = pauses or random.Random()  # noqa: S311 - no secret
        self._check_is_due = asyncio.Event()
        self._idle_timer = IdleTimer(times, now)
        self._presence = Presence()
        self._state: s.State = s.Attract()
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue()
        self._under_way: set[asyncio.Task[None]] = set()
        # In turn. A visit ends once it was opened and what became of its card is recorded; the next
        # is opened after that, and not while the reader still asks for a PIN.
        self._at_card = asyncio.Lock()

    @property
    def state(self) -> s.State:
        return self._state

    def submit(self, event: e.HolderSide) -> None:
        self._queue.put_nowait(event)

    def touched(self) -> None:
        self._idle_timer.touched()

    async def run(self, show: Show) -> None:
        loop = asyncio.get_running_loop()

        def post(event: ReaderEvent) -> None:
            loop.call_soon_threadsafe(self._queue.put_nowait, event)

        await show(self._state)
        if self._turn is not None:
            await self._turn()
        monitor = self._make_monitor(post)
        monitor.start()
        watch = asyncio.create_task(self._watch_authority())
        try:
            await self._consume(show)
        finally:
            watch.cancel()
            try:
                await _stopped(monitor)
            finally:
                await self.await_under_way()

    async def stop(self) -> None:
        self._queue.put_nowait(None)
        await self.await_under_way()

    async def await_under_way(self) -> None:
        """Return once all running work has ended: outcomes and ends of visits are recorded."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _consume(self, show: Show) -> None:
        while (item := await self._next_item()) is not None:
            for event in self._events_from(item):
                if self._is_for_next(event):
                    if isinstance(event, e.CardIn):
                        # What the card did before may have to be recorded first.
                        await show(s.Reading(event.visit, event.reader))
                    return
                await self._advance(event, show)
                if self._is_over:
                    return

    @property
    def _is_over(self) -> bool:
        """Whether the one visit is over, and nobody has to read what became of it."""
        state = self._state
        last_page = isinstance(state, s.Attract | s.OutOfService) and state.pulled is None
        return self._turn is not None and self._had_visit and last_page

    def _is_for_next(self, event: e.Event) -> bool:
        """Return whether a card goes in after the one visit, while its last page is shown."""
        over = self._turn is not None and self._had_visit and s.visit_of(self._state) is None
        return over and isinstance(event, e.CardIn | e.CardUnreadable)

    async def _next_item(self) -> Item | None:
        """Wait for the next item, or make one after too long without any."""
        while True:
            wait = self._idle_timer.seconds_left(self._state)
            try:
                # Not asyncio.wait_for: in Python 3.11 it can swallow a cancellation.
                async with asyncio.timeout(wait):
                    return await self._queue.get()
            except TimeoutError:
                timed_out = self._idle_timer.event(self._state)
                if timed_out is not None:
                    return timed_out

    def _events_from(self, item: Item) -> Iterable[e.Event]:
        if not isinstance(item, ReaderEvent | AuthorityChecked):
            return (item,)
        before = self._presence
        self._presence, events = apply_reader_event(before, item, VisitId(uuid.uuid4().hex))
        if isinstance(item, AuthorityChecked):
            return events
        # Staff see at once that a reader is gone. And without a new check, a card that goes in
        # while the authority is away would be served or refused by an outdated result.
        if self._presence.reader is not before.reader or before.authority is not None:
            self._check_is_due.set()
        return events

    async def _advance(self, event: e.Event, show: Show) -> None:
        if isinstance(event, e.CardOut | e.SecondCard):
            event = replace(event, unread=self._now() - self._shown_at < self._times.read_s)
        state = self._state
        if isinstance(state, s.StillThere) and isinstance(event, e.HolderSide):
            # "Yes", or what was entered on the page below at the moment when that was covered.
            state = step(state, e.Stayed(event.visit)).state
        following = step(state, event)
        changed = following.state != self._state
        self._state = following.state
        self._had_visit |= s.visit_of(self._state) is not None
        for command in following.commands:
            task = asyncio.create_task(self._carry_out(command))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if changed:
            await show(self._state)
            self._shown_at = self._now()
            self.touched()  # nobody could do anything before it was shown

    async def _carry_out(self, command: c.Command) -> None:
        in_turn = isinstance(command, c.OpenVisit | c.PinCommand | c.EndVisit)
        async with self._at_card if in_turn else nullcontext():
            state = self._state
            waits = isinstance(state, s.Reading) and state.visit == command.visit
            if isinstance(command, c.OpenVisit) and not waits:
                # Its card left while it waited for the card before it. The end of this visit was
                # already reported: opened now, it would stay open.
                return
            try:
                result = await run_on_thread(partial(self._guarded, command))
            except NoThreadLeft as fault:
                # Nothing was done: the holder may try again.
                self._on_fault(command.visit, fault)
                result = None if isinstance(command, c.Report) else e.NoReply(command.visit)
        if isinstance(result, e.NoReply) and not result.busy:
            self._check_is_due.set()
        if result is not None:
            self._queue.put_nowait(result)

    def _guarded(self, command: c.Command) -> e.ResultSide | None:
        """Perform ``command``; only here does an unexpected error end a visit."""
        visit = command.visit
        with log_about(call=type(command).__name__, visit=visit, reference=reference_of(visit)):
            try:
                return self._executor.perform(command)
            except Exception as fault:  # noqa: BLE001 - closes the visit, audited, nothing shown
                self._on_fault(visit, fault)
                return e.GaveUp(visit, Reason.FAULT)

    async def _watch_authority(self) -> None:
        again_s = self._times.again_s
        while True:
            self._check_is_due.clear()
            idle = isinstance(self._state, s.Attract | s.OutOfService)
            check = partial(self._executor.check_authority, self._presence.reader, idle=idle)
            try:
                outage = await run_on_thread(check)
            except Exception as fault:  # noqa: BLE001 - it is logged, and must not end the checks
                self._on_fault(VisitId(""), fault)
                outage = s.Outage.AUTHORITY_AWAY
            self._queue.put_nowait(AuthorityChecked(outage))
            if outage is s.Outage.AUTHORITY_AWAY:
                pause_s, again_s = again_s, min(2 * again_s, self._times.check_s / 2)
            else:
                pause_s, again_s = self._times.check_s, self._times.again_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s * self._pauses.uniform(0.8, 1.2)):
                    await self._check_is_due.wait()


async def _stopped(monitor: ReaderMonitor) -> None:
    """Stop the readers on a separate thread; they have stopped when this ends, even if cancelled.

    Among the threads of commands it would wait behind work that hangs, and would never begin if the
    station were cancelled before.
    """
    stopping = Thread(target=monitor.stop, name="stop-readers")
    stopping.start()
    try:
        while stopping.is_alive():
            await asyncio.sleep(_STOPPING_S)
    finally:
        stopping.join()
