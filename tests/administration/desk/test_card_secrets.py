"""Unblock secrets: sealed, never told, and what a card counts whatever is recorded."""

from __future__ import annotations

import pytest

from kiosk.administration.cards_desk import LocalCardsDesk
from kiosk.administration.means import Means
from kiosk.administration.office import Office
from kiosk.administration.views.people import NewCard
from kiosk.errors import NotTaken
from kiosk.sensitive import Sensitive
from tests.administration.desk.house import GROUNDS
from tests.administration.desk.people import cards_of, newest, secret_of, seen, somebody, told
from tests.store import samples

NEW = "00112233-4455-6677-8899-AABBCCDDEEFF"
PLAIN = "00112233445566778899aabbccddeeff"
OTHER_PUK = "20461357"


@pytest.fixture
def asha(means: Means) -> samples.Person:
    return somebody(means)


@pytest.fixture
def desk(agent: Office) -> LocalCardsDesk:
    return LocalCardsDesk(agent)


def test_a_secret_is_sealed_anew_and_never_told(
    means: Means, asha: samples.Person, desk: LocalCardsDesk
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


def test_a_first_secret_is_set(means: Means, asha: samples.Person, desk: LocalCardsDesk) -> None:
    desk.add(seen(means, asha), NewCard(NEW), GROUNDS)
    _, bare = cards_of(means, asha)
    desk.set_secret(seen(means, asha), bare.id, Sensitive(OTHER_PUK), GROUNDS)
    _, card = cards_of(means, asha)
    assert secret_of(means, card) == OTHER_PUK


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567\n", "1234567é"])
def test_a_secret_has_the_shape_that_the_card_takes(
    means: Means, asha: samples.Person, desk: LocalCardsDesk, text: str
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.set_secret(seen(means, asha), asha.card.id, Sensitive(text), GROUNDS)
    assert caught.value.field == "secret"
    assert cards_of(means, asha) == [asha.card]


def test_what_unblocks_may_have_cost_outlives_the_secret(
    means: Means, asha: samples.Person, desk: LocalCardsDesk
) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(asha.card.id, 2)
        uow.cards.expose_secret(asha.card.id, assumed_limit=3)
        uow.commit()
    done = desk.set_secret(seen(means, asha), asha.card.id, Sensitive(OTHER_PUK), GROUNDS)
    (card,) = cards_of(means, asha)
    assert (card.secret_tries_left, card.secret_exposure) == (2, 1)
    assert "stations will not use it" in done.told


def test_a_card_that_was_given_the_secret_itself_has_all_its_tries(
    means: Means, asha: samples.Person, desk: LocalCardsDesk
) -> None:
    with means.store.begin() as uow:
        uow.cards.know_secret_tries(asha.card.id, 0)
        uow.commit()
    done = desk.set_secret(
        seen(means, asha), asha.card.id, Sensitive(OTHER_PUK), GROUNDS, tries_full=True
    )
    (card,) = cards_of(means, asha)
    assert (card.secret_tries_left, card.secret_exposure) == (None, 0)
    assert done.told == "The unblock secret is set."
    assert newest(means, asha).detail["tries_full"] is True
