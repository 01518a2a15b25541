"""Watches the readers on one thread and posts what goes in and out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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

# What is in which reader, and what to say when that changes: pure, without PC/SC.
#
# A ``ReaderSnapshot`` is what the monitor believes. Each function takes one and what was seen,
# and returns the next belief with the events that lead from one to the other. The service's event
# counter tells a card that was swapped while nobody looked.

Events = tuple[ReaderEvent, ...]


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card that is in; ``count`` is the service's event counter when it was seen."""

    insertion: int
    count: int
    mute: bool


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """The belief; ``service`` is None before anything is known of it."""

    insertions: int = 0
    service: bool | None = None
    readers: tuple[str, ...] | None = None
    cards: Mapping[str, CardSeen] = field(default_factory=lambda: MappingProxyType({}))

    def without_service(self) -> ReaderSnapshot:
        """Return a belief that knows nothing but how many cards there were."""
        return ReaderSnapshot(insertions=self.insertions)


def service_found(watch: ReaderSnapshot) -> tuple[ReaderSnapshot, Events]:
    """Take note that the service answers."""
    if watch.service:
        return watch, ()
    return replace(watch, service=True, readers=None), (ServiceFound(),)


def service_lost(watch: ReaderSnapshot) -> tuple[ReaderSnapshot, Events]:
    """Take note that it does not; every card that was in counts as removed first."""
    if watch.service is False:
        return watch, ()
    lost = replace(watch.without_service(), service=False)
    return lost, (*_removed(watch, watch.cards), ServiceLost())


def readers_listed(
    watch: ReaderSnapshot, readers: tuple[str, ...]
) -> tuple[ReaderSnapshot, Events]:
    """Take note of the readers that are plugged in; a card leaves with its reader."""
    if watch.readers == readers:
        return watch, ()
    gone = [reader for reader in watch.cards if reader not in readers]
    events = (*_removed(watch, gone), ReadersChanged(readers))
    return replace(watch, readers=readers, cards=_without(watch.cards, gone)), events


def states_seen(
    watch: ReaderSnapshot, states: Iterable[PcscReaderState]
) -> tuple[ReaderSnapshot, Events]:
    """Take note of the state of some readers."""
    events: Events = ()
    for state in states:
        watch, more = _state_seen(watch, state)
        events += more
    return watch, events


def _state_seen(watch: ReaderSnapshot, state: PcscReaderState) -> tuple[ReaderSnapshot, Events]:
    known = watch.cards.get(state.reader)
    if not state.present:
        gone = [state.reader] if known else []
        return replace(watch, cards=_without(watch.cards, gone)), _removed(watch, gone)
    if known is None:
        return _inserted(watch, state)
    if known.count != state.count:
        watch, new = _inserted(watch, state)
        return watch, (CardRemoved(state.reader, known.insertion), *new)
    if known.mute != state.mute:
        return _said(watch, state, known.insertion)
    return watch, ()


def _inserted(watch: ReaderSnapshot, state: PcscReaderState) -> tuple[ReaderSnapshot, Events]:
    insertion = watch.insertions + 1
    return _said(replace(watch, insertions=insertion), state, insertion)


def _said(
    watch: ReaderSnapshot, state: PcscReaderState, insertion: int
) -> tuple[ReaderSnapshot, Events]:
    """Say whether the card that is in answers."""
    seen = CardSeen(insertion, state.count, state.mute)
    event = CardMuteSeen if state.mute else CardInserted
    cards = MappingProxyType({**watch.cards, state.reader: seen})
    return replace(watch, cards=cards), (event(state.reader, insertion),)


def _removed(watch: ReaderSnapshot, readers: Iterable[str]) -> Events:
    return tuple(CardRemoved(reader, watch.cards[reader].insertion) for reader in readers)


def _without(cards: Mapping[str, CardSeen], gone: Iterable[str]) -> Mapping[str, CardSeen]:
    left = {reader: card for reader, card in cards.items() if reader not in set(gone)}
    return MappingProxyType(left)


# The thread that looks at the readers: it blocks in SCardGetStatusChange and tells.
#
# It owns a PC/SC context. When the service goes away it says so once and keeps trying; only
# ``stop`` ends it. What it tells is worked out in ``hardware.monitor``.

LONGEST_WAIT_MS: Final = 5_000
"""After it the readers are listed again, should one have come between list and wait."""

STOP_S: Final = 2.0
_CANCEL_EVERY_S: Final = 0.05


class ReaderThread:
    """One thread, from ``start`` to ``stop``; it cannot be started again."""

    def __init__(self, tell: Callable[[Events], None], insertions: int, retry_s: float) -> None:
        self._tell = tell
        self._watch = ReaderSnapshot(insertions=insertions)
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
                self._note(service_found(self._watch))
                self._follow(self._context)
            except PcscError:
                self._note(service_lost(self._watch))
                self._stopping.wait(self._retry_s)
            finally:
                self._release()

    def _release(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            pcsc.release(context)

    def _follow(self, context: Context) -> None:
        """Follow the readers until told to stop; raise ``PcscError`` when the service goes."""
        known: Mapping[str, PcscReaderState] = {}
        while not self._stopping.is_set():
            readers = pcsc.list_readers(context)
            self._note(readers_listed(self._watch, readers))
            known = _await_change(context, (*readers, pcsc.PLUG_AND_PLAY), known)
            seen = [state for name, state in known.items() if name in readers]
            self._note(states_seen(self._watch, seen))

    def _note(self, news: tuple[ReaderSnapshot, Events]) -> None:
        self._watch, events = news
        if events and not self._stopping.is_set():
            self._tell(events)


def _await_change(
    context: Context, names: tuple[str, ...], known: Mapping[str, PcscReaderState]
) -> Mapping[str, PcscReaderState]:
    """Return the states of the readers once one differs from ``known``, or after a while.

    The reader that stands for plugging has a state as well: some number that changes with
    the readers. Only the service knows which, so it gets back what it gave.
    """
    states = [known.get(name, PcscReaderState(name, pcsc.STATE_UNAWARE)) for name in names]
    try:
        seen = pcsc.wait_for_change(context, LONGEST_WAIT_MS, states)
    except PcscError as error:
        if not (error.timed_out or error.cancelled or error.no_such_reader):
            raise
        return known
    return {state.reader: state for state in seen}


RETRY_S: Final = 0.25
"""Between two looks for a PC/SC service that is away."""

Fault = Callable[[Exception], None]


def log_fault(fault: Exception) -> None:
    """Log what kind of fault it was, not its text: who knows what it carries."""
    logging.getLogger(__name__).error("an event was not taken: %s", type(fault).__name__)


class PcscMonitor:
    """Implements ``kiosk.contract.ports.ReaderMonitor``.

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
        self._lookout: ReaderThread | None = None

    def start(self) -> None:
        """Begin to post; a monitor that runs is left alone."""
        if self._lookout is None:
            self._lookout = ReaderThread(self._tell, self._insertions, self._retry_s)
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
