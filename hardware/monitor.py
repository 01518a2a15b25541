"""Watches the readers on one thread and posts which cards go in and out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hardware import pcsc
from hardware.pcsc import Context, PcscError, PcscReaderState
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    PostReaderEvent,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)

LONGEST_WAIT_MS: Final = 5_000
"""Then the readers are listed again, in case one came between list and wait."""

RETRY_S: Final = 0.25
LONGEST_RETRY_S: Final = 2.0
"""Between two attempts to reach a PC/SC service that does not answer: each starts it again."""

STOP_S: Final = 2.0
_CANCEL_EVERY_S: Final = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card that is in a reader; ``count`` is the service's event counter when it was seen."""

    insertion: int
    count: int


class SeenReaders:
    """What is known of service, readers and cards; each method yields what is new.

    The service's event counter shows a card that was swapped between two observations.
    """

    def __init__(self) -> None:
        self._insertions = 0
        self._service: bool | None = None  # until the first answer or failure
        self._readers: tuple[str, ...] | None = None
        self._cards: dict[str, CardSeen] = {}

    def service_found(self) -> Iterator[ReaderEvent]:
        if not self._service:
            self._service, self._readers = True, None
            yield ServiceFound()

    def service_lost(self) -> Iterator[ReaderEvent]:
        """Yield the removal of every card that was in first."""
        if self._service is not False:
            self._service, self._readers = False, None
            yield from [self._removed(reader) for reader in list(self._cards)]
            yield ServiceLost()

    def readers_listed(self, readers: tuple[str, ...]) -> Iterator[ReaderEvent]:
        """Record the readers that are plugged in; a card leaves with its reader."""
        if self._readers != readers:
            self._readers = readers
            gone = [reader for reader in self._cards if reader not in readers]
            yield from [self._removed(reader) for reader in gone]
            yield ReadersChanged(readers)

    def state_seen(self, state: PcscReaderState) -> Iterator[ReaderEvent]:
        """Record a card as it first answers: one that falls mute or wakes up later is the same."""
        known = self._cards.get(state.reader)
        if known is not None and (not state.present or known.count != state.count):
            yield self._removed(state.reader)
        if state.present and state.reader not in self._cards:
            self._insertions += 1
            self._cards[state.reader] = CardSeen(self._insertions, state.count)
            event = CardMuteSeen if state.mute else CardInserted
            yield event(state.reader, self._insertions)

    def _removed(self, reader: str) -> CardRemoved:
        return CardRemoved(reader, self._cards.pop(reader).insertion)


def growing(pause_s: float) -> Iterator[float]:
    """Yield pauses, each twice as long as the one before, up to ``LONGEST_RETRY_S``."""
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, max(LONGEST_RETRY_S, pause_s))


class PcscMonitor:
    """Implements ``kiosk.contract.ports.ReaderMonitor``; it cannot be started again.

    The monitor's thread owns a PC/SC context, and blocks in SCardGetStatusChange. It posts the loss
    of the service once and tries again until ``stop``. It calls ``post``, which should only pass
    the event on; an error of it is logged, and the next event is posted all the same.
    """

    def __init__(self, post: PostReaderEvent, retry_s: float = RETRY_S) -> None:
        self._post = post
        self._retry_s = retry_s
        self._seen = SeenReaders()
        self._stopping = threading.Event()
        self._context: Context | None = None
        self._thread = threading.Thread(target=self._run, name="readers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; return once it has ended, or after 2 s. Nothing is posted any more."""
        self._stopping.set()
        # A service that is frozen would hold the call that wakes the thread, too.
        threading.Thread(target=self._wake, name="waker", daemon=True).start()
        self._thread.join(STOP_S)

    def _wake(self) -> None:
        """Cancel the wait until the thread has ended: it may be about to wait."""
        while self._thread.is_alive():
            context = self._context
            if context is not None:
                pcsc.cancel(context)
            self._thread.join(_CANCEL_EVERY_S)

    def _run(self) -> None:
        pauses = growing(self._retry_s)
        while not self._stopping.is_set():
            try:
                self._context = pcsc.establish()
                self._note(self._seen.service_found())
                pauses = growing(self._retry_s)
                self._follow(self._context)
            except PcscError:
                self._note(self._seen.service_lost())
                self._stopping.wait(next(pauses))
            finally:
                context, self._context = self._context, None
                if context is not None:
                    pcsc.release(context)

    def _follow(self, context: Context) -> None:
        """Follow the readers until ``stop``; raise ``PcscError`` when the service goes."""
        known: Mapping[str, PcscReaderState] = {}
        while not self._stopping.is_set():
            readers = pcsc.list_readers(context)
            self._note(self._seen.readers_listed(readers))
            known = _await_change(context, (*readers, pcsc.PLUG_AND_PLAY), known)
            for name, state in known.items():
                if name in readers:
                    self._note(self._seen.state_seen(state))

    def _note(self, events: Iterator[ReaderEvent]) -> None:
        for event in events:
            if self._stopping.is_set():
                return
            try:
                self._post(event)
            except Exception as fault:  # noqa: BLE001  whatever it is, the readers are still watched
                # Without its text, which may hold a secret.
                log.error("an event was not taken: %s", type(fault).__name__)  # noqa: TRY400


def _await_change(
    context: Context, names: tuple[str, ...], known: Mapping[str, PcscReaderState]
) -> Mapping[str, PcscReaderState]:
    """Return the states of the readers once one differs from ``known``, or after a time-out.

    The plug-and-play reader has a state as well: a number that changes with the readers and has a
    meaning only to the service, so it is passed back unchanged.
    """
    states = [known.get(name, PcscReaderState(name, pcsc.STATE_UNAWARE)) for name in names]
    try:
        seen = pcsc.wait_for_change(context, LONGEST_WAIT_MS, states)
    except PcscError as error:
        if not error.no_news:
            raise
        return known
    return {state.reader: state for state in seen}
