"""A call for which there may be no thread."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kiosk.system.threads import NoThreadLeft, SharedProcessor, run_on_thread
from tests.support.exhausted import no_threads


async def test_thread_call_returns_what_was_returned_there() -> None:
    assert await run_on_thread(threading.get_ident) != threading.get_ident()


async def test_thread_call_raises_what_was_raised_there() -> None:
    with pytest.raises(ZeroDivisionError), ThreadPoolExecutor(1) as pool:
        await run_on_thread(lambda: 1 / 0, pool)


async def test_what_no_future_can_hold_is_raised_all_the_same() -> None:
    """Before: a check of the authority never ended, and no other followed."""
    with pytest.raises(RuntimeError) as caught:
        async with asyncio.timeout(30):
            await run_on_thread(lambda: next(iter(())))
    assert isinstance(caught.value.__cause__, StopIteration)


async def test_what_found_no_thread_is_not_called_later() -> None:
    called: list[str] = []
    with ThreadPoolExecutor(1, "few") as pool:
        with no_threads("few"), pytest.raises(NoThreadLeft):
            await run_on_thread(lambda: called.append("late"), pool)
        await run_on_thread(lambda: called.append("in time"), pool)
    assert called == ["in time"]


class Hasty(ThreadPoolExecutor):
    """A pool with a thread that takes the call before no other can be started."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        super().submit(fn, *args, **kwargs).result()
        raise RuntimeError("can't start new thread")


async def test_what_another_thread_has_begun_is_waited_for() -> None:
    with Hasty(1) as pool:
        assert await run_on_thread(lambda: "done", pool) == "done"


def processors_of_threads(leaves: bool) -> tuple[set[int], set[int]]:
    """Return those of a thread that shares one with those that it starts, and of one of these."""
    with ThreadPoolExecutor(1) as sharing:
        shared = sharing.submit(SharedProcessor).result()
        mine = sharing.submit(os.sched_getaffinity, 0).result()
        with sharing.submit(
            ThreadPoolExecutor, 1, "", shared.leave if leaves else None
        ).result() as pool:
            started = sharing.submit(lambda: pool.submit(os.sched_getaffinity, 0).result())
            return mine, started.result()


@pytest.mark.parametrize("leaves", [False, True])
def test_threads_share_a_processor_until_they_leave_it(leaves: bool) -> None:
    mine, others = processors_of_threads(leaves)
    assert len(mine) == 1
    assert others == (os.sched_getaffinity(0) if leaves else mine)


TAKE = """
import os, threading
from kiosk.system.threads import SharedProcessor
every, taken, done = os.sched_getaffinity(0), [], threading.Barrier(len(os.sched_getaffinity(0)))

def take():
    shared = SharedProcessor()
    taken.extend(os.sched_getaffinity(0))
    done.wait()

threads = [threading.Thread(target=take) for _ in every]
for each in threads: each.start()
for each in threads: each.join()
print(sorted(taken) == sorted(every))
"""


def test_processes_that_ask_get_different_processors() -> None:
    """In a network of their own: its names are free."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    alone = ("unshare", *as_root, "--net")
    done = subprocess.run([*alone, sys.executable, "-c", TAKE], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
