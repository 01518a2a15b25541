from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.authority.addresses import read_addresses
from kiosk.authority.records import Card, CardStatus, NamedKey, SealedSecret
from kiosk.authority.store.database import Store
from kiosk.contract.messages import CardId
from tests.authority.store import samples


def test_holders_are_added_and_overwritten_by_id(store: Store) -> None:
    first, second = samples.holder("1"), samples.holder("2")
    with store.begin() as uow:
        uow.holders.put([first, second])
        uow.commit()
    changed = replace(first, name="Asha Bell")
    with store.begin() as uow:
        uow.holders.put([changed])
        uow.commit()
    with store.read() as uow:
        assert uow.holders.by_numbers(["1", "2", "3"]) == {
            "1": replace(changed, revision=1),
            "2": second,
        }


def test_leaver_and_revoked_card_stay_so_when_saved_again(store: Store) -> None:
    person = samples.stored_person(store)
    left = replace(person.holder, left_at=samples.NOW)
    with store.begin() as uow:
        uow.holders.save(left)
        uow.cards.revoke(person.card.id)
        uow.holders.put([replace(person.holder, name="Asha Bell")])
        uow.cards.put([replace(person.card, secret_limit=5)])
        uow.commit()
    with store.read() as uow:
        assert uow.holders.get(left.id) == replace(left, name="Asha Bell", revision=1)
    now = replace(person.card, status=CardStatus.REVOKED, secret_limit=5)
    assert card_of(store, person) == now


def test_nothing_to_put_is_nothing_done(store: Store) -> None:
    with store.begin() as uow:
        uow.holders.put([])
        uow.cards.put([])
        uow.commit()
    with store.read() as uow:
        assert uow.holders.by_numbers([]) == {}
        assert uow.cards.by_card_ids([]) == {}


def test_cards_are_found_by_what_the_reader_says(store: Store) -> None:
    person = samples.stored_person(store)
    with store.read() as uow:
        assert uow.cards.get(person.card.id) == person.card
        assert uow.cards.of_holder(person.holder.id) == (person.card,)
        unknown = CardId("piv", "00")
        assert uow.cards.find(unknown) is None
        assert uow.cards.by_card_ids([unknown, person.card_id]) == {person.card_id: person.card}


