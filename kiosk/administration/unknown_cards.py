"""Cards that are not recorded, as stations met them: whose is it nearly?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kiosk.administration.views.people import UnknownCard
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit

MOST: Final = 100
_MOST_NEAR: Final = 3


def recent_unknown_cards(uow: UnitOfWork) -> tuple[UnknownCard, ...]:
    """Return the newest 100, newest first."""
    return tuple(unknown_card_of(uow, visit) for visit in uow.visits.of_unknown_cards(MOST))


def unknown_card_of(uow: UnitOfWork, visit: Visit) -> UnknownCard:
    """Return what is known of the card of a visit that has ``unknown_card``."""
    family, _, identifier = (visit.unknown_card or "").partition(" ")
    near = tuple(_near(uow, family, identifier))
    return UnknownCard(visit.reference, visit.opened_at, visit.station, family, identifier, near)


def _near(uow: UnitOfWork, family: str, identifier: str) -> Iterator[str]:
    if not identifier:
        return
    for known in uow.cards.resembling(identifier, _MOST_NEAR):
        card, holder = known.card, known.holder
        whose = f"a card of {holder.name} ({holder.number})"
        if (card.driver, card.identifier) == (family, identifier):
            yield f"It was recorded since: {whose}."
        elif card.identifier == identifier:
            yield f"A{whose[1:]} is recorded so, under the family {card.driver}."
        elif card.identifier.lower() == identifier.lower():
            yield f"A{whose[1:]} is recorded so, with other capital letters."
        else:
            yield (
                f"A{whose[1:]} is recorded as {card.identifier}, "
                f"which has {len(card.identifier)} signs and not {len(identifier)}."
            )
