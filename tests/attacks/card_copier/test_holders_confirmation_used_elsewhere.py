"""Before: a copy at another station went on with what the holder had confirmed by their code.

The card is of a family without a card-authentication key, so a copy of it differs in nothing.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    ChooseQuestions,
    EnterCode,
    Finished,
    GiveEmail,
    ProvePin,
    Purpose,
    VisitOpened,
)
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.registering import OTHER, given
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World

THIEFS = "mallory@trust.nhs.uk"
AT_HOLDER, AT_THIEF = "A", "B"


@pytest.fixture
def card(world: World) -> Card:
    return world.add_card(world.add_holder(), driver="openpgp", identifier="000612345678")


def signing() -> ReaderCard:
    """A card that shows no key before its PIN, and signs after it."""
    reader_card = ReaderCard()
    reader_card.shows = None
    return reader_card


def begun(world: World, card: Card, reader_card: ReaderCard) -> StationVisit:
    """The holder registers; a code for them is on its way."""
    station_visit = world.insert(card, reader_card=reader_card, station=AT_HOLDER)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.REGISTER), ProvePin
    )
    station_visit.verify_pin()
    assert isinstance(station_visit.send(), EnterCode)
    return station_visit


def copied(world: World, card: Card, reader_card: ReaderCard | None = None) -> StationVisit:
    """A copy goes in at another station and takes up the same code page."""
    thief = world.insert(card, reader_card=reader_card or KeylessCard(), station=AT_THIEF)
    assert isinstance(thief.opened, VisitOpened)
    assert thief.opened.resumed is not None
    return thief


def gets_nothing(world: World, thief: StationVisit) -> None:
    with pytest.raises(StepRefused):
        thief.authority.save_questions(thief.visit, given())
    with pytest.raises(StepRefused):
        thief.email(THIEFS)


def finishes(world: World, holder: StationVisit) -> None:
    assert isinstance(holder.authority.save_questions(holder.visit, given()), GiveEmail)
    assert holder.email(EMAIL) == Finished(Purpose.REGISTER)


def test_while_the_holder_enters_the_code(world: World, card: Card) -> None:
    holder = begun(world, card, signing())
    thief = copied(world, card)
    thief.verify_pin()
    assert isinstance(holder.enter(world.relay.code), ChooseQuestions)
    gets_nothing(world, thief)
    finishes(world, holder)


def test_while_the_holder_has_walked_away(world: World, card: Card) -> None:
    begun(world, card, signing()).pull()
    thief = copied(world, card)
    thief.verify_pin()
    back = world.insert(card, reader_card=signing(), station="C")
    assert isinstance(back.enter(world.relay.code), ProvePin)
    gets_nothing(world, thief)
    assert isinstance(back.verify_pin(), ChooseQuestions)
    gets_nothing(world, thief)
    finishes(world, back)


def test_while_the_holder_reads_the_second_code(world: World, card: Card) -> None:
    holder = begun(world, card, signing())
    holder.enter(world.relay.code)
    holder.authority.save_questions(holder.visit, given())
    holder.email(OTHER)
    code = world.relay.code
    holder.pull()
    thief = copied(world, card)
    gets_nothing(world, thief)
    thief.verify_pin()
    gets_nothing(world, thief)
    back = world.insert(card, reader_card=signing(), station="C")
    assert back.enter(code) == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == OTHER


def test_the_key_of_the_copy_is_not_kept_for_the_holders_card(world: World, card: Card) -> None:
    reader_card = signing()
    holder = begun(world, card, reader_card)
    copied(world, card, signing()).verify_pin()
    holder.enter(world.relay.code)
    finishes(world, holder)
    assert world.card(card).pin_key == reader_card.pin_public
