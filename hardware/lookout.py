"""The thread that looks at the readers: it blocks in SCardGetStatusChange and tells.

It owns a PC/SC context. When the service goes away it says so once and keeps trying;
only ``stop`` ends it. What it tells is worked out in ``hardware.watch``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from hardware import pcsc, watch
from hardware.pcsc import Context, PcscError, ReaderState
from hardware.watch import Events, Watch

LONGEST_WAIT_MS: Final = 5_000
"""After it the readers are listed again, should one have come between list and wait."""

STOP_S: Final = 2.0
_CANCEL_EVERY_S: Final = 0.05


class Lookout:
    """One thread, from ``start`` to ``stop``; it cannot be started again."""

    def __init__(self, tell: Callable[[Events], None], insertions: int, retry_s: float) -> None:
        self._tell = tell
        self._watch = Watch(insertions=insertions)
        self._retry_s = retry_s
        self._stopping = threading.Event()
        self._context: Context | None = None
        self._thread = threading.Thread(target=self._run, name="readers", daemon=True)

    @property
    def insertions(self) -> int:
        """How many cards were seen to go in, those before this lookout included."""
        return self._watch.insertions

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for its end for up to 2 s; nothing is told any more."""
        self._stopping.set()
        # A service that is frozen would hold the call that wakes the thread, too.
        threading.Thread(target=self._wake, name="waker", daemon=True).start()
        self._thread.join(STOP_S)

    def _wake(self) -> None:
        """Cancel the wait until the thread has ended: it may be just about to wait."""
        while self._thread.is_alive():
            context = self._context
            if context is not None:
                pcsc.cancel(context)
            self._thread.join(_CANCEL_EVERY_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._context = pcsc.establish()
                self._note(watch.service_found(self._watch))
                self._follow(self._context)
            except PcscError:
                self._note(watch.service_lost(self._watch))
                self._stopping.wait(self._retry_s)
            finally:
                self._release()

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            pcsc.release(context)

    def _follow(self, context: Context) -> None:
        """Follow the readers until told to stop; raise ``PcscError`` when the service goes."""
        known: Mapping[str, ReaderState] = {}
        while not self._stopping.is_set():
            readers = pcsc.list_readers(context)
            self._note(watch.readers_listed(self._watch, readers))
            known = _await_change(context, (*readers, pcsc.PLUG_AND_PLAY), known)
            seen = [state for name, state in known.items() if name in readers]
            self._note(watch.states_seen(self._watch, seen))

    def _note(self, news: tuple[Watch, Events]) -> None:
        self._watch, events = news
        if events and not self._stopping.is_set():
            self._tell(events)


def _await_change(
    context: Context, names: tuple[str, ...], known: Mapping[str, ReaderState]
) -> Mapping[str, ReaderState]:
    """Return the states of the readers once one differs from ``known``, or after a while.

    The reader that stands for plugging has a state as well: some number that changes with
    the readers. Only the service knows which, so it gets back what it gave.
    """
    states = [known.get(name, ReaderState(name, pcsc.STATE_UNAWARE)) for name in names]
    try:
        seen = pcsc.wait_for_change(context, LONGEST_WAIT_MS, states)
    except PcscError as error:
        if not (error.timed_out or error.cancelled or error.no_such_reader):
            raise
        return known
    return {state.reader: state for state in seen}
