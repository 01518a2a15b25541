"""Verdicts that could not be committed yet: a retry must not cost a second look, or a try.

When the database goes away between the look and the verdict, the caller asks again with
the same attempt. What was found is remembered here, in this process alone: if the
process dies too, the charge stands.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from kiosk.store.records import Verdict

_MOST = 1000


class Verdicts:
    """What was found of attempts whose verdict is still to be written down."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[str, str], Verdict] = OrderedDict()

    def remember(self, visit: str, attempt: str, verdict: Verdict) -> None:
        """Keep what was found in a visit; the oldest of very many is forgotten."""
        with self._lock:
            self._found[visit, attempt] = verdict
            if len(self._found) > _MOST:
                self._found.popitem(last=False)

    def recall(self, visit: str, attempt: str) -> Verdict | None:
        """Return what was found, if it was here."""
        with self._lock:
            return self._found.get((visit, attempt))

    def forget(self, visit: str, attempt: str) -> None:
        """Drop what has been written down."""
        with self._lock:
            self._found.pop((visit, attempt), None)
