"""What is in which reader, and what to say when that changes: pure, without PC/SC.

A ``Watch`` is what the monitor believes. Each function takes one and what was seen, and
returns the next belief with the events that lead from one to the other. The service's
event counter tells a card that was swapped while nobody looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from hardware.pcsc import ReaderState
from kiosk.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)

Events = tuple[ReaderEvent, ...]


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card that is in; ``count`` is the service's event counter when it was seen."""

    insertion: int
    count: int
    mute: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """The belief; ``service`` is None before anything is known of it."""

    insertions: int = 0
    service: bool | None = None
    readers: tuple[str, ...] | None = None
    cards: Mapping[str, CardSeen] = field(default_factory=lambda: MappingProxyType({}))

    def without_service(self) -> Watch:
        """Return a belief that knows nothing but how many cards there were."""
        return Watch(insertions=self.insertions)


def service_found(watch: Watch) -> tuple[Watch, Events]:
    """Take note that the service answers."""
    if watch.service:
        return watch, ()
    return replace(watch, service=True, readers=None), (ServiceFound(),)


def service_lost(watch: Watch) -> tuple[Watch, Events]:
    """Take note that it does not; every card that was in counts as removed first."""
    if watch.service is False:
        return watch, ()
    lost = replace(watch.without_service(), service=False)
    return lost, (*_removed(watch, watch.cards), ServiceLost())


def readers_listed(watch: Watch, readers: tuple[str, ...]) -> tuple[Watch, Events]:
    """Take note of the readers that are plugged in; a card leaves with its reader."""
    if watch.readers == readers:
        return watch, ()
    gone = [reader for reader in watch.cards if reader not in readers]
    events = (*_removed(watch, gone), ReadersChanged(readers))
    return replace(watch, readers=readers, cards=_without(watch.cards, gone)), events


def states_seen(watch: Watch, states: Iterable[ReaderState]) -> tuple[Watch, Events]:
    """Take note of the state of some readers."""
    events: Events = ()
    for state in states:
        watch, more = _state_seen(watch, state)
        events += more
    return watch, events


def _state_seen(watch: Watch, state: ReaderState) -> tuple[Watch, Events]:
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


def _inserted(watch: Watch, state: ReaderState) -> tuple[Watch, Events]:
    insertion = watch.insertions + 1
    return _said(replace(watch, insertions=insertion), state, insertion)


def _said(watch: Watch, state: ReaderState, insertion: int) -> tuple[Watch, Events]:
    """Say whether the card that is in answers."""
    seen = CardSeen(insertion, state.count, state.mute)
    event = CardMuteSeen if state.mute else CardInserted
    cards = MappingProxyType({**watch.cards, state.reader: seen})
    return replace(watch, cards=cards), (event(state.reader, insertion),)


def _removed(watch: Watch, readers: Iterable[str]) -> Events:
    return tuple(CardRemoved(reader, watch.cards[reader].insertion) for reader in readers)


def _without(cards: Mapping[str, CardSeen], gone: Iterable[str]) -> Mapping[str, CardSeen]:
    left = {reader: card for reader, card in cards.items() if reader not in set(gone)}
    return MappingProxyType(left)
