"""Which families of cards a station serves, and in which order a card is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.app.composition.cards import build_cards
from kiosk.config.settings import CardSettings, Settings
from kiosk.contract.errors import CardUnknown
from kiosk.contract.messages import CardId
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.support.gids_card import new_gids_card
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.mark.parametrize(
    ("families", "family"),
    [(("piv", "openpgp"), "piv"), (("openpgp", "piv"), "openpgp"), (("openpgp",), "openpgp")],
)
def test_a_card_of_two_families_is_read_by_the_first_that_is_named(
    insert: Insert, tmp_path: Path, families: tuple[str, ...], family: str
) -> None:
    card = ForeignCard(tmp_path)
    card.personalise_piv()
    cards = build_cards(Settings(cards=CardSettings(families=families)), {})
    report = cards.read(insert(card).reader)
    assert report.card.driver == family
    assert report.pin.tries_left == 3


def test_an_application_that_was_never_personalised_hides_no_other(
    insert: Insert, tmp_path: Path
) -> None:
    cards = build_cards(Settings(), {})
    assert cards.read(insert(ForeignCard(tmp_path)).reader).card.driver == "openpgp"


def test_a_card_of_the_windows_family_is_read(insert: Insert) -> None:
    card = new_gids_card()
    report = build_cards(Settings(), {}).read(insert(card).reader)
    assert report.card == CardId("gids", card.state.card_id.hex())
    assert report.pin.tries_left == 3


def test_a_family_that_is_not_served_is_unknown(insert: Insert, tmp_path: Path) -> None:
    cards = build_cards(Settings(cards=CardSettings(families=())), {})
    with pytest.raises(CardUnknown):
        cards.read(insert(ForeignCard(tmp_path)).reader)
