"""Finding people as somebody types: by words that begin so, or by a reference number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from kiosk.administration.broken_seals import broken_seals
from kiosk.administration.holder_notices import address_of
from kiosk.administration.names import staff_names
from kiosk.administration.office import Office
from kiosk.administration.saying import said_at
from kiosk.administration.standing import standing_of
from kiosk.administration.story import LEFT_OUT
from kiosk.administration.told import told
from kiosk.administration.views.people import Found, PersonLine
from kiosk.policy import Policy
from kiosk.reference import read_reference
from kiosk.roles import Action
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.records import Card
from kiosk.store.unit_of_work import UnitOfWork

MOST = 100
"""People that are given at once, whatever is asked for."""


def search_people(office: Office, text: str, limit: int) -> Found:
    """Return up to ``limit`` people, whom a reference number is about before the others.

    The number of statements does not depend on how many are found.
    """
    means, most = office.means, min(limit, MOST)
    with office.look(Action.SEE_PEOPLE) as uow:
        events = _events(uow, text, most + 2)  # the last of an import is about nobody
        about = [event.holder_id for event in events if event.holder_id]
        ids = list(dict.fromkeys((*about, *uow.search.find(text, most + 1))))
        people = _lines(uow, ids[:most], frozenset(about), means.policy())
        return Found(people, len(ids) > most, _about(uow, events, people, means.zone))


def _events(uow: UnitOfWork, text: str, limit: int) -> tuple[AuditEvent, ...]:
    """Return what happened under a reference number, newest first; an import has many."""
    reference = read_reference(text)
    if reference is None:
        return ()
    return uow.trail.newest(AuditQuery(reference=reference, without=LEFT_OUT), limit=limit)


def _about(
    uow: UnitOfWork, events: Sequence[AuditEvent], people: Sequence[PersonLine], zone: tzinfo
) -> str:
    """Say when and where a reference number was shown, or by whom given, and how it ended."""
    if not events:
        return ""
    last, who = events[0], staff_names(uow)(events[0].actor)
    where = f" at {last.station}" if last.station else f" by {who}" if who else ""
    known = {line.holder_id for line in people}
    gone = "" if last.holder_id in {None, *known} else " The person was erased."
    return f"{last.reference}{where}, {said_at(last.at, uow.now, zone)}: {told(last)}{gone}"


def _lines(
    uow: UnitOfWork, ids: Sequence[str], first: frozenset[str], policy: Policy
) -> tuple[PersonLine, ...]:
    holders, registrations = uow.holders.by_ids(ids), uow.registrations.of_holders(ids)
    cards, broken = _cards(uow, ids), broken_seals(uow, ids)
    lines = []
    for holder in holders.values():
        registration, own = registrations.get(holder.id), cards[holder.id]
        lines.append(
            PersonLine(
                holder_id=holder.id,
                number=holder.number,
                name=holder.name,
                email=address_of(holder, registration),
                standing=standing_of(holder, own, registration, policy, uow.now, broken),
                cards=len(own),
            )
        )
    return tuple(sorted(lines, key=lambda line: _order(line, first)))


def _cards(uow: UnitOfWork, ids: Sequence[str]) -> Mapping[str, list[Card]]:
    cards: dict[str, list[Card]] = defaultdict(list)
    for card in uow.cards.of_holders(ids):
        cards[card.holder_id].append(card)
    return cards


def _order(line: PersonLine, first: frozenset[str]) -> tuple[bool, str, str]:
    return line.holder_id not in first, line.name.casefold(), line.number
