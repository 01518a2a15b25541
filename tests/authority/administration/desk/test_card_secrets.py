"""Unblock secrets: sealed, never told, and what a card counts whatever is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import IssuedFrom, NewCard
from kiosk.authority.crypto.derivation import Derivation, Masters
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.token import Token, TokenMasters
from kiosk.authority.errors import NotTaken
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.deeds import deed_words
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import cards_of, newest, secret_of, seen, told
from tests.authority.store import samples
from tests.support.refusals import refused

NEW = "00112233-4455-6677-8899-AABBCCDDEEFF"
PLAIN = "00112233445566778899aabbccddeeff"
OTHER_PUK = "20461357"


@pytest.fixture
def desk(agent: Office) -> CardsDesk:
    return CardsDesk(agent)


def test_replaced_secret_is_sealed_and_never_shown(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    done = desk.set_secret(seen(means, asha), asha.card.id, Sensitive(OTHER_PUK), GROUNDS)
    (card,) = cards_of(means, asha)
    assert card.sealed_secret is not None
    assert card.sealed_secret.revision == 2
    assert secret_of(means, card) == OTHER_PUK
    event = newest(means, asha)
    assert (event.kind, event.detail["sealed_revision"]) == ("secret-set", 2)
    (mail,) = told(means)
    assert mail.template == "secret-set"
    assert OTHER_PUK not in repr((done, event, mail))


def test_a_first_secret_is_set(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    desk.add(seen(means, asha), NewCard(NEW), GROUNDS)
    _, bare = cards_of(means, asha)
    desk.set_secret(seen(means, asha), bare.id, Sensitive(OTHER_PUK), GROUNDS)
    _, card = cards_of(means, asha)
    assert secret_of(means, card) == OTHER_PUK


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567\n", "1234567é"])
def test_a_secret_has_the_shape_that_the_card_takes(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk, text: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.set_secret(seen(means, asha), asha.card.id, Sensitive(text), GROUNDS)
    assert caught.value.field == "secret"
    assert cards_of(means, asha) == [asha.card]


def test_what_unblocks_may_have_cost_outlives_the_secret(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(asha.card.id, 2)
        uow.cards.charge_secret_try(asha.card.id, assumed_limit=3)
        uow.commit()
    done = desk.set_secret(seen(means, asha), asha.card.id, Sensitive(OTHER_PUK), GROUNDS)
    (card,) = cards_of(means, asha)
    assert (card.secret_tries_left, card.secret_exposure) == (2, 1)
    assert "stations will not use it" in deed_words(done.deed)


def test_a_card_that_was_given_the_secret_itself_has_all_its_tries(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(asha.card.id, 0)
        uow.commit()
    done = desk.set_secret(
        seen(means, asha), asha.card.id, Sensitive(OTHER_PUK), GROUNDS, tries_full=True
    )
    (card,) = cards_of(means, asha)
    assert (card.secret_tries_left, card.secret_exposure) == (None, 0)
    assert deed_words(done.deed) == "The unblock secret is set."
    assert newest(means, asha).detail["tries_full"] is True


# --- cards that were personalised from a master key ------------------------------------


@pytest.fixture
def deriving(means: StaffDependencies, agent: Office) -> tuple[StaffDependencies, CardsDesk]:
    """Means with a master key, and the desk that works with them."""
    means = replace(means, sealer=Sealer(KeyRing.fresh().with_new(KeyPurpose.DERIVE)))
    return means, CardsDesk(Office(means, agent.actor))


def test_a_card_has_the_secret_that_it_was_issued_with_and_none_is_kept(
    deriving: tuple[StaffDependencies, CardsDesk], asha: samples.Person
) -> None:
    means, desk = deriving
    masters = means.sealer.masters
    master = masters.current()
    desk.add(seen(means, asha), NewCard(NEW, secret=IssuedFrom(master)), GROUNDS)
    desk.set_secret(seen(means, asha), asha.card.id, IssuedFrom(master), GROUNDS)
    for card in cards_of(means, asha):
        named = CardId(card.driver, card.identifier)
        assert secret_of(means, card) == masters.derive(Derivation(master), named).reveal()
        assert card.sealed_secret is not None
        assert (card.sealed_secret.derived_from, card.secret_generation) == (master, 0)


def test_a_master_key_that_is_not_there_is_named(
    deriving: tuple[StaffDependencies, CardsDesk], asha: samples.Person
) -> None:
    means, desk = deriving
    acts: list[Callable[[], object]] = [
        lambda: desk.add(seen(means, asha), NewCard(NEW, secret=IssuedFrom("x")), GROUNDS),
        lambda: desk.set_secret(seen(means, asha), asha.card.id, IssuedFrom("x"), GROUNDS),
    ]
    for act in acts:
        with pytest.raises(NotTaken) as caught:
            act()
        assert caught.value.field == "master_key"
    assert cards_of(means, asha) == [asha.card]


def test_a_token_of_master_keys_that_is_away_is_named(
    means: StaffDependencies, agent: Office, asha: samples.Person
) -> None:
    """It ended the session of staff, with all that was typed."""
    ring = KeyRing.fresh()
    away = TokenMasters(Token("/none.so", "kiosk"), lambda: Sensitive("1"), {})
    sealer = Sealer(ring, Masters(ring, away))
    desk = CardsDesk(Office(replace(means, sealer=sealer), agent.actor))
    wanted = NewCard(NEW, secret=IssuedFrom("derive-0001-x"))
    with refused(NotTaken, match="The master keys are away: nothing was done"):
        desk.add(seen(means, asha), wanted, GROUNDS)
    assert cards_of(means, asha) == [asha.card]
