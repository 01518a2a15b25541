"""PC/SC contexts between two uses: to open one costs a third of a whole unblock."""

from __future__ import annotations

import threading

from hardware import pcsc
from hardware.pcsc import Context


class Contexts:
    """Lends a context to one thread at a time. It holds no card and knows no secret."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Context] = []

    def borrow(self) -> Context | None:
        """Return one that lies idle, if any; the service may have forgotten it meanwhile."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give_back(self, context: Context) -> None:
        """Keep a context that is in order for the next use; one is enough."""
        with self._lock:
            keep = not self._idle
            if keep:
                self._idle.append(context)
        if not keep:
            pcsc.release(context)

    def close(self) -> None:
        """Release what lies idle."""
        while (context := self.borrow()) is not None:
            pcsc.release(context)
