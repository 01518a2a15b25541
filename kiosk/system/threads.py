"""Threads: how they take turns, and calls on them on a machine that may have none left."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from itertools import product
from threading import Lock
from typing import TypeVar

from kiosk.contract.errors import KioskError

T = TypeVar("T")


def let_threads_run() -> None:
    """Ask the kernel not to stop a thread of this process for one that has just been woken.

    The one that runs has Python's lock, for which the other would only wait. A unit whose filter
    forbids the call sets ``CPUSchedulingPolicy=batch``.
    """
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class SharedProcessor:
    """One processor for this thread and those that it starts, but for those that ``leave`` it.

    Python lets one thread run at a time. On one processor they pass its lock on without waking
    another processor, which takes a fifth of an authority's time (docs/benchmarks.md). Processes of
    this machine get different processors, as far as there are enough; any other that takes their
    names changes nothing but that. Where the system forbids the call, as the unit's filter does,
    threads run anywhere.
    """

    def __init__(self) -> None:
        self._every = os.sched_getaffinity(0)
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # From the last one on: most machines serve their devices on the first.
        for share, processor in product(range(_MOST_SHARING), sorted(self._every, reverse=True)):
            with suppress(OSError):  # another process has this name until it ends
                self._claim.bind(f"\0unlock-kiosk/processor/{processor}/{share}")
                _run_on({processor})
                return

    def leave(self) -> None:
        """Let the calling thread run on every processor: it computes without Python's lock."""
        _run_on(self._every)


_MOST_SHARING = 8


def _run_on(processors: set[int]) -> None:
    with suppress(OSError):
        os.sched_setaffinity(0, processors)


class NoThreadLeft(KioskError):
    """No thread can be started; nothing was called, and nothing will be."""

    def __init__(self) -> None:
        super().__init__("no thread can be started: too many run, or memory is short")


async def run_on_thread(call: Callable[[], T], threads: Executor | None = None) -> T:
    """Return what ``call`` returns on one of ``threads``, by default those of the event loop.

    Raises ``NoThreadLeft``. A pool that can start no thread says so, but has queued the call: one
    of its other threads would run it later, when nobody waits for it any more.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    is_claimed = Lock()

    def run() -> None:
        if not is_claimed.acquire(blocking=False):
            return
        try:
            reply = partial(answer.set_result, call())
        except StopIteration as error:
            # Before Python 3.11.8 no future takes it: its caller would wait for ever.
            stopped = RuntimeError("StopIteration")
            stopped.__cause__ = error
            reply = partial(answer.set_exception, stopped)
        except BaseException as error:  # noqa: BLE001 - carried over to who awaits it
            reply = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_unless_done, answer, reply)

    try:
        if threads is None:
            loop.run_in_executor(None, run)
        else:
            threads.submit(run)
    except RuntimeError:
        if is_claimed.acquire(blocking=False):
            raise NoThreadLeft from None
    try:
        return await answer
    finally:
        is_claimed.acquire(blocking=False)  # who awaited it may have been cancelled


def _unless_done(answer: asyncio.Future[T], reply: Callable[[], None]) -> None:
    if not answer.done():
        reply()
