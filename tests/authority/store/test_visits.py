from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.records import (
    JointHash,
    PendingChange,
    UnblockEntry,
    UnblockState,
    new_id,
)
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.past import PastKind
from kiosk.authority.store.tables import PendingRow, UnblockRow
from kiosk.contract.messages import Purpose, VisitEnd
from tests.authority.store import samples
from tests.support.stored import stored


def test_a_visit_is_opened_once(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow:
        assert not uow.visits.add(replace(person.visit, reference="another"))
        uow.commit()
    with store.read() as uow:
        assert uow.visits.get(person.visit.id) == person.visit


def test_a_reference_is_given_once(store: Store) -> None:
    person = samples.stored_person(store)
    other = replace(person.visit, id=new_id())
    with store.begin() as uow:
        assert not uow.visits.add(other)
        assert uow.visits.get(other.id) is None


def test_a_visit_of_an_unknown_card(store: Store) -> None:
    unknown = replace(samples.visit("x", "y"), card_id=None, holder_id=None)
    with store.begin() as uow:
        assert uow.visits.add(unknown)
        uow.commit()
    with store.read() as uow:
        assert uow.visits.get(unknown.id) == unknown


def test_a_visit_becomes_what_is_saved(store: Store) -> None:
    person = samples.stored_person(store)
    proven = replace(
        person.visit,
        purpose=Purpose.UNLOCK,
        pin_proven_at=samples.NOW,
        way="questions+email-code",
        pin_was_blocked=True,
        finished_at=samples.NOW,
    )
    with store.begin() as uow:
        locked = uow.visits.lock(person.visit.id)
        assert locked == person.visit
        uow.visits.save(proven)
        # Read again in the same transaction, it is the new one and not a remembered one.
        assert uow.visits.get(person.visit.id) == proven
        uow.commit()
    with store.read() as uow:
        assert uow.visits.get(person.visit.id) == proven


def test_a_visit_is_closed_once(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow:
        assert uow.visits.open_of_card(person.card.id) == (person.visit,)
        assert uow.visits.close(person.visit.id, samples.NOW, VisitEnd.CARD_REMOVED)
        assert not uow.visits.close(person.visit.id, samples.NOW, VisitEnd.IDLE)
        assert not uow.visits.close(new_id(), samples.NOW, VisitEnd.IDLE)
        assert uow.visits.open_of_card(person.card.id) == ()
        uow.commit()
    with store.read() as uow:
        closed = uow.visits.get(person.visit.id)
    assert closed == replace(person.visit, closed_at=samples.NOW, how=VisitEnd.CARD_REMOVED)


# --- what was gathered -----------------------------------------------------------------


def pending(person: samples.Person, purpose: Purpose = Purpose.REGISTER) -> PendingChange:
    return PendingChange(
        id=new_id(),
        holder_id=person.holder.id,
        card_id=person.card.id,
        purpose=purpose,
        created_at=samples.NOW,
        email="asha@nhs.net",
        question_ids=(3, 1),
        hashes=(JointHash((1, 3), "$argon2id$c", "p1"),),
    )


def test_pending_change_is_one_for_card_and_purpose(store: Store) -> None:
    person = samples.stored_person(store)
    first, second = pending(person), pending(person)
    other = replace(pending(person, Purpose.CHANGE_EMAIL), question_ids=None, hashes=None)
    with store.begin() as uow:
        for change in (first, other, second):
            uow.pending.put(change)
        uow.commit()
    with store.read() as uow:
        assert stored(uow, PendingRow, PendingChange, id=first.id) == first
        assert stored(uow, PendingRow, PendingChange, id=second.id) == second
        assert stored(uow, PendingRow, PendingChange, id=other.id) == other


def test_a_pending_change_grows_under_its_own_id(store: Store) -> None:
    person = samples.stored_person(store)
    first = pending(person)
    grown = replace(first, email="other@nhs.net")
    with store.begin() as uow:
        uow.pending.put(first)
        uow.pending.put(grown)
        assert stored(uow, PendingRow, PendingChange, id=first.id) == grown
        uow.commit()


def test_pending_changes_are_forgotten(store: Store) -> None:
    person = samples.stored_person(store)
    first, second = pending(person), pending(person, Purpose.CHANGE_EMAIL)
    with store.begin() as uow:
        uow.pending.put(first)
        uow.pending.put(second)
        uow.pending.delete(first.id)
        assert stored(uow, PendingRow, PendingChange, id=first.id) is None
        assert uow.past.delete(PastKind.PENDING, samples.NOW, 10) == 0
        assert uow.past.delete(PastKind.PENDING, samples.NOW + timedelta(seconds=1), 10) == 1
        uow.commit()


# --- the unblock journal ---------------------------------------------------------------


def entry(person: samples.Person) -> UnblockEntry:
    return UnblockEntry(new_id(), person.visit.id, person.card.id, samples.NOW, was_blocked=True)


def test_journal_has_one_open_entry_for_a_card(store: Store) -> None:
    person = samples.stored_person(store)
    first, second = entry(person), entry(person)
    with store.begin() as uow:
        assert uow.journal.open(first)
        assert not uow.journal.open(second)
        assert uow.journal.open_for(person.card.id) == first
        assert uow.journal.close(first.id, UnblockState.DONE, "", samples.NOW)
        assert not uow.journal.close(first.id, UnblockState.REFUSED, "", samples.NOW)
        assert uow.journal.open_for(person.card.id) is None
        assert uow.journal.open(second)
        uow.commit()
    with store.read() as uow:
        done = stored(uow, UnblockRow, UnblockEntry, id=first.id)
    assert done == replace(first, state=UnblockState.DONE, closed_at=samples.NOW)


def test_an_unknown_outcome_stays_open_until_it_is_settled(store: Store) -> None:
    person = samples.stored_person(store)
    first = entry(person)
    with store.begin() as uow:
        uow.journal.open(first)
        assert uow.journal.note_unknown(first.id, "torn")
        assert not uow.journal.note_unknown(first.id, "again")
        unknown = replace(first, state=UnblockState.UNKNOWN, detail="torn")
        assert uow.journal.open_for(person.card.id) == unknown
        assert uow.journal.close(first.id, UnblockState.SETTLED, "PIN works", samples.NOW)
        assert uow.journal.open_for(person.card.id) is None
        uow.commit()


@pytest.mark.parametrize("state", [UnblockState.INTENT, UnblockState.UNKNOWN])
def test_an_entry_is_not_closed_as_open(store: Store, state: UnblockState) -> None:
    with store.begin() as uow, pytest.raises(ValueError, match="no way to close"):
        uow.journal.close(new_id(), state, "", samples.NOW)
