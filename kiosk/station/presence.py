"""Turns reader events into events of the flow: one card, no card, two cards, no reader.

Pure. A visit is one card going into an empty station: its id is drawn here, and a second
card never shares it.
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
    """What is plugged in and what answers; ``cards`` are insertion numbers.

    ``readers`` is None until they are known; ``authority`` is what the last check found.
    """

    cards: frozenset[int] = frozenset()
    readers: tuple[str, ...] | None = None
    service: bool = True
    authority: Outage | None = None

    @property
    def reader(self) -> ReaderState:
        """What the reader is doing."""
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


def fold(
    presence: Presence, event: ReaderEvent | AuthorityChecked, new_visit: VisitId
) -> tuple[Presence, tuple[ReaderSide, ...]]:
    """Return the new presence and the flow's events; ``new_visit`` is for a visit that begins."""
    match event:
        case CardInserted():
            return _arrived(presence, event.insertion, CardIn(new_visit, event.reader))
        case CardMuteSeen():
            return _arrived(presence, event.insertion, CardUnreadable(new_visit))
        case CardRemoved():
            return _departed(presence, event.insertion)
        case ReadersChanged():
            return _available(replace(presence, readers=event.readers))
        case ServiceLost():
            return _lost(presence)
        case ServiceFound():
            return _available(replace(presence, service=True))
        case AuthorityChecked():
            return _authority_checked(presence, event.outage)
        case _:
            assert_never(event)


def _arrived(
    presence: Presence, insertion: int, alone: CardIn | CardUnreadable
) -> tuple[Presence, tuple[ReaderSide, ...]]:
    if insertion in presence.cards:
        return presence, ()
    now = replace(presence, cards=presence.cards | {insertion})
    return now, ((SecondCard(alone.visit),) if presence.cards else (alone,))


def _departed(presence: Presence, insertion: int) -> tuple[Presence, tuple[ReaderSide, ...]]:
    if insertion not in presence.cards:
        return presence, ()
    now = replace(presence, cards=presence.cards - {insertion})
    return now, (() if now.cards else (CardOut(), now.availability))


def _lost(presence: Presence) -> tuple[Presence, tuple[ReaderSide, ...]]:
    now = replace(presence, cards=frozenset(), readers=None, service=False)
    return now, ((CardOut(),) if presence.cards else ()) + (now.availability,)


def _authority_checked(
    presence: Presence, outage: Outage | None
) -> tuple[Presence, tuple[ReaderSide, ...]]:
    if presence.authority is outage:
        return presence, ()
    return _available(replace(presence, authority=outage))


def _available(presence: Presence) -> tuple[Presence, tuple[ReaderSide, ...]]:
    return presence, (presence.availability,)
