"""A person is deleted from every table that speaks of them, and nobody else is."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from kiosk.authority.records import (
    ActionNote,
    KeptKind,
    KeptSecret,
    OutboxMessage,
    PendingChange,
    Proof,
    ProposedAct,
    SealedSecret,
    StaffCard,
    StaffMember,
    UnblockEntry,
    new_id,
)
from kiosk.authority.roles import Role
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import parse_url
from kiosk.authority.store.tables import TableRow
from kiosk.contract.messages import Factor, Purpose
from tests.authority.store import samples
from tests.authority.store.erasure import OF_PEOPLE
from tests.authority.store.samples import NOW, Person
from tests.support.database import TestDatabase

OF_NOBODY = frozenset(
    {
        "alarm",  # ids and counts
        "audit_anchor",
        "audit_event",  # ids alone: it stays, and verifies
        "audit_gap",
        "audit_feed",  # numbers of rows
        "audit_head",
        "erased_number",  # keyed digests
        "job",
        "known_key",  # names of keys
        "served_program",  # a revision
        "store_restore",
        "policy_setting",
        "security_question",
        "staff_key",
        "staff_member",
        "station",
        "station_enrolment",
        "station_key",
    }
)


def test_table_is_known_to_speak_of_people_or_of_nobody() -> None:
    tables = set(TableRow.metadata.tables)
    assert tables >= OF_PEOPLE
    assert tables - OF_PEOPLE <= OF_NOBODY


def test_everything_about_a_person_goes_and_nothing_of_anybody_else(
    database: TestDatabase, store: Store
) -> None:
    # No random id of another row holds numbers as long as these.
    gone, stays = (everywhere(store, database, f"90010020030040{n}") for n in (1, 2))
    before = rows_by_table(database)
    with store.begin() as uow:
        assert uow.holders.erase(gone.holder.id)
        uow.commit()
    after = rows_by_table(database)
    for table in OF_PEOPLE:
        theirs = after[table]
        assert theirs, table
        assert len(theirs) * 2 == len(before[table]), table
    everything = str(after)
    for trace in traces(gone):
        assert trace not in everything
    for trace in traces(stays):
        assert trace in everything
    with store.begin() as uow:
        assert not uow.holders.erase(gone.holder.id)


def test_an_erased_number_is_recognised_and_not_kept(database: TestDatabase, store: Store) -> None:
    person = everywhere(store, database, "1001")
    with store.begin() as uow:
        assert uow.holders.erased_among(["1001", "1002"]) == frozenset()
        assert uow.holders.erase(person.holder.id)
        uow.commit()
    with store.read() as uow:
        assert uow.holders.erased_among(["1001", "1002"]) == {"1001"}
        assert uow.holders.erased_among([]) == frozenset()
    ((digest,),) = rows_by_table(database)["erased_number"]
    assert str(digest).partition(".")[2], "a keyed digest"
    again = samples.stored_person(store, "1001")
    with store.begin() as uow:
        assert uow.holders.erase(again.holder.id), "somebody is erased a second time"
        uow.commit()
    assert len(rows_by_table(database)["erased_number"]) == 1


def test_a_note_that_is_detached_outlives_whom_it_was_about(
    database: TestDatabase, store: Store
) -> None:
    person = everywhere(store, database, "1001")
    note = ActionNote(new_id(), person.holder.id, NOW, "asked for in writing", "", "aa")
    with store.begin() as uow:
        uow.notes.add(note)
        uow.notes.detach(note.id)
        assert uow.holders.erase(person.holder.id)
        uow.commit()
    with store.read() as uow:
        assert uow.notes.by_ids((note.id,)) == {note.id: replace(note, holder_id=None)}


def everywhere(store: Store, database: TestDatabase, number: str) -> Person:
    """Store somebody who has left a row in every table of people."""
    person = samples.registered_person(store, number)
    holder, card, visit = person.holder, person.card, person.visit
    code = samples.code(person)
    params = {"holder_name": holder.name, "reference": visit.reference}
    message = OutboxMessage(
        new_id(), f"{number}@trust.nhs.uk", "unlocked", {**params}, NOW, NOW, holder_id=holder.id
    )
    with store.begin() as uow:
        uow.codes.draft(code)
        uow.codes.activate(code.id, NOW, NOW.replace(hour=10))
        uow.codes.entries(code.id).charge(f"try-{number}")
        uow.registrations.attempts(holder.id, 3).charge(f"answer-{number}")
        uow.proofs.put(Proof(visit.id, Factor.EMAIL_CODE, NOW, new_id()))
        uow.pending.put(PendingChange(new_id(), holder.id, card.id, Purpose.CHANGE_EMAIL, NOW))
        kept = uow.registrations.of_holder(holder.id)
        assert kept is not None
        uow.addresses.add(samples.waiting_address(kept, "b@nhs.net", NOW, visit.id))
        uow.stop_numbers.draw(holder.id, visit.id)
        uow.proposals.add(
            ProposedAct(
                new_id(), "people.lift_block", "lift-block", holder.id, None, None, 0, b"\x01", "k",
                "staff", "SHA256:x", NOW, NOW, new_id(), visit.reference,
            )
        )  # fmt: skip
        former = SealedSecret(b"\x01", "key-1", 1)
        uow.kept_secrets.add(KeptSecret(new_id(), card.id, KeptKind.FORMER, former, NOW))
        uow.journal.open(UnblockEntry(new_id(), visit.id, card.id, NOW, was_blocked=True))
        uow.notes.add(ActionNote(new_id(), holder.id, NOW, f"for {number}", "ID", "bb"))
        member = StaffMember(new_id(), "Sam Reed", Role.TECHNICIAN, NOW)
        uow.staff.add(member)
        uow.staff.add_card(StaffCard(card.id, member.id, b"key", NOW))
        uow.outbox.add(message)
        uow.audit.append(kind="refused", reference=visit.reference, holder_id=holder.id)
        uow.commit()
    run(database, "INSERT INTO search_term (term, holder_id) VALUES (:term, :holder_id)",
        term=number, holder_id=holder.id)  # fmt: skip
    return person


def traces(person: Person) -> tuple[str, ...]:
    return (person.holder.number, person.card.id, person.card.identifier)


def rows_by_table(database: TestDatabase) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with opened(database).connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in TableRow.metadata.tables.items()
        }


def run(database: TestDatabase, statement: str, **values: object) -> None:
    with opened(database).begin() as connection:
        connection.execute(sa.text(statement), values)


def opened(database: TestDatabase) -> sa.Engine:
    return sa.create_engine(parse_url(database.url), poolclass=sa.NullPool)
