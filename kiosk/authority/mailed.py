"""Codes that the relay took and that are not alive yet, because the database went away.

The call is repeated with the same attempt. Without this a second mail would go out. It is
known in the process that mailed the code alone: another one mails the same code again.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

_MOST = 1000


class Mailed:
    """The drafts whose mail was taken; the oldest of very many is forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._drafts: OrderedDict[str, None] = OrderedDict()

    def add(self, code_id: str) -> None:
        """Remember that the mail of a draft was taken."""
        with self._lock:
            self._drafts[code_id] = None
            if len(self._drafts) > _MOST:
                self._drafts.popitem(last=False)

    def __contains__(self, code_id: str) -> bool:
        with self._lock:
            return code_id in self._drafts

    def discard(self, code_id: str) -> None:
        """Forget one: its code is alive, or over."""
        with self._lock:
            self._drafts.pop(code_id, None)
