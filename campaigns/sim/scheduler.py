"""One thread at a time, in an order that a seed draws, on a clock that nobody waits for.

The station's own loop runs on an event loop whose time is simulated. What it hands to worker
threads becomes a job: a job runs until it reaches ``Scheduler.pause``, where the scheduler
chooses which job goes on. So the same seed gives the same order of everything.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_STEP_S = 0.02
"""Simulated seconds that pass with each step of a job."""

START = datetime.fromisoformat("2030-05-17T08:00:00+00:00")


class Crashed(BaseException):
    """Ends a job of a process that was killed; no ``except Exception`` stops it."""


class StuckError(Exception):
    """Nothing can go on: every task waits, and no time-out is set."""


class Scheduler:
    """Chooses which job takes the next step; ``now`` is the simulated time in seconds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.clock_wrong_by = timedelta()
        """How far the time of day is from ``now``."""
        self.steps = 0
        self._ready: list[Callable[[], None]] = []
        self._baton = threading.Condition()
        self._running = False
        self._thread = threading.get_ident()

    # --- for jobs ---

    def pause(self) -> None:
        """Let others go first; returns when the scheduler chooses this job again."""
        if threading.get_ident() == self._thread:
            return
        mine = threading.Event()
        with self._baton:
            self._ready.append(mine.set)
            self._hand_back()
        mine.wait()

    def add(self, job: Callable[[], None]) -> None:
        """Let ``job`` begin when it is chosen; it must not raise."""

        def run() -> None:
            job()
            with self._baton:
                self._hand_back()

        thread = threading.Thread(target=run, name="job", daemon=True)
        with self._baton:
            self._ready.append(thread.start)

    def _hand_back(self) -> None:
        self._running = False
        self._baton.notify_all()

    # --- for the event loop ---

    def step(self) -> bool:
        """Let one job go on until it pauses or ends; False where there is none."""
        if not self._ready:
            return False
        go_on = self._ready.pop(self.random.randrange(len(self._ready)))
        with self._baton:
            self._running = True
            go_on()
            self._baton.wait_for(lambda: not self._running)
        self.steps += 1
        self.now += _STEP_S
        return True


class _Selector(selectors.SelectSelector):
    """Waits for nothing: where the event loop would sleep, a job goes on, or time passes."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if not self._scheduler.step():
            if timeout is None:
                raise StuckError
            self._scheduler.now += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on simulated time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        super().__init__(_Selector(scheduler))

    def time(self) -> float:
        return self._scheduler.now


class _Jobs(ThreadPoolExecutor):
    """Makes a job of what the event loop hands to a thread."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(max_workers=1)
        self._scheduler = scheduler

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return  # who awaited it was cancelled before it began
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - carried over to who awaits it
                future.set_exception(error)

        self._scheduler.add(job)
        return future


def new_loop(scheduler: Scheduler) -> asyncio.AbstractEventLoop:
    """Return the event loop on which everything of one simulation runs."""
    loop = _Loop(scheduler)
    loop.set_default_executor(_Jobs(scheduler))
    return loop


class SimulatedClock:
    """Implements ``Clock`` on the scheduler's time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now(self) -> datetime:
        """Return the time of day."""
        return START + timedelta(seconds=self._scheduler.now) + self._scheduler.clock_wrong_by

    def monotonic(self) -> float:
        """Return the simulated seconds."""
        return self._scheduler.now
