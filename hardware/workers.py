"""Threads that wait for work, so that a call on a card need not wait for a thread to be made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]


class Workers:
    """As many threads as there were jobs at the same time.

    One that hangs is missed by nobody: the next job gets another, and it comes back when
    it is done. Threads do not survive a fork: make this in the process that uses it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Job]] = []

    def start(self, job: Job) -> None:
        """Begin ``job`` in a thread that has nothing else to do; it must not raise."""
        with self._lock:
            desk = self._idle.pop() if self._idle else None
        if desk is None:
            desk = SimpleQueue()
            threading.Thread(target=self._work, args=(desk,), name="card", daemon=True).start()
        desk.put(job)

    def _work(self, desk: SimpleQueue[Job]) -> None:
        while True:
            desk.get()()
            with self._lock:
                self._idle.append(desk)
