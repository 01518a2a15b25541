"""Turns reader events into events of the flow: one card, no card, two cards, no reader.

Pure. A visit is one card that goes into an empty station: its id is drawn here, and a second card
never shares it.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract.messages import ReaderState, VisitId
from kiosk.contract.ports import (
    CardInserted,
    CardMuteSeen,
    CardRemoved,
    ReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.station.events import (
    Availability,
    CardIn,
    CardOut,
    CardUnreadable,
    ReaderSide,
    SecondCard,
)
from kiosk.station.states import Outage


class AuthorityChecked(Struct, frozen=True):
    """The result of a check of the authority: why it can serve nobody here, or None."""

    outage: Outage | None


class Presence(Struct, frozen=True):
    """Readers, cards and services at the station; ``cards`` are insertion numbers.

    ``readers`` is None until they are known; ``authority`` is the result of the last check.
    """

    cards: frozenset[int] = frozenset()
    readers: tuple[str, ...] | None = None
    service: bool = True
    authority: Outage | None = None

    @property
    def reader(self) -> ReaderState:
        if not self.service:
            return ReaderState.NO_SERVICE
        if self.readers is None:
            return ReaderState.LOOKING
        return ReaderState.READY if self.readers else ReaderState.NO_READER

    @property
    def outage(self) -> Outage | None:
        """Why nobody can be served: what lasts longest first, then the innermost."""
        if self.authority is Outage.RETIRED:
            return Outage.RETIRED
        match self.reader:
            case ReaderState.NO_SERVICE:
                return Outage.NO_READER_SERVICE
            case ReaderState.NO_READER:
                return Outage.NO_READER
            case ReaderState.LOOKING | ReaderState.READY:
                return self.authority

    @property
    def availability(self) -> Availability:
        """The outage as an event of the flow."""
        return Availability(self.outage)


def apply_reader_event(
    presence: Presence, event: ReaderEvent | AuthorityChecked, new_visit: VisitId
) -> tuple[Presence, tuple[ReaderSide, ...]]:
    """Return the new presence and the flow's events; ``new_visit`` is for a visit that begins."""
    match event:
        case CardInserted():
            return _arrived(presence, event.insertion, CardIn(new_visit, event.reader))
        case CardMuteSeen():
            return _arrived(presence, event.insertion, CardUnreadable(new_visit))
        case CardRemoved():
            if event.insertion not in presence.cards:
                return presence, ()
            now = replace(presence, cards=presence.cards - {event.insertion})
            return now, (() if now.cards else (CardOut(), now.availability))
        case ReadersChanged():
            return _available(replace(presence, readers=event.readers))
        case ServiceLost():
            return _available(replace(presence, readers=None, service=False))
        case ServiceFound():
            return _available(replace(presence, service=True))
        case AuthorityChecked():
            if presence.authority is event.outage:
                return presence, ()
            return _available(replace(presence, authority=event.outage))
        case _:
            assert_never(event)


def _arrived(
    presence: Presence, insertion: int, alone: CardIn | CardUnreadable
) -> tuple[Presence, tuple[ReaderSide, ...]]:
    if insertion in presence.cards:
        return presence, ()
    now = replace(presence, cards=presence.cards | {insertion})
    return now, ((SecondCard(alone.visit),) if presence.cards else (alone,))


def _available(presence: Presence) -> tuple[Presence, tuple[ReaderSide, ...]]:
    return presence, (presence.availability,)
