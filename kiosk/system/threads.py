"""Threads: how they take turns, and calls on them on a machine that may have none left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
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
    done: Future[T] = Future()

    def run() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 - carried over to who awaits it
            done.set_exception(error)

    try:
        if threads is None:
            asyncio.get_running_loop().run_in_executor(None, run)
        else:
            threads.submit(run)
    except RuntimeError:
        if done.cancel():
            raise NoThreadLeft from None
    return await asyncio.wrap_future(done)
