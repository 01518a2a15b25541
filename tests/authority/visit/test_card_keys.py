"""Which key a card has to prove: the one recorded with the registration, or an issuer's."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.records import Card, PinPolicy
from kiosk.contract.messages import Grant, VisitOpened
from kiosk.contract.policy import Genuine, Policy
from tests.authority.card_in_reader import Authorities, KeylessCard, ReaderCard
from tests.authority.refused import is_turned_away
from tests.authority.registering import to_code
from tests.authority.world import World


@pytest.fixture
def mine() -> ReaderCard:
    return ReaderCard()


@pytest.fixture
def card(world: World, mine: ReaderCard) -> Card:
    """A registered card whose key is recorded."""
    return world.registered_card(auth_key=mine.public)


# --- the key is recorded at the first registration ---------------------------------------


def recorded(world: World, card: Card) -> bytes | None:
    return world.card(card).auth_key


def test_the_key_is_recorded_with_the_registration_and_has_to_be_proven_from_then_on(
    world: World, mine: ReaderCard
) -> None:
    card = world.add_card(world.add_holder(), pin_key=mine.pin_public, pin_policy=PinPolicy.ONCE)
    station_visit = to_code(world, card, reader_card=mine)
    assert recorded(world, card) is None, "not before the code is entered"
    station_visit.enter(world.relay.code)
    assert recorded(world, card) == mine.public
    assert world.kinds()[-2:] == ["registered", "card-key-recorded"]
    quiet = world.insert(card, blocked=True, reader_card=KeylessCard())
    assert is_turned_away(world, quiet.opened, "no-answer")
    assert isinstance(world.insert(card, blocked=True, reader_card=mine).opened, VisitOpened)


def test_a_key_that_came_in_only_with_the_code_is_not_recorded(
    world: World, mine: ReaderCard
) -> None:
    card = world.add_card(world.add_holder(), pin_key=mine.pin_public, pin_policy=PinPolicy.ONCE)
    to_code(world, card, reader_card=mine).pull()
    for reader_card in (ReaderCard(), KeylessCard()):
        assert isinstance(world.insert(card, reader_card=reader_card).opened, VisitOpened)
    back = world.insert(card, reader_card=ReaderCard())
    back.enter(world.relay.code)
    assert world.registration(card)
    assert recorded(world, card) is None


def test_a_registration_that_is_finished_later_records_the_same_key(
    world: World, mine: ReaderCard
) -> None:
    card = world.add_card(world.add_holder(), pin_key=mine.pin_public, pin_policy=PinPolicy.ONCE)
    to_code(world, card, reader_card=mine).pull()
    world.insert(card, reader_card=mine).enter(world.relay.code)
    assert recorded(world, card) == mine.public


def test_a_key_that_is_recorded_stays(world: World, mine: ReaderCard) -> None:
    card = world.add_card(world.add_holder(), auth_key=mine.public)
    with world.store.begin() as uow:
        assert not uow.cards.record_key(card.id, ReaderCard().public)
        uow.cards.put([replace(card, auth_key=None)])
        uow.commit()
    assert recorded(world, card) == mine.public


def test_only_a_key_that_the_card_named_itself_is_forgotten(world: World) -> None:
    holder = world.add_holder()
    imported = world.add_card(holder, auth_key=ReaderCard().public, auth_key_imported=True)
    own = world.add_card(holder, auth_key=ReaderCard().public)
    other = world.add_card(world.add_holder(number="2"), auth_key=ReaderCard().public)
    with world.store.begin() as uow:
        assert uow.cards.forget_keys(holder.id) == 1
        uow.cards.put([replace(imported, auth_key=None, auth_key_imported=False)])
        uow.commit()
    assert recorded(world, own) is None
    assert (recorded(world, imported), recorded(world, other)) == (
        imported.auth_key,
        other.auth_key,
    )
    assert world.card(imported).auth_key_imported


def test_where_nobody_has_to_prove_anything_no_key_is_recorded(
    world: World, mine: ReaderCard
) -> None:
    world.policy = Policy(genuine=Genuine.NEVER)
    card = world.add_card(world.add_holder(), pin_key=mine.pin_public, pin_policy=PinPolicy.ONCE)
    to_code(world, card, reader_card=mine).enter(world.relay.code)
    assert recorded(world, card) is None


# --- issuers ---------------------------------------------------------------------------


def test_where_issuers_are_named_a_card_shows_a_certificate_of_theirs(world: World) -> None:
    issuer, mine = Authorities(), ReaderCard()
    object.__setattr__(world.parts, "issuers", Issuers((issuer.own,)))
    card = world.registered_card()
    urn = f"urn:uuid:{UUID(card.identifier)}"
    shown = ReaderCard(mine.key, shows=issuer.issue(mine.key, urn))
    assert isinstance(world.insert(card, blocked=True, reader_card=shown).opened, VisitOpened)
    for certificate in (
        Authorities().issue(mine.key, urn),
        issuer.issue(mine.key, f"urn:uuid:{UUID(int=7)}"),
        issuer.issue(mine.key),
        issuer.issue(mine.key, urn, ends=world.now),
    ):
        other = ReaderCard(mine.key, shows=certificate)
        opened = world.insert(card, blocked=True, reader_card=other).opened
        assert is_turned_away(world, opened, "not-issued")
    world.policy = Policy(genuine=Genuine.ALWAYS)
    station_visit = world.insert(card, blocked=True, reader_card=shown)
    station_visit.to_new_pin()
    assert isinstance(station_visit.release(), Grant)


def test_a_recorded_key_needs_the_certificate_too_where_issuers_are_named(
    world: World, card: Card, mine: ReaderCard
) -> None:
    issuer = Authorities()
    object.__setattr__(world.parts, "issuers", Issuers((issuer.own,)))
    urn = f"urn:uuid:{UUID(card.identifier)}"
    assert is_turned_away(
        world, world.insert(card, blocked=True, reader_card=mine).opened, "not-issued"
    )
    another = ReaderCard()
    another.shows = issuer.issue(another.key, urn)
    assert is_turned_away(
        world, world.insert(card, blocked=True, reader_card=another).opened, "not-issued"
    )
    mine.shows = issuer.issue(mine.key, urn)
    assert isinstance(world.insert(card, blocked=True, reader_card=mine).opened, VisitOpened)
