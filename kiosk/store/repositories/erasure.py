"""Deleting a person from every table that speaks of them; the audit holds ids, and stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import delete, or_, select
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.repositories.registrations import unproven_subject
from kiosk.store.repositories.stop_numbers import entries_subject
from kiosk.store.tables.kept import KeptSecretRow
from kiosk.store.tables.people import (
    AddressChangeRow,
    AttemptRow,
    CardholderRow,
    CardRow,
    ErasedNumberRow,
    RegistrationRow,
    StopNumberRow,
)
from kiosk.store.tables.services import OutboxRow
from kiosk.store.tables.staff import ActionNoteRow, ProposedActRow, SearchTermRow
from kiosk.store.tables.visits import CodeRow, PendingRow, UnblockRow, VisitRow

_USE: Final = "erased-number"


def erased_among(gateway: Gateway, numbers: Iterable[str]) -> frozenset[str]:
    """Return those of ``numbers`` whose holder was erased; at most 500 at a time.

    Raises ``KeyMissing``.
    """
    row = ErasedNumberRow
    if not gateway.tuples(select(col(row.digest)).limit(1)):
        return frozenset()
    sought = {
        digest: number for number in numbers for digest in gateway.number_digests(_USE, number)
    }
    found = gateway.tuples(select(col(row.digest)).where(col(row.digest).in_(sought)))
    return frozenset(sought[digest] for (digest,) in found)


def erase_person(gateway: Gateway, holder_id: str) -> bool:
    """Delete a holder and every row about them; False when there was none.

    A keyed digest of their number stays, so that an import can say that it brings them back.
    Hold the person and their cards first, so that no station writes one row more.
    """
    cards = select(col(CardRow.id)).where(col(CardRow.holder_id) == holder_id)
    codes = select(col(CodeRow.id)).where(col(CodeRow.holder_id) == holder_id)
    subjects = (
        holder_id,
        unproven_subject(holder_id),
        entries_subject(holder_id, proven=True),
        entries_subject(holder_id, proven=False),
    )
    subject, visit = col(AttemptRow.subject), VisitRow
    theirs = or_(col(visit.holder_id) == holder_id, col(visit.card_id).in_(cards))
    about = (  # what refers to something goes before it
        delete(KeptSecretRow).where(col(KeptSecretRow.card_id).in_(cards)),
        delete(UnblockRow).where(col(UnblockRow.card_id).in_(cards)),
        delete(AttemptRow).where(subject.in_(subjects)),
        delete(StopNumberRow).where(col(StopNumberRow.holder_id) == holder_id),
        delete(AttemptRow).where(subject.in_(codes)),
        delete(AddressChangeRow).where(col(AddressChangeRow.holder_id) == holder_id),
        delete(CodeRow).where(col(CodeRow.holder_id) == holder_id),
        delete(PendingRow).where(col(PendingRow.holder_id) == holder_id),
        delete(VisitRow).where(theirs),
        delete(RegistrationRow).where(col(RegistrationRow.holder_id) == holder_id),
        delete(SearchTermRow).where(col(SearchTermRow.holder_id) == holder_id),
        delete(OutboxRow).where(col(OutboxRow.holder_id) == holder_id),
        delete(ProposedActRow).where(col(ProposedActRow.holder_id) == holder_id),
        delete(ActionNoteRow).where(col(ActionNoteRow.holder_id) == holder_id),
        delete(CardRow).where(col(CardRow.holder_id) == holder_id),
    )
    this = col(CardholderRow.id) == holder_id
    number = gateway.scalar(select(col(CardholderRow.number)).where(this))
    if number is None:
        return False
    digest = gateway.number_digests(_USE, number)[0]
    gateway.run(gateway.upsert(ErasedNumberRow).values(digest=digest).on_conflict_do_nothing())
    for statement in about:
        gateway.run(statement)
    return gateway.run(delete(CardholderRow).where(this)) == 1
