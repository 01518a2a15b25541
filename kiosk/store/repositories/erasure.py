"""Deleting a person from every table that speaks of them; the audit holds ids, and stays."""

from __future__ import annotations

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
    RegistrationRow,
    StopNumberRow,
)
from kiosk.store.tables.services import OutboxRow
from kiosk.store.tables.staff import ActionNoteRow, ProposedActRow, SearchTermRow
from kiosk.store.tables.visits import CodeRow, PendingRow, UnblockRow, VisitRow


def erase_person(gateway: Gateway, holder_id: str) -> bool:
    """Delete a holder and every row about them; False when there was none.

    Hold the person and their cards first, so that no station writes one row more.
    """
    cards = select(col(CardRow.id)).where(col(CardRow.holder_id) == holder_id)
    codes = select(col(CodeRow.id)).where(col(CodeRow.holder_id) == holder_id)
    subjects = holder_id, unproven_subject(holder_id), entries_subject(holder_id)
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
    for statement in about:
        gateway.run(statement)
    return gateway.run(delete(CardholderRow).where(col(CardholderRow.id) == holder_id)) == 1
