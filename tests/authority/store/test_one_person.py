"""What is written about one person changes no row of another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from kiosk.authority.records import (
    ActionNote,
    KeptSecret,
    SealedSecret,
    UnblockEntry,
    UnblockState,
    Verdict,
    new_id,
)
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.messages import VisitEnd
from tests.authority.store.samples import NOW, Person, recorded_addresses
from tests.authority.store.test_erasure import everywhere, rows_by_table
from tests.support.database import TestDatabase

Act = Callable[[UnitOfWork, Person], object]

SEALED = SealedSecret(b"\x02", "key-2", 2)


def kept(uow: UnitOfWork, person: Person) -> KeptSecret:
    return uow.kept_secrets.of_card(person.card.id)[0]


def entry(uow: UnitOfWork, person: Person) -> UnblockEntry:
    found = uow.journal.open_for(person.card.id)
    assert found is not None
    return found


def code(uow: UnitOfWork, person: Person) -> str:
    found = uow.codes.newest(person.card.id)
    assert found is not None
    return found.id


def conclude(proven: bool) -> Act:
    def act(uow: UnitOfWork, one: Person) -> None:
        attempts = uow.registrations.attempts(one.holder.id, 3, proven=proven)
        attempts.charge("once")
        assert attempts.conclude("once", Verdict.RIGHT)

    return act


def keep_note_of(uow: UnitOfWork, one: Person) -> None:
    note = ActionNote(new_id(), None, NOW, "for one", "", "aa")
    uow.notes.add(note)
    uow.notes.attach((note.id,), one.holder.id)


def remove_staff_card(uow: UnitOfWork, one: Person) -> None:
    (theirs,) = (each for each in uow.staff.cards() if each.card_id == one.card.id)
    assert uow.staff.remove_card(theirs.staff_id, theirs.card_id)


ACTS: dict[str, Act] = {
    "delete registration": lambda uow, one: uow.registrations.delete(one.holder.id),
    "charge": lambda uow, one: uow.registrations.attempts(one.holder.id, 3).charge("once"),
    "charge unproven": lambda uow, one: uow.registrations.attempts(
        one.holder.id, 1, proven=False
    ).charge("once"),
    "right": conclude(proven=True),
    "right unproven": conclude(proven=False),
    "clear failures": lambda uow, one: uow.registrations.clear_failures(one.holder.id),
    "block": lambda uow, one: uow.registrations.block_anew(one.holder.id),
    "set asked": lambda uow, one: uow.registrations.set_asked(one.holder.id, (1, 2)),
    "correct address": lambda uow, one: uow.registrations.correct_address(one.holder.id, "c"),
    "drop addresses": lambda uow, one: uow.addresses.drop_registered(one.holder.id),
    "stop address": lambda uow, one: uow.addresses.stop(one.holder.id),
    "record address": lambda uow, one: uow.holders.save(
        one.holder, recorded_addresses(one.holder, "c@nhs.net")[0]
    ),
    "use stop numbers": lambda uow, one: uow.stop_numbers.use_all(one.holder.id),
    "attach note": keep_note_of,
    "remove staff card": remove_staff_card,
    "revoke card": lambda uow, one: uow.cards.revoke(one.card.id),
    "charge secret": lambda uow, one: uow.cards.charge_secret_try(one.card.id, assumed_limit=3),
    "give secret back": lambda uow, one: uow.cards.give_back_secret_try(one.card.id),
    "know tries": lambda uow, one: uow.cards.know_secret_tries(one.card.id, 2),
    "replace secret": lambda uow, one: uow.cards.replace_secret(one.card.id, 1, SEALED),
    "number secret": lambda uow, one: uow.cards.number_secret(one.card.id, 4),
    "issued": lambda uow, one: uow.cards.note_issued(one.card.id),
    "secret seen": lambda uow, one: uow.cards.secret_seen(one.card.id, NOW),
    "count exchange": lambda uow, one: uow.cards.count_exchange(one.card.id, NOW, since=NOW),
    "key proven": lambda uow, one: uow.cards.key_proven(one.card.id),
    "forget exchanges": lambda uow, one: uow.cards.forget_exchanges(one.card.id),
    "set aside": lambda uow, one: uow.cards.set_aside(one.card.id, NOW),
    "present": lambda uow, one: uow.kept_secrets.present(kept(uow, one), presented=True),
    "note refused": lambda uow, one: uow.kept_secrets.note_refused(kept(uow, one)),
    "delete kept": lambda uow, one: uow.kept_secrets.delete(kept(uow, one)),
    "reseal kept": lambda uow, one: uow.kept_secrets.reseal(kept(uow, one), SEALED),
    "charge code": lambda uow, one: uow.codes.entries(code(uow, one)).charge("once"),
    "consume code": lambda uow, one: uow.codes.consume(code(uow, one)),
    "revoke codes": lambda uow, one: uow.codes.revoke_of_holder(one.holder.id),
    "close visit": lambda uow, one: uow.visits.close(one.visit.id, NOW, VisitEnd.FINISHED),
    "delete pending": lambda uow, one: uow.pending.delete_of_holder(one.holder.id),
    "close entry": lambda uow, one: uow.journal.close(
        entry(uow, one).id, UnblockState.DONE, "", NOW
    ),
    "keep cryptogram": lambda uow, one: uow.journal.keep_cryptogram(entry(uow, one).id, b"c", b"a"),
    "admit": lambda uow, one: uow.journal.admit(entry(uow, one).id, NOW),
}


@pytest.fixture
def database(sqlite_database: TestDatabase) -> TestDatabase:
    return sqlite_database


@pytest.fixture
def people(store: Store, database: TestDatabase) -> tuple[Person, Person]:
    """Two with the same state, in which each act changes something."""
    both = tuple(everywhere(store, database, f"90010020030040{n}") for n in (1, 2))
    with store.begin() as uow:
        for each in both:
            uow.registrations.attempts(each.holder.id, 99, proven=False).charge(new_id())
            uow.cards.charge_secret_try(each.card.id, assumed_limit=3)
            uow.cards.count_exchange(each.card.id, NOW - timedelta(days=1), since=NOW)
        uow.commit()
    return both[0], both[1]


@pytest.mark.parametrize("name", ACTS)
def test_rows_of_another_person_stay_as_they_were(
    store: Store, database: TestDatabase, people: tuple[Person, Person], name: str
) -> None:
    one, other = people
    ids = {other.holder.id, other.card.id, other.visit.id}

    def others() -> list[str]:
        every = (row for rows in rows_by_table(database).values() for row in rows)
        return sorted(str(row) for row in every if any(each in str(row) for each in ids))

    before, all_before = others(), rows_by_table(database)
    with store.begin() as uow:
        ACTS[name](uow, one)
        uow.commit()
    assert rows_by_table(database) != all_before
    assert others() == before
