"""One call at a time for each visit, in this process.

A repeated call then waits for the first and gets its verdict, instead of finding it
half done. Between processes the database's own statements decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """Locks by visit that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[str, Lock] = {}
        self._users: Counter[str] = Counter()

    @contextmanager
    def of(self, visit: str) -> Iterator[None]:
        """Wait for the visit's turn, and hold it for the block."""
        with self._guard:
            lock = self._locks.setdefault(visit, Lock())
            self._users[visit] += 1
        try:
            with lock:
                yield
        finally:
            self._leave(visit)

    def _leave(self, visit: str) -> None:
        with self._guard:
            self._users[visit] -= 1
            if not self._users[visit]:
                del self._users[visit], self._locks[visit]
