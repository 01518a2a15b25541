"""Posts what goes in and out of the readers: one thread that only posts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from hardware.lookout import Lookout
from hardware.watch import Events
from kiosk.ports import PostReaderEvent

RETRY_S: Final = 0.25
"""Between two looks for a PC/SC service that is away."""

Fault = Callable[[Exception], None]


def log_fault(fault: Exception) -> None:
    """Log what kind of fault it was, not its text: who knows what it carries."""
    logging.getLogger(__name__).error("an event was not taken: %s", type(fault).__name__)


class PcscMonitor:
    """Implements ``kiosk.ports.ReaderMonitor``.

    ``post`` is called from the monitor's thread and should only pass the event on. What
    it raises goes to ``fault``, and the next event is posted all the same. Insertions
    are numbered on after a ``stop`` and a new ``start``; a second monitor in the same
    process must be told to begin where the first one cannot reach (``insertions``).
    """

    def __init__(
        self,
        post: PostReaderEvent,
        *,
        fault: Fault = log_fault,
        retry_s: float = RETRY_S,
        insertions: int = 0,
    ) -> None:
        self._post = post
        self._fault = fault
        self._retry_s = retry_s
        self._insertions = insertions
        self._lookout: Lookout | None = None

    def start(self) -> None:
        """Begin to post; a monitor that runs is left alone."""
        if self._lookout is None:
            self._lookout = Lookout(self._tell, self._insertions, self._retry_s)
            self._lookout.start()

    def stop(self) -> None:
        """End the thread; returns once it has ended, or after 2 s. Nothing is posted any more."""
        lookout, self._lookout = self._lookout, None
        if lookout is not None:
            lookout.stop()
            self._insertions = lookout.insertions

    def _tell(self, events: Events) -> None:
        for event in events:
            try:
                self._post(event)
            except Exception as fault:  # noqa: BLE001  whatever it is, the readers are still watched
                self._fault(fault)
