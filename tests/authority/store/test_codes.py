from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.errors import StoreError
from kiosk.authority.records import Charge, EmailCode, Verdict, new_id
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.past import PastKind
from tests.authority.store import samples
from tests.support.database import TestDatabase
from tests.support.stored import live_code

LIFE = timedelta(minutes=15)


def send(store: Store, code: EmailCode) -> EmailCode:
    """Draft and activate, as the authority does around the mail."""
    with store.begin() as uow:
        uow.codes.draft(code)
        uow.commit()
    with store.begin() as uow:
        assert uow.codes.activate(code.id, code.drafted_at, code.drafted_at + LIFE)
        uow.commit()
    return replace(code, sent_at=code.drafted_at, expires_at=code.drafted_at + LIFE)


def live(store: Store, person: samples.Person) -> EmailCode | None:
    with store.read() as uow:
        return live_code(uow, person.card.id)


def enter(store: Store, code: EmailCode, attempt: str) -> Charge | None:
    with store.begin() as uow:
        charged = uow.codes.entries(code.id).charge(attempt)
        uow.commit()
    return charged


def test_a_draft_is_a_send_but_no_code(store: Store) -> None:
    person = samples.stored_person(store)
    draft = samples.code(person)
    with store.begin() as uow:
        uow.codes.draft(draft)
        uow.commit()
    with store.read() as uow:
        assert uow.codes.get(draft.id) == draft
        assert live_code(uow, person.card.id) is None
        assert uow.codes.send_times(person.card.id, samples.NOW) == (samples.NOW,)
        later = samples.NOW + timedelta(seconds=1)
        assert uow.codes.send_times(person.card.id, later) == ()
    assert enter(store, draft, new_id()) is None


def test_a_code_that_was_not_sent_counts_for_nothing(store: Store) -> None:
    person = samples.stored_person(store)
    first = send(store, samples.code(person))
    draft = samples.code(person)
    with store.begin() as uow:
        uow.codes.draft(draft)
        uow.codes.discard(draft.id)
        uow.codes.discard(first.id)  # is no draft any more
        assert not uow.codes.activate(draft.id, samples.NOW, samples.NOW + LIFE)
        uow.commit()
    assert live(store, person) == first
    with store.read() as uow:
        assert len(uow.codes.send_times(person.card.id, samples.NOW)) == 1


def test_a_new_code_takes_the_place_of_the_old_one(store: Store) -> None:
    person = samples.stored_person(store)
    first = send(store, samples.code(person, pending_id="p"))
    assert live(store, person) == first
    second = send(store, samples.code(person))
    assert live(store, person) == second
    assert enter(store, first, new_id()) is None
    with store.read() as uow:
        old = uow.codes.get(first.id)
    assert old == replace(first, revoked_at=samples.NOW)


def test_the_database_itself_allows_one_live_code_a_card(store: Store) -> None:
    person = samples.stored_person(store)
    send(store, samples.code(person))
    from sqlalchemy import insert

    from kiosk.authority.store.gateway import table_of
    from kiosk.authority.store.tables import CodeRow, values

    forced = samples.code(person, sent_at=samples.NOW, expires_at=samples.NOW)
    statement = insert(table_of(CodeRow)).values(values(forced) | {"mac": ""})
    with store.begin() as uow, pytest.raises(StoreError) as refused:
        uow.codes._gateway.run(statement)
    assert refused.value.code in {"SQLITE_CONSTRAINT_UNIQUE", "23505"}


