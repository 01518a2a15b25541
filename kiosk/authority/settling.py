"""What the card did with a grant, as the station tells it; told twice it counts once.

It may be told after the visit is over: the card is often pulled at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from kiosk.authority.audit import AuditKind, record
from kiosk.authority.journal import count_as_done
from kiosk.authority.offers import KEPT_SECRET_TRIES
from kiosk.authority.parts import Parts
from kiosk.dialogue import (
    Finished,
    JournalId,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    Task,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
    VisitId,
)
from kiosk.errors import StepRefused
from kiosk.store.records import Card, Cardholder, UnblockEntry, UnblockState, Visit
from kiosk.store.unit_of_work import UnitOfWork

_DETAIL_MAX = 40


@dataclass(frozen=True, slots=True)
class _Case:
    """One grant, and whom it was for."""

    entry: UnblockEntry
    visit: Visit
    card: Card
    holder: Cardholder


def settle(
    parts: Parts, visit_id: VisitId, journal: JournalId, outcome: UnblockOutcome
) -> Task | Refusal:
    """Write the outcome into the journal, and say what follows for the holder."""
    with parts.store.begin() as uow:
        case = _find(uow, visit_id, journal)
        if case.entry.closed_at is None:
            _count(uow, case, outcome)
        else:
            _told_late(uow, case, outcome)
        uow.commit()
    return _reply(parts, case, outcome)


def _find(uow: UnitOfWork, visit_id: VisitId, journal: JournalId) -> _Case:
    found = uow.journal.get(journal)
    if found is None or found.visit_id != visit_id:
        raise StepRefused("this visit was granted no such unblock")
    card = uow.cards.lock(found.card_id)
    visit, entry = uow.visits.lock(visit_id), uow.journal.get(journal)
    holder = uow.holders.get(card.holder_id) if card else None
    if card is None or visit is None or entry is None or holder is None:
        raise StepRefused("the card of this unblock is not recorded any more")
    return _Case(entry, visit, card, holder)


def _count(uow: UnitOfWork, case: _Case, outcome: UnblockOutcome) -> None:
    match outcome:
        case UnblockDone():
            _done(uow, case)
        case UnblockRefused(tries_left=None):
            _pin_refused(uow, case, outcome)
        case UnblockRefused():
            _secret_refused(uow, case, outcome)
        case UnblockNotSent():
            _not_sent(uow, case)
        case UnblockUnknown():
            _unknown(uow, case)
        case _:
            assert_never(outcome)


def _done(uow: UnitOfWork, case: _Case) -> None:
    visit = case.visit
    uow.journal.close(case.entry.id, UnblockState.DONE, "", uow.now)
    record(uow, AuditKind.UNBLOCK_DONE, visit, journal=case.entry.id)
    count_as_done(uow, visit, case.card, case.holder)
    uow.visits.save(
        replace(visit, finished_at=uow.now, questions_proven_at=None, code_proven_id=None)
    )


def _pin_refused(uow: UnitOfWork, case: _Case, outcome: UnblockRefused) -> None:
    """The card wants another PIN; the secret was not spent, and may be released again."""
    because = _plain(outcome.because)
    uow.journal.close(case.entry.id, UnblockState.REFUSED, because, uow.now)
    uow.cards.unexpose_secret(case.card.id)
    record(uow, AuditKind.UNBLOCK_REFUSED, case.visit, journal=case.entry.id, because=because)


def _secret_refused(uow: UnitOfWork, case: _Case, outcome: UnblockRefused) -> None:
    """The card did not take the secret: nothing else can be done in this visit."""
    because, left = _plain(outcome.because), outcome.tries_left
    uow.journal.close(case.entry.id, UnblockState.REFUSED, because, uow.now)
    uow.cards.know_secret_tries(case.card.id, left)
    uow.visits.close(case.visit.id, uow.now, VisitEnd.REFUSED)
    told = {"journal": case.entry.id, "because": because, "tries_left": left}
    record(uow, AuditKind.UNBLOCK_REFUSED, case.visit, **told)


def _not_sent(uow: UnitOfWork, case: _Case) -> None:
    """Nothing reached the card: the proofs stay, and the secret may be released again."""
    uow.journal.close(case.entry.id, UnblockState.NOT_SENT, "", uow.now)
    uow.cards.unexpose_secret(case.card.id)
    record(uow, AuditKind.UNBLOCK_NOT_SENT, case.visit, journal=case.entry.id)


def _unknown(uow: UnitOfWork, case: _Case) -> None:
    """Leave it open and exposed: the card tells when it is next seen."""
    if uow.journal.note_unknown(case.entry.id, "the answer was lost"):
        record(uow, AuditKind.UNBLOCK_UNKNOWN, case.visit, journal=case.entry.id)
    uow.visits.close(case.visit.id, uow.now, VisitEnd.REFUSED)


def _told_late(uow: UnitOfWork, case: _Case, outcome: UnblockOutcome) -> None:
    told = type(outcome).__name__
    record(uow, AuditKind.UNBLOCK_TOLD_LATE, case.visit, journal=case.entry.id, told=told)


def _reply(parts: Parts, case: _Case, outcome: UnblockOutcome) -> Task | Refusal:
    reference = case.visit.reference
    match outcome:
        case UnblockDone():
            return Finished(Purpose.UNLOCK)
        case UnblockRefused(tries_left=int(left)):
            blocked = left <= KEPT_SECRET_TRIES
            return Refusal(Reason.SECRET_BLOCKED if blocked else Reason.CARD_REFUSED, reference)
        case UnblockUnknown():
            return Refusal(Reason.OUTCOME_UNKNOWN, reference)
        case _:
            return SetPin(parts.policy().pin_rules(case.holder.number))


def _plain(because: str) -> str:
    """Keep a station's word short and plain: it goes into the audit."""
    kept = "".join(c for c in because if c.isascii() and (c.isalnum() or c in " -"))
    return kept[:_DETAIL_MAX]
