"""Threads: how they take turns, and calls on them on a machine that may have none left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
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
