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
from kiosk.administration.unknown_cards import unknown_card_of
from kiosk.administration.views.people import Found, PersonLine
from kiosk.dialogue import VisitId
from kiosk.policy import Policy
from kiosk.reference import read_reference, reference_of
from kiosk.roles import Action
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.records import Card, StopNumber
from kiosk.store.repositories.stop_numbers import read_stop_number
from kiosk.store.unit_of_work import UnitOfWork

_STOP = "The number of a mail, for somebody to stop what they did not do. "

MOST = 100
"""People that are given at once, whatever is asked for."""


def search_people(office: Office, text: str, limit: int) -> Found:
    """Return up to ``limit`` people: whom a reference number is about, exact hits, the others.

    The number of statements does not depend on how many are found.
    """
    means, most = office.means, min(limit, MOST)
    with office.look(Action.SEE_PEOPLE) as uow:
        stop = _stop_number(uow, text)
        events = _events(uow, text, stop, most + 2)  # the last of an import is about nobody
        about = [event.holder_id for event in events if event.holder_id]
        about += [stop.holder_id] if stop else []
        exact = uow.search.exact(text, most + 1)
        ids = list(dict.fromkeys((*about, *exact, *uow.search.find(text, most + 1))))
        first = frozenset(about), frozenset(exact)
        lines = lines_of(uow, ids[:most], means.policy()).values()
        people = tuple(sorted(lines, key=lambda line: _order(line, first)))
        said = _about(uow, events, people, means.zone)
        return Found(people, len(ids) > most, f"{_STOP}{said}" if stop else said)


def _stop_number(uow: UnitOfWork, text: str) -> StopNumber | None:
    digits = read_stop_number(text)
    return uow.stop_numbers.find(digits) if digits else None


def _events(
    uow: UnitOfWork, text: str, stop: StopNumber | None, limit: int
) -> tuple[AuditEvent, ...]:
    """Return what happened under a reference number, newest first; an import has many.

    A stop number stands for the visit that its mail tells of.
    """
    reference = reference_of(VisitId(stop.visit_id)) if stop else read_reference(text)
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
    said = f"{last.reference}{where}, {said_at(last.at, uow.now, zone)}: {told(last)}{gone}"
    return f"{said}{_unknown_card(uow, last.reference)}"


def _unknown_card(uow: UnitOfWork, reference: str) -> str:
    """Say how a card that was not served named itself, whose it nearly is, and what to do."""
    visit = uow.visits.by_reference(reference)
    if visit is None or not (visit.unknown_card or visit.unread):
        return ""
    card = unknown_card_of(uow, visit)
    said = [card.said, *card.near]
    if card.unread or not card.near:
        said.append(card.advice)
    return "".join(f" {line}" for line in said)


def lines_of(uow: UnitOfWork, ids: Sequence[str], policy: Policy) -> dict[str, PersonLine]:
    """Return a line for each of ``ids`` that exists, by id."""
    holders, registrations = uow.holders.by_ids(ids), uow.registrations.of_holders(ids)
    cards, broken = _cards(uow, ids), broken_seals(uow, ids)
    return {
        holder.id: PersonLine(
            holder_id=holder.id,
            number=holder.number,
            name=holder.name,
            email=address_of(holder, registrations.get(holder.id)),
            standing=standing_of(
                holder,
                cards[holder.id],
                registrations.get(holder.id),
                policy,
                uow.now,
                broken,
            ),
            cards=len(cards[holder.id]),
        )
        for holder in holders.values()
    }


def _cards(uow: UnitOfWork, ids: Sequence[str]) -> Mapping[str, list[Card]]:
    cards: dict[str, list[Card]] = defaultdict(list)
    for card in uow.cards.of_holders(ids):
        cards[card.holder_id].append(card)
    return cards


def _order(line: PersonLine, first: Sequence[frozenset[str]]) -> tuple[int, str, str]:
    rank = next((at for at, ids in enumerate(first) if line.holder_id in ids), len(first))
    return rank, line.name.casefold(), line.number
