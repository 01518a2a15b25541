"""The admin key of a card is set as any unblock secret is, and kept in one form."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.views import NewCard
from kiosk.authority.errors import NotTaken
from kiosk.authority.records import Card
from kiosk.contract.sensitive import Sensitive
from screens.words.staff.refusals import refusal_words
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import cards_of, secret_of, seen
from tests.authority.store import samples

CARD = "00112233445566778899aabbccddeeff"
KEY = "0123456789abcdeffedcba987654321089abcdef01234567"
TYPED = "01234567 89ABCDEF FEDCBA98 76543210 89ABCDEF 01234567"


@pytest.fixture
def desk(agent: Office) -> CardsDesk:
    return CardsDesk(agent)


def its_card(means: StaffDependencies, asha: samples.Person) -> Card:
    return next(card for card in cards_of(means, asha) if card.driver == "gids")


def test_admin_key_is_added_and_replaced(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk
) -> None:
    desk.add(seen(means, asha), NewCard(CARD, "gids", secret=Sensitive(TYPED)), GROUNDS)
    card = its_card(means, asha)
    assert secret_of(means, card) == KEY
    other = KEY[16:] + KEY[:16]
    desk.set_secret(seen(means, asha), card.id, Sensitive(other.upper()), GROUNDS)
    assert secret_of(means, its_card(means, asha)) == other


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("73019264", "It must be an admin key of 48 hexadecimal digits."),
        (KEY[:16] * 3, "It is an admin key with two parts of 16 digits that are the same"),
    ],
)
def test_malformed_admin_key_is_refused_in_plain_words(
    means: StaffDependencies, asha: samples.Person, desk: CardsDesk, typed: str, because: str
) -> None:
    with pytest.raises(NotTaken) as refused:
        desk.add(seen(means, asha), NewCard(CARD, "gids", secret=Sensitive(typed)), GROUNDS)
    assert refused.value.field == "secret"
    assert refusal_words(refused.value).startswith(because)
    assert typed not in refusal_words(refused.value)
