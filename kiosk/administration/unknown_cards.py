"""Cards that stations could not serve: not recorded, or not read. Whose is it nearly?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kiosk.administration.views.people import UnknownCard
from kiosk.dialogue import ReadFault
from kiosk.store.records import KnownCard
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import Visit

MOST: Final = 50
_MOST_NEAR: Final = 3
_MOST_EDITS: Final = 2

NOT_RECORDED: Final = (
    "It is not recorded",
    (
        "Make sure whose card it is. If they should have it, correct its identifier in the file of "
        "people and import that again, or add the card on their page."
    ),
)
FAULTS: Final[dict[ReadFault, tuple[str, str]]] = {
    ReadFault.NO_ANSWER: (
        "It gave the reader no answer",
        (
            "They put it in the other way round and wipe the chip. If a second station gets no "
            "answer either, replace the card."
        ),
    ),
    ReadFault.UNKNOWN_KIND: (
        "It is of no kind that the station serves",
        (
            "Ask which card they used: it may be a bank card or a pass. If it is their smartcard, "
            "an administrator looks at it with `kiosk cards read` and at `families` in [cards]."
        ),
    ),
    ReadFault.NO_IDENTIFIER: (
        "It has no identifier by which a card is known",
        "It was not personalised, or was emptied. Replace the card.",
    ),
    ReadFault.TOO_SLOW: (
        "It did not answer in time",
        (
            "They try once more, at another station if there is one. If it is slow there as well, "
            "replace the card."
        ),
    ),
    ReadFault.TAKEN_OUT: (
        "It left the reader while it was read",
        "They put it in once more, and leave it in until the station says to take it out.",
    ),
    ReadFault.SWAPPED: (
        "Another card took its place while it was read",
        "They take every card out, and put in one card alone.",
    ),
    ReadFault.MALFORMED: (
        "Its answer does not follow the standard",
        "They try another station. If that fails too, replace the card.",
    ),
}
"""By the station's report: what was wrong with the card, and what to do now."""


def recent_unknown_cards(uow: UnitOfWork) -> tuple[UnknownCard, ...]:
    """Return the newest 50, newest first."""
    return tuple(unknown_card_of(uow, visit) for visit in uow.visits.of_unknown_cards(MOST))


def unknown_card_of(uow: UnitOfWork, visit: Visit) -> UnknownCard:
    """Return what is known of the card of a visit that has ``unknown_card`` or ``unread``."""
    family, _, identifier = (visit.unknown_card or "").partition(" ")
    near = tuple(_near(uow, family, identifier)) if identifier else ()
    known = uow.cards.get(visit.card_id) if visit.card_id else None
    if known is not None:
        family, identifier = known.driver, known.identifier
        near = tuple(_recorded(uow, known.id))
    cause, advice = FAULTS[visit.unread] if visit.unread else NOT_RECORDED
    return UnknownCard(
        reference=visit.reference,
        at=visit.opened_at,
        station=visit.station,
        family=family,
        identifier=identifier,
        near=near,
        said=_said(family, identifier, visit.unread),
        cause=cause,
        advice=advice,
        unread=visit.unread is not None,
    )


def _said(family: str, identifier: str, unread: ReadFault | None) -> str:
    if unread is None:
        return f"It calls itself {family} {identifier}."
    named = f" It is of the family {family}." if family else ""
    named = f" It calls itself {family} {identifier}." if identifier else named
    return f"{FAULTS[unread][0]}, by the station's report.{named}"


def _recorded(uow: UnitOfWork, card_id: str) -> Iterator[str]:
    known = uow.cards.known(card_id)
    if known is not None:
        yield f"It is recorded as {_whose(known)}."


@dataclass(frozen=True, slots=True)
class _Near:
    """A recorded card that resembles another identifier; the lower ``rank``, the likelier."""

    rank: int
    card_id: str
    says: str


def _near(uow: UnitOfWork, family: str, identifier: str) -> Iterator[str]:
    given = identifier.lower()
    reordered = _other_byte_orders(given)
    near: list[_Near] = []
    for card_id, driver, recorded in uow.cards.resembling(given, reordered):
        found = _resemblance(driver, recorded, family, identifier, reordered)
        if found is not None:
            near.append(_Near(found[0], card_id, found[1]))
    alike = [one for one in near if one.rank >= _BY_EDITS]
    if len(alike) > _MOST_NEAR:  # consecutive serial numbers differ in one sign from each other
        near = [one for one in near if one.rank < _BY_EDITS]
    for one in sorted(near, key=lambda one: one.rank)[:_MOST_NEAR]:
        known = uow.cards.known(one.card_id)
        if known is None:
            continue
        whose = _whose(known)
        yield f"It was recorded since: {whose}." if one.rank == 0 else f"A{whose[1:]} {one.says}"
    if len(alike) > _MOST_NEAR:
        yield (
            f"The identifiers of {len(alike)} recorded cards differ from it in one or two signs: "
            "too many to say which is meant."
        )


_BY_EDITS: Final = 5


def _resemblance(
    driver: str, recorded: str, family: str, identifier: str, reordered: tuple[str, ...]
) -> tuple[int, str] | None:
    """Return how near a recorded card is, with what to say of it; None: not at all."""
    given, named = identifier.lower(), recorded.lower()
    if (driver, recorded) == (family, identifier):
        return 0, ""
    if recorded == identifier:
        return 1, f"is recorded so, under the family {driver}."
    if named == given:
        return 2, "is recorded so, with other capital letters."
    if named in reordered:
        return 3, f"is recorded as {recorded}: the same bytes in another order. Mistyped import?"
    if named.startswith(given) or given.startswith(named):
        return 4, f"is recorded as {recorded}, which has {len(named)} signs and not {len(given)}."
    edits = next((n for n in range(1, _MOST_EDITS + 1) if _within(named, given, n)), None)
    if edits is None:
        return None
    signs = "one sign" if edits == 1 else f"{edits} signs"
    rank = _BY_EDITS + edits
    return rank, f"is recorded as {recorded}, which differs in {signs}. Mistyped import?"


def _within(one: str, other: str, edits: int) -> bool:
    """Tell whether so many changed, added and left out signs turn ``one`` into ``other``."""
    if edits < 0 or abs(len(one) - len(other)) > edits:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if at is None:
        return True  # the rest is no longer than ``edits``
    left = edits - 1
    return (
        _within(one[at + 1 :], other[at + 1 :], left)
        or _within(one[at + 1 :], other[at:], left)
        or _within(one[at:], other[at + 1 :], left)
    )


def _other_byte_orders(identifier: str) -> tuple[str, ...]:
    """Return it from the last byte to the first, and as Windows writes a GUID (MS-DTYP 2.3.4)."""
    try:
        data = bytes.fromhex(identifier)
    except ValueError:
        return ()
    orders = [data[::-1]]
    if len(data) == 16:
        orders.append(data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:])
    return tuple(order.hex() for order in orders if order != data)


def _whose(known: KnownCard) -> str:
    return f"a card of {known.holder.name} ({known.holder.number})"
