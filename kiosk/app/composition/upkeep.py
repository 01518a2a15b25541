"""Periodic work beside visits where the authority is: the caretaker, and new keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from kiosk.authority.errors import StoreError
from kiosk.system.file_stamp import stamp_of

log = logging.getLogger(__name__)

MINUTE_S = 60.0


class Upkeep:
    """Called again and again; ``now`` gives seconds (monotonic)."""

    def __init__(self, keys: Path, look: Callable[[], object], now: Callable[[], float]) -> None:
        self._keys = keys
        self._stamp = stamp_of(self._keys)
        self._look = look
        self._now = now
        self._due = now()
        self._trouble = ""

    @property
    def stale(self) -> bool:
        """Whether the key file was replaced: everything with the old keys has to be rebuilt."""
        return stamp_of(self._keys) not in (None, self._stamp)

    def run_if_due(self) -> None:
        """Run the caretaker once a minute; where the database is away, at the next call."""
        if self._now() < self._due:
            return
        before, self._due = self._due, self._now() + MINUTE_S
        try:
            self._look()
        except StoreError as error:
            self._due = before
            if str(error) != self._trouble:
                log.error("the service is not looked after: %s", error)  # noqa: TRY400
            self._trouble = str(error)
        else:
            self._trouble = ""
