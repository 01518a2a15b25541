"""Secrets beside the current one of a card: one that waits, and every former one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.records import (
    KeptKind,
    KeptSecret,
    NamedKey,
    Restore,
    SealedSecret,
    new_id,
)
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.cards import generation_base, next_generation
from tests.authority.store import samples
from tests.authority.store.samples import NOW, Person


@pytest.fixture
def person(store: Store) -> Person:
    return samples.registered_person(store)


def kept(person: Person, kind: KeptKind = KeptKind.PENDING, **changes: object) -> KeptSecret:
    made = KeptSecret(new_id(), person.card.id, kind, SealedSecret(b"\x00new\xff", "key-1", 2), NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def add(store: Store, *several: KeptSecret) -> None:
    with store.begin() as uow:
        assert all(uow.kept_secrets.add(one) for one in several)
        uow.commit()


def test_a_card_has_one_that_waits(store: Store, person: Person) -> None:
    first = kept(person, entry_id="e1")
    add(store, first)
    with store.begin() as uow:
        assert not uow.kept_secrets.add(kept(person))
        assert uow.kept_secrets.add(kept(person, KeptKind.FORMER))
        uow.commit()
    with store.read() as uow:
        assert uow.kept_secrets.pending(person.card.id) == first
        assert uow.kept_secrets.pending(new_id()) is None


def test_pending_secret_is_presented_and_becomes_former(store: Store, person: Person) -> None:
    waits, older = kept(person), kept(person, KeptKind.FORMER, kept_at=NOW - timedelta(days=1))
    add(store, waits, older)
    sealed = SealedSecret(b"former", "key-2", 2)
    with store.begin() as uow:
        uow.kept_secrets.present(waits, presented=True)
        assert uow.kept_secrets.pending(person.card.id) == replace(waits, presented=True)
        uow.kept_secrets.make_former(waits, sealed)
        uow.commit()
    with store.read() as uow:
        assert uow.kept_secrets.pending(person.card.id) is None
        former = replace(waits, kind=KeptKind.FORMER, sealed=sealed)
        assert uow.kept_secrets.former(person.card.id) == (former, older)


def test_pending_secret_that_became_current_is_deleted(store: Store, person: Person) -> None:
    waits = kept(person)
    add(store, waits)
    with store.begin() as uow:
        uow.kept_secrets.delete(waits)
        assert uow.kept_secrets.pending(person.card.id) is None
        assert uow.kept_secrets.add(kept(person))
        uow.commit()


def test_kept_secrets_under_another_key_are_found_and_resealed_once(
    store: Store, person: Person
) -> None:
    several = [kept(person, KeptKind.FORMER) for _ in range(3)]
    add(store, *several)
    in_order = sorted(several, key=lambda one: one.id)
    anew = SealedSecret(b"anew", "key-2", 2)
    with store.begin() as uow:
        assert uow.kept_secrets.naming_others(NamedKey.SEAL, "key-2", limit=2) == tuple(
            in_order[:2]
        )
        assert uow.kept_secrets.naming_others(NamedKey.SEAL, "key-2", after=in_order[1].id) == (
            in_order[2],
        )
        assert uow.kept_secrets.reseal(in_order[0], anew)
        assert not uow.kept_secrets.reseal(in_order[0], anew)
        assert uow.kept_secrets.count_by(NamedKey.SEAL) == {"key-1": 2, "key-2": 1}
        uow.commit()


def test_what_derives_from_an_older_master_key_is_found(store: Store, person: Person) -> None:
    one, two = (SealedSecret(bytes([n]), "key-1", 2, f"derive-{n}") for n in (1, 2))
    former = [kept(person, KeptKind.FORMER, sealed=sealed) for sealed in (one, one, two)]
    add(store, kept(person), *former)
    with store.begin() as uow:
        assert uow.cards.replace_secret(person.card.id, 1, one)
        assert uow.kept_secrets.count_by(NamedKey.MASTER) == {"derive-1": 2, "derive-2": 1}
        assert uow.cards.count_by(NamedKey.MASTER) == {"derive-1": 1}
        assert uow.kept_secrets.naming_others(NamedKey.MASTER, "derive-1") == (former[2],)
        older = sorted(former[:2], key=lambda each: each.id)
        assert uow.kept_secrets.naming_others(NamedKey.MASTER, "derive-2", limit=1) == (older[0],)
        assert uow.kept_secrets.naming_others(NamedKey.MASTER, "derive-2", after=older[0].id) == (
            older[1],
        )
        (card,) = uow.cards.naming_others(NamedKey.MASTER, "derive-2")
        assert card.sealed_secret == one
        assert uow.cards.naming_others(NamedKey.MASTER, "derive-2", after=card.id) == ()
        assert uow.cards.naming_others(NamedKey.MASTER, "derive-1") == ()
        uow.kept_secrets.make_former(former[0], two)
        assert not uow.kept_secrets.reseal(former[0], two), "somebody was first"
        uow.commit()


def test_no_number_of_a_made_secret_comes_twice(store: Store, person: Person) -> None:
    base = generation_base(person.card.id)
    assert next_generation(person.card, 0) == base + 1
    with store.begin() as uow:
        uow.cards.number_secret(person.card.id, base + 1)
        uow.cards.note_issued(person.card.id)
        uow.cards.put([replace(person.card, secret_generation=0)])
        card = uow.cards.get(person.card.id)
        assert card is not None
        assert next_generation(card, 0) == base + 2
        other = samples.card(person.holder.id, secret_generation=0)
        issued = samples.card(person.holder.id)
        uow.cards.put([other, issued])
        uow.cards.note_issued(issued.id)
        assert [uow.cards.get(each.id) for each in (other, issued)] == [
            other,
            replace(issued, secret_generation=0),
        ]
        uow.commit()
    assert generation_base(issued.id) != base


def test_numbers_go_on_far_above_after_a_restore(store: Store, person: Person) -> None:
    base = generation_base(person.card.id)
    first, second = Restore(NOW, 5000), Restore(NOW + timedelta(days=9), 20_000)
    with store.begin() as uow:
        assert uow.restores.newest(2) == ()
        uow.restores.add(first)
        uow.restores.add(second)
        assert uow.restores.newest(2) == (second, first)
        uow.commit()
    card = replace(person.card, secret_generation=base + 7)
    assert next_generation(card, 0) == base + 8
    assert next_generation(card, 5000) == base + 5001
    assert next_generation(replace(card, secret_generation=base + 5001), 5000) == base + 5002


def test_a_card_is_set_aside_and_taken_back(store: Store, person: Person) -> None:
    for at in (NOW, None):
        with store.begin() as uow:
            uow.cards.set_aside(person.card.id, at)
            uow.commit()
        with store.read() as uow:
            card = uow.cards.get(person.card.id)
        assert card is not None
        assert card.set_aside_at == at


def test_a_file_that_was_read_earlier_does_not_bring_an_older_secret_back(
    store: Store, person: Person
) -> None:
    newer = SealedSecret(b"newer", "key-1", 2)
    with store.begin() as uow:
        assert uow.cards.replace_secret(person.card.id, 1, newer)
        uow.cards.put([replace(person.card, secret_limit=7)])
        uow.commit()
    with store.read() as uow:
        card = uow.cards.get(person.card.id)
    assert card is not None
    assert (card.sealed_secret, card.secret_limit) == (newer, 7)
