"""One grant that a station tells of, and whom it was for; it may tell after the visit is over."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.dialogue import JournalId, VisitId
from kiosk.errors import StepRefused
from kiosk.store.records import Card, Cardholder
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.visit_records import UnblockEntry, Visit


@dataclass(frozen=True, slots=True)
class Case:
    """One grant, and whom it was for."""

    entry: UnblockEntry
    visit: Visit
    card: Card
    holder: Cardholder


def find_case(uow: UnitOfWork, visit_id: VisitId, journal: JournalId) -> Case:
    """Lock card and visit; raises ``StepRefused`` where the visit was granted no such unblock."""
    found = uow.journal.get(journal)
    if found is None or found.visit_id != visit_id:
        raise StepRefused("this visit was granted no such unblock")
    card = uow.cards.lock(found.card_id)
    visit, entry = uow.visits.lock(visit_id), uow.journal.get(journal)
    holder = uow.holders.get(card.holder_id) if card else None
    if card is None or visit is None or entry is None or holder is None:
        raise StepRefused("the card of this unblock is not recorded any more")
    return Case(entry, visit, card, holder)