def test_an_import_again_keeps_what_an_unblock_may_have_cost(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow:
        uow.cards.charge_secret_try(person.card.id, assumed_limit=3)
        resealed = SealedSecret(b"again", "key-2", 2)
        uow.cards.put([replace(person.card, sealed_secret=resealed)])
        uow.commit()
    card = card_of(store, person)
    assert card.secret_exposure == 1
    assert card.sealed_secret == resealed


def test_a_card_without_secret(store: Store) -> None:
    person = samples.stored_person(store)
    bare = samples.card(person.holder.id, sealed_secret=None, secret_limit=None, expires_at=None)
    with store.begin() as uow:
        uow.cards.put([bare])
        uow.commit()
    with store.read() as uow:
        assert uow.cards.get(bare.id) == bare


def test_a_card_that_somebody_has_is_not_added_again(store: Store) -> None:
    person = samples.stored_person(store)
    new = samples.card(person.holder.id)
    with store.begin() as uow:
        assert uow.cards.add(new)
        assert not uow.cards.add(replace(new, id="another", secret_limit=9))
        assert not uow.cards.add(replace(new, id="another", holder_id="nobody"))
        uow.commit()
    with store.read() as uow:
        assert set(uow.cards.of_holder(person.holder.id)) == {person.card, new}


def test_cards_of_a_holder_are_in_the_order_of_their_names(store: Store) -> None:
    """Their ids are drawn, so they give no order that staff would know again."""
    holder = samples.holder()
    names = [("openpgp", "d276"), ("piv", "0a1b"), ("piv", "ffff")]
    with store.begin() as uow:
        uow.holders.put([holder])
        for id_, (driver, identifier) in zip("cba", names, strict=True):
            uow.cards.add(samples.card(holder.id, id=id_, driver=driver, identifier=identifier))
        uow.commit()
    with store.read() as uow:
        for cards in (uow.cards.of_holder(holder.id), uow.cards.of_holders([holder.id])):
            assert [(card.driver, card.identifier) for card in cards] == names


def test_a_card_is_revoked_once(store: Store) -> None:
    person = samples.stored_person(store)
    with store.begin() as uow:
        assert uow.cards.revoke(person.card.id)
        assert not uow.cards.revoke(person.card.id)
        uow.commit()
    assert card_of(store, person) == replace(person.card, status=CardStatus.REVOKED)


def card_of(store: Store, person: samples.Person) -> Card:
    with store.read() as uow:
        found = uow.cards.get(person.card.id)
    assert found is not None
    return found


# --- the account of the unblock secret -------------------------------------------------


def expose(store: Store, card_id: str, assumed: int = 3) -> int | None:
    with store.begin() as uow:
        left = uow.cards.charge_secret_try(card_id, assumed_limit=assumed)
        uow.commit()
    return left


def test_the_last_try_of_a_secret_is_never_charged(store: Store) -> None:
    card_id = samples.stored_person(store).card.id
    assert [expose(store, card_id) for _ in range(4)] == [2, 1, None, None]


def test_reported_tries_count_more_than_the_limit(store: Store) -> None:
    card_id = samples.stored_person(store).card.id
    with store.begin() as uow:
        uow.cards.know_secret_tries(card_id, 2)
        uow.commit()
    assert [expose(store, card_id) for _ in range(2)] == [1, None]


def test_an_unknown_limit_is_assumed(store: Store) -> None:
    person = samples.stored_person(store)
    bare = samples.card(person.holder.id, secret_limit=None)
    with store.begin() as uow:
        uow.cards.put([bare])
        uow.commit()
    assert [expose(store, bare.id, assumed=2) for _ in range(2)] == [1, None]


def test_success_and_a_secret_that_was_not_sent_clear_the_charge(store: Store) -> None:
    person = samples.stored_person(store)
    expose(store, person.card.id)
    with store.begin() as uow:
        uow.cards.give_back_secret_try(person.card.id)
        uow.cards.give_back_secret_try(person.card.id)
        uow.commit()
    assert card_of(store, person).secret_exposure == 0
    expose(store, person.card.id)
    with store.begin() as uow:
        uow.cards.know_secret_tries(person.card.id, None)
        uow.commit()
    card = card_of(store, person)
    assert (card.secret_exposure, card.secret_tries_left) == (0, None)


# --- rotation of the keys --------------------------------------------------------------


def test_a_secret_is_replaced_only_over_the_revision_that_was_read(store: Store) -> None:
    person = samples.stored_person(store)
    second, other = SealedSecret(b"2", "key-2", 2), SealedSecret(b"x", "key-2", 2)
    with store.begin() as uow:
        assert uow.cards.replace_secret(person.card.id, 1, second)
        assert not uow.cards.replace_secret(person.card.id, 1, other)
        uow.commit()
    assert card_of(store, person).sealed_secret == second


def test_a_first_secret_replaces_none(store: Store) -> None:
    person = samples.stored_person(store)
    bare = samples.card(person.holder.id, sealed_secret=None)
    first = SealedSecret(b"1", "key-1", 1)
    with store.begin() as uow:
        uow.cards.put([bare])
        assert uow.cards.replace_secret(bare.id, 0, first)
        uow.commit()
    with store.read() as uow:
        assert uow.cards.get(bare.id) == replace(bare, sealed_secret=first)


def test_cards_of_other_keys_come_in_a_stable_order(store: Store) -> None:
    person = samples.stored_person(store)
    old = [samples.card(person.holder.id) for _ in range(5)]
    new = samples.card(person.holder.id, sealed_secret=SealedSecret(b"n", "key-2", 1))
    bare = samples.card(person.holder.id, sealed_secret=None)
    with store.begin() as uow:
        uow.cards.put([*old, new, bare])
        uow.commit()
    expected = sorted([person.card.id, *(card.id for card in old)])
    with store.read() as uow:
        first = [card.id for card in uow.cards.naming_others(NamedKey.SEAL, "key-2", limit=4)]
        rest = [
            card.id for card in uow.cards.naming_others(NamedKey.SEAL, "key-2", after=first[-1])
        ]
        assert uow.cards.count_by(NamedKey.SEAL) == {"key-1": 6, "key-2": 1}
    assert first + rest == expected


# --- registrations and questions -------------------------------------------------------


def test_changing_a_registration_keeps_its_failures_and_block(store: Store) -> None:
    person = samples.registered_person(store)
    who = person.holder.id
    with store.begin() as uow:
        uow.registrations.attempts(who, 3).charge("a")
        uow.registrations.block(who)
        later = samples.NOW + timedelta(days=1)
        new = samples.registered_address(who, "new@nhs.net")
        changed = replace(samples.registration(who), address_id=new.id, registered_at=later)
        samples.put_registered(uow, changed, new)
        uow.commit()
    with store.read() as uow:
        found = uow.registrations.of_holder(who)
    expected = replace(changed, failures=1, blocked_at=samples.NOW, registered_at=samples.NOW)
    assert found == expected


def test_only_the_address_that_staff_set_is_confirmed(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    set_by_staff = replace(
        samples.registered_address(who, at=samples.NOW - timedelta(days=1)), confirmed_at=None
    )
    with store.begin() as uow:
        before = read_addresses(uow, who).registered
        assert before is not None
        samples.put_registered(uow, samples.registration(who), set_by_staff)
        assert not uow.addresses.confirm(before.id), "it is gone"
        assert read_addresses(uow, who).unconfirmed == set_by_staff
        assert uow.addresses.confirm(set_by_staff.id)
        assert not uow.addresses.confirm(set_by_staff.id), "it is known"
        confirmed = replace(set_by_staff, confirmed_at=samples.NOW)
        assert read_addresses(uow, who).registered == confirmed


def test_the_questions_asked_stay_until_they_are_cleared(store: Store) -> None:
    who = samples.registered_person(store).holder.id
    with store.begin() as uow:
        assert uow.registrations.set_asked(who, (1, 2, 4)) == (1, 2, 4)
        assert uow.registrations.set_asked(who, (2, 3, 4)) == (1, 2, 4)
        uow.registrations.clear_failures(who, asked=True)
        assert uow.registrations.set_asked(who, (2, 3, 4)) == (2, 3, 4)
        uow.commit()


def test_the_list_of_questions_is_synced(store: Store) -> None:
    with store.begin() as uow:
        uow.questions.sync({1: "One?", 2: "Two?"}, samples.NOW)
        uow.questions.sync({2: "Two, reworded?", 3: "Three?"}, samples.NOW)
        uow.commit()
    with store.read() as uow:
        offered = uow.questions.current()
        assert [(one.id, one.text) for one in offered] == [(2, "Two, reworded?"), (3, "Three?")]
        retired = uow.questions.by_ids([1, 9])[1]
        assert (retired.text, retired.retired_at) == ("One?", samples.NOW)
    with store.begin() as uow:
        uow.questions.sync({1: "One?"}, samples.NOW)
        assert [one.id for one in uow.questions.current()] == [1]