def test_a_sent_code_is_no_draft(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow, pytest.raises(ValueError, match="no draft"):
        uow.codes.draft(samples.code(person, sent_at=samples.NOW, expires_at=samples.NOW))


def test_five_entries_spend_a_code(store: Store) -> None:
    code = send(store, samples.code(samples.stored_person(store)))
    left = [enter(store, code, new_id()) for _ in range(5)]
    assert [one.left for one in left if one] == [4, 3, 2, 1, 0]
    assert enter(store, code, new_id()) is None


def test_an_entry_is_charged_once_and_given_back_once(store: Store) -> None:
    code = send(store, samples.code(samples.stored_person(store)))
    attempt = new_id()
    assert enter(store, code, attempt) == Charge(attempt, 4, fresh=True)
    with store.begin() as uow:
        assert uow.codes.entries(code.id).conclude(attempt, Verdict.RIGHT)
        assert not uow.codes.entries(code.id).conclude(attempt, Verdict.RIGHT)
        assert not uow.codes.entries(code.id).conclude(attempt, Verdict.WRONG)
        uow.commit()
    assert enter(store, code, attempt) == Charge(attempt, 4, fresh=False, verdict=Verdict.RIGHT)
    assert enter(store, code, new_id()) is not None
    with store.read() as uow:
        found = uow.codes.get(code.id)
    assert found is not None
    assert found.tries == 1


def test_an_expired_code_is_not_charged(database: TestDatabase, store: Store) -> None:
    code = send(store, samples.code(samples.stored_person(store)))
    database.clock.forward(minutes=14, seconds=59)
    assert enter(store, code, new_id()) is not None
    database.clock.forward(seconds=1)
    assert enter(store, code, new_id()) is None


def test_a_code_is_consumed_once(store: Store) -> None:
    person = samples.stored_person(store)
    code = send(store, samples.code(person))
    with store.begin() as uow:
        assert uow.codes.consume(code.id)
        assert not uow.codes.consume(code.id)
        uow.commit()
    assert live(store, person) is None
    assert enter(store, code, new_id()) is None


def test_a_code_that_was_used_is_not_revoked_afterwards(store: Store) -> None:
    person = samples.stored_person(store)
    code = send(store, samples.code(person))
    with store.begin() as uow:
        assert uow.codes.consume(code.id)
        uow.codes.revoke_all(person.card.id)
        assert not uow.codes.revoke(code.id)
        uow.commit()
    with store.read() as uow:
        used = uow.codes.get(code.id)
    assert used is not None
    assert used.revoked_at is None


def test_a_revoked_code_is_not_consumed(store: Store) -> None:
    person = samples.stored_person(store)
    code = send(store, samples.code(person))
    with store.begin() as uow:
        assert uow.codes.revoke_live(person.card.id)
        assert not uow.codes.revoke_live(person.card.id)
        assert not uow.codes.consume(code.id)
        uow.commit()


def test_sends_are_listed_oldest_first(database: TestDatabase, store: Store) -> None:
    person = samples.stored_person(store)
    send(store, samples.code(person))
    later = database.clock.forward(minutes=10)
    send(store, samples.code(person, drafted_at=later))
    with store.read() as uow:
        assert uow.codes.send_times(person.card.id, samples.NOW) == (samples.NOW, later)
        assert uow.codes.send_times(person.card.id, later) == (later,)


def test_old_codes_and_attempts_are_purged(database: TestDatabase, store: Store) -> None:
    person = samples.stored_person(store)
    old = send(store, samples.code(person))
    enter(store, old, "attempt")
    later = database.clock.forward(days=2)
    new = send(store, samples.code(person, drafted_at=later))
    with store.begin() as uow:
        assert uow.past.delete(PastKind.CODES, later, 10) == 1
        uow.commit()
    with store.read() as uow:
        assert uow.codes.get(old.id) is None
        assert uow.codes.get(new.id) == new


# --- given by staff ------------------------------------------------------------------


def given(person: samples.Person, **changes: object) -> EmailCode:
    return samples.code(person, **({"issued_by": "clerk", "route": "", "visit_id": ""} | changes))


def draft(store: Store, code: EmailCode) -> EmailCode:
    with store.begin() as uow:
        uow.codes.draft(code)
        uow.commit()
    return code


def test_what_staff_gave_counts_apart_from_what_was_mailed(store: Store) -> None:
    person = samples.stored_person(store)
    send(store, samples.code(person))
    later = samples.NOW + timedelta(minutes=1)
    send(store, given(person, drafted_at=later))
    with store.read() as uow:
        assert uow.codes.send_times(person.card.id, samples.NOW) == (samples.NOW,)
        assert uow.codes.give_times(person.card.id, samples.NOW) == (later,)
        assert uow.codes.give_times(person.card.id, later + timedelta(seconds=1)) == ()


def test_without_the_second_who_is_needed_a_code_never_lives(store: Store) -> None:
    person = samples.stored_person(store)
    code = draft(store, given(person, needs_second=True))
    with store.begin() as uow:
        assert uow.codes.unagreed(LIFE) == (code,)
        assert uow.codes.unagreed(timedelta()) == ()
        assert not uow.codes.activate(code.id, samples.NOW, samples.NOW + LIFE)
        assert uow.codes.agree(code.id, "manager")
        assert not uow.codes.agree(code.id, "another")
        assert uow.codes.unagreed(LIFE) == ()
        assert uow.codes.activate(code.id, samples.NOW, samples.NOW + LIFE)
        uow.commit()
    found = live(store, person)
    assert found is not None
    assert (found.id, found.agreed_by) == (code.id, "manager")


def test_a_code_that_was_revoked_before_anybody_agreed_never_lives(store: Store) -> None:
    person = samples.stored_person(store)
    code = draft(store, given(person, needs_second=True))
    with store.begin() as uow:
        assert uow.codes.revoke(code.id)
        assert not uow.codes.revoke(code.id)
        assert not uow.codes.agree(code.id, "manager")
        assert not uow.codes.activate(code.id, samples.NOW, samples.NOW + LIFE)
        uow.commit()
    assert live(store, person) is None
    with store.read() as uow:
        assert len(uow.codes.give_times(person.card.id, samples.NOW)) == 1


def test_revoking_what_staff_gave_leaves_what_was_mailed(store: Store) -> None:
    person = samples.stored_person(store)
    mailed = send(store, samples.code(person))
    waiting = draft(store, given(person, needs_second=True))
    mailing = draft(store, samples.code(person))
    with store.begin() as uow:
        assert uow.codes.revoke_given(person.card.id)
        assert not uow.codes.revoke_given(person.card.id)
        uow.commit()
    assert live(store, person) == mailed
    with store.begin() as uow:
        uow.codes.revoke_all(person.card.id)
        uow.commit()
    with store.read() as uow:
        revoked = [uow.codes.get(one.id) for one in (mailed, waiting, mailing)]
    assert [one.revoked_at is not None for one in revoked if one] == [True, True, False]


def test_the_newest_is_the_one_that_was_sent_last(store: Store) -> None:
    person = samples.stored_person(store)
    send(store, samples.code(person))
    later = samples.NOW + timedelta(minutes=1)
    second = send(store, samples.code(person, drafted_at=later))
    draft(store, samples.code(person, drafted_at=later + timedelta(minutes=1)))
    with store.begin() as uow:
        uow.codes.revoke_live(person.card.id)
        assert uow.codes.newest(person.card.id) == replace(second, revoked_at=uow.now)


def test_a_holders_codes_are_found_whatever_card_they_are_for(store: Store) -> None:
    person = samples.stored_person(store)
    other = samples.card(person.holder.id)
    sent, given = samples.code(person), samples.code(person, card_id=other.id)
    given = replace(given, issued_by="s1", needs_second=True)
    over = samples.code(person, card_id=other.id)
    mailing = samples.code(person, card_id=other.id, drafted_at=samples.NOW - timedelta(hours=2))
    later = samples.NOW + timedelta(minutes=15)
    with store.begin() as uow:
        uow.cards.put([other])
        for code in (over, sent, given, mailing):
            uow.codes.draft(code)
        assert uow.codes.activate(over.id, samples.NOW, samples.NOW)
        assert uow.codes.activate(sent.id, samples.NOW, later)
        found = {code.id for code in uow.codes.open_of_holder(person.holder.id)}
        assert found == {sent.id, given.id}
        assert uow.codes.send_times_of_holder(person.holder.id, samples.NOW) == {
            person.card.id: (samples.NOW,),
            other.id: (samples.NOW,),
        }
        uow.codes.revoke_of_holder(person.holder.id)
        assert uow.codes.open_of_holder(person.holder.id) == ()
        assert not uow.codes.activate(mailing.id, samples.NOW, later)
        assert live_code(uow, person.card.id) is None
