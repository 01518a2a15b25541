"""A call for which there may be no thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kiosk.system.threads import NoThreadLeft, run_on_thread
from tests.support.exhausted import no_threads


async def test_it_returns_what_was_returned_on_the_thread() -> None:
    assert await run_on_thread(threading.get_ident) != threading.get_ident()


async def test_it_raises_what_was_raised_there() -> None:
    with pytest.raises(ZeroDivisionError), ThreadPoolExecutor(1) as pool:
        await run_on_thread(lambda: 1 / 0, pool)


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
