"""Watches the readers on one thread and posts which cards go in and out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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

Events = tuple[ReaderEvent, ...]

# Snapshots: pure, without PC/SC. Each function takes a snapshot and an observation, and returns the
# next snapshot with its events. The service's event counter shows a card that was swapped between
# two observations.


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card that is in a reader; ``count`` is the service's event counter when it was seen."""

    insertion: int
    count: int


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """What the monitor knows; ``service`` is None before the first answer or failure."""

    insertions: int = 0
    service: bool | None = None
    readers: tuple[str, ...] | None = None
    cards: Mapping[str, CardSeen] = field(default_factory=dict)


def service_found(snapshot: ReaderSnapshot) -> tuple[ReaderSnapshot, Events]:
    """Record that the service answers."""
    if snapshot.service:
        return snapshot, ()
    return replace(snapshot, service=True, readers=None), (ServiceFound(),)


def service_lost(snapshot: ReaderSnapshot) -> tuple[ReaderSnapshot, Events]:
    """Record that the service is lost; every card that was in counts as removed first."""
    if snapshot.service is False:
        return snapshot, ()
    lost = ReaderSnapshot(snapshot.insertions, service=False)
    return lost, (*_removed(snapshot, snapshot.cards), ServiceLost())


def readers_listed(
    snapshot: ReaderSnapshot, readers: tuple[str, ...]
) -> tuple[ReaderSnapshot, Events]:
    """Record the readers that are plugged in; a card leaves with its reader."""
    if snapshot.readers == readers:
        return snapshot, ()
    gone = [reader for reader in snapshot.cards if reader not in readers]
    events = (*_removed(snapshot, gone), ReadersChanged(readers))
    return replace(snapshot, readers=readers, cards=_without(snapshot.cards, gone)), events


def states_seen(
    snapshot: ReaderSnapshot, states: Iterable[PcscReaderState]
) -> tuple[ReaderSnapshot, Events]:
    """Record the state of some readers."""
    events: Events = ()
    for state in states:
        snapshot, more = _state_seen(snapshot, state)
        events += more
    return snapshot, events


def _state_seen(snapshot: ReaderSnapshot, state: PcscReaderState) -> tuple[ReaderSnapshot, Events]:
    known = snapshot.cards.get(state.reader)
    if not state.present:
        gone = [state.reader] if known else []
        return replace(snapshot, cards=_without(snapshot.cards, gone)), _removed(snapshot, gone)
    if known is None:
        return _inserted(snapshot, state)
    if known.count != state.count:
        snapshot, new = _inserted(snapshot, state)
        return snapshot, (CardRemoved(state.reader, known.insertion), *new)
    return snapshot, ()


def _inserted(snapshot: ReaderSnapshot, state: PcscReaderState) -> tuple[ReaderSnapshot, Events]:
    """Record a card as it first answers: one that falls mute or wakes up later is the same."""
    insertion = snapshot.insertions + 1
    event = CardMuteSeen if state.mute else CardInserted
    cards = {**snapshot.cards, state.reader: CardSeen(insertion, state.count)}
    return replace(snapshot, insertions=insertion, cards=cards), (event(state.reader, insertion),)


def _removed(snapshot: ReaderSnapshot, readers: Iterable[str]) -> Events:
    return tuple(CardRemoved(reader, snapshot.cards[reader].insertion) for reader in readers)


def _without(cards: Mapping[str, CardSeen], gone: list[str]) -> Mapping[str, CardSeen]:
    return {reader: card for reader, card in cards.items() if reader not in gone}


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
        self._snapshot = ReaderSnapshot()
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
                self._note(service_found(self._snapshot))
                pauses = growing(self._retry_s)
                self._follow(self._context)
            except PcscError:
                self._note(service_lost(self._snapshot))
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
            self._note(readers_listed(self._snapshot, readers))
            known = _await_change(context, (*readers, pcsc.PLUG_AND_PLAY), known)
            seen = [state for name, state in known.items() if name in readers]
            self._note(states_seen(self._snapshot, seen))

    def _note(self, change: tuple[ReaderSnapshot, Events]) -> None:
        self._snapshot, events = change
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
