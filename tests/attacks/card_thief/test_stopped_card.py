"""Before: nothing stopped a batch of cards whose keys anybody can compute (ROCA, 2017).

``stop_cards`` of the policy names the batch. Somebody with such a card, or with a copy that was
made from its public key, tries it at a station, behind a device that offers what they like.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.records import Card
from kiosk.contract.messages import Reason, Refusal, VisitOpened
from kiosk.contract.policy import Genuine, Policy
from tests.authority.card_in_reader import Authorities, KeylessCard, ReaderCard
from tests.authority.weak_keys import weak_key
from tests.authority.world import World

STOPPED = Refusal(Reason.CARD_STOPPED)


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


def stop(world: World, *rules: str) -> None:
    world.policy = Policy(stop_cards=rules)


def test_stopped_batch_is_served_nowhere(world: World, card: Card) -> None:
    in_reader = ReaderCard()
    assert isinstance(world.insert(card, blocked=True, reader_card=in_reader).opened, VisitOpened)
    stop(world, f"piv:{card.identifier[:4]}*")
    for blocked in (True, False):
        assert world.insert(card, blocked=blocked, reader_card=in_reader).opened == STOPPED
    assert world.events()[-1].detail == {"reason": "card-stopped"}
    stop(world, "piv:zz*")
    assert isinstance(world.insert(card, blocked=True, reader_card=in_reader).opened, VisitOpened)


def test_stop_ends_a_visit_before_its_secret_is_released(world: World, card: Card) -> None:
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    stop(world, f"piv:{card.identifier}")
    assert visit.release() == STOPPED


def test_card_with_a_weak_recorded_key_hides_behind_no_other_key(world: World) -> None:
    """It offers a certificate of a sound key: the recorded one counts."""
    card = world.registered_card(auth_key=weak_key())
    stop(world, "roca")
    other = ReaderCard()
    assert not isinstance(world.insert(card, blocked=True, reader_card=other).opened, VisitOpened)
    world.policy = Policy(stop_cards=("roca",), genuine=Genuine.NEVER)
    for in_reader in (other, KeylessCard()):
        assert world.insert(card, blocked=True, reader_card=in_reader).opened == STOPPED


def test_weak_key_of_the_pin_stops_a_card(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.cards.put([replace(world.card(card), pin_key=weak_key())])
        uow.commit()
    stop(world, "roca")
    in_reader = ReaderCard(pin_key=None)
    assert world.insert(card, blocked=True, reader_card=in_reader).opened == STOPPED


def test_certificate_of_a_stopped_issuer_stops_its_card(world: World, card: Card) -> None:
    issuer, in_reader = Authorities("Batch CA 3"), ReaderCard()
    in_reader.shows = issuer.issue(in_reader.key)
    for rule in ("issuer:batch ca", "issued:2029-01-01..2029-01-01"):
        stop(world, rule)
        assert world.insert(card, blocked=True, reader_card=in_reader).opened == STOPPED
        assert world.events()[-1].detail == {"reason": "card-stopped", "by": "certificate"}
    for rule in ("issuer:batch ca 4", "issued:2029-01-02..2030-01-01", "issuer:batch+openpgp:*"):
        stop(world, rule)
        opened = world.insert(card, blocked=True, reader_card=in_reader).opened
        assert isinstance(opened, VisitOpened)


def test_certificate_of_another_card_frees_no_stopped_card(world: World) -> None:
    """A device shows the certificate of a sound card, and has the stopped one sign."""
    stopped, sound = ReaderCard(), ReaderCard()
    stopped.shows = Authorities("Batch CA 3").issue(stopped.key)
    card = world.registered_card(auth_key=stopped.public)
    stop(world, "issuer:Batch CA 3")
    assert world.insert(card, blocked=True, reader_card=stopped).opened == STOPPED
    behind = ReaderCard(stopped.key, shows=sound.shows)
    assert world.insert(card, blocked=True, reader_card=behind).opened == STOPPED
