"""The reference number of a card that is not recorded leads to what the station read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.administration.cards import CardsDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.records import new_id
from kiosk.authority.roles import Role
from kiosk.authority.store.repositories.past import PastKind
from kiosk.contract.messages import (
    CardId,
    ReadFault,
    Reason,
    Refusal,
    UnreadCard,
    VisitId,
    reference_of,
)
from screens.words.staff.found import (
    FAULTS,
    NOT_RECORDED,
    RECORDED_SINCE,
    fault_words,
    found_words,
    near_lines,
)
from tests.authority.administration.desk.estate import means_beside
from tests.authority.administration.desk.offices import office_of
from tests.authority.world import World

RECORDED = "9f2c41d0a8b34e66b1f07c5d2e9a77aa"


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return office_of(means_beside(world, tmp_path), Role.AGENT)


@pytest.mark.parametrize(
    ("card", "says"),
    [
        (CardId("openpgp", RECORDED), "is recorded so, under the family piv."),
        (CardId("piv", RECORDED.upper()), "is recorded so, with other capital letters."),
        (CardId("piv", RECORDED[:-2]), "which has 32 signs and not 30."),
        (CardId("piv", f"{RECORDED}00"), "which has 32 signs and not 34."),
    ],
)
def test_the_reference_says_whose_card_it_nearly_is(
    world: World, office: Office, card: CardId, says: str
) -> None:
    world.add_card(world.add_holder(), identifier=RECORDED)
    station_visit = world.insert(card)
    assert isinstance(station_visit.opened, Refusal)
    assert station_visit.opened.reason is Reason.UNKNOWN_CARD
    about = found_words(PeopleDesk(office).search(reference_of(station_visit.visit), 5))
    assert f"It calls itself {card.driver} {card.identifier}." in about
    assert "A card of Asha Okafor (900123456789)" in about
    assert says in about


def test_of_one_that_was_recorded_since_nothing_more_is_asked(world: World, office: Office) -> None:
    sitting = world.insert(CardId("piv", RECORDED))
    world.add_card(world.add_holder(), identifier=RECORDED)
    about = found_words(PeopleDesk(office).search(reference_of(sitting.visit), 5))
    whose = "It was recorded since: a card of Asha Okafor (900123456789)."
    assert about.endswith(f"It calls itself piv {RECORDED}. {whose}")
    (card,) = CardsDesk(office).unknown()
    assert near_lines(card) == (whose,)
    assert fault_words(card) == RECORDED_SINCE
    assert card.recorded
    assert not card.can_be_added


def test_the_reference_holds_the_card_that_can_be_added(world: World, office: Office) -> None:
    """Before: it was in words alone, and somebody carried 32 digits by hand."""
    reference = reference_of(world.insert(CardId("piv", RECORDED)).visit)
    card = PeopleDesk(office).search(reference, 5).card
    assert card is not None
    assert (card.family, card.identifier, card.can_be_added) == ("piv", RECORDED, True)


def test_reference_of_a_recorded_card_holds_none_to_add(world: World, office: Office) -> None:
    reference = reference_of(world.insert(world.registered_card()).visit)
    assert PeopleDesk(office).search(reference, 5).card is None
    assert PeopleDesk(office).search("Asha", 5).card is None


def test_a_card_like_no_other_is_named_all_the_same(world: World, office: Office) -> None:
    world.add_card(world.add_holder(), identifier=RECORDED)
    station_visit = world.insert(CardId("gids", "00" * 16))
    assert isinstance(station_visit.opened, Refusal)
    about = found_words(PeopleDesk(office).search(reference_of(station_visit.visit), 5))
    assert about.endswith(f"It calls itself gids {'00' * 16}. {NOT_RECORDED[1]}")


@pytest.mark.parametrize(
    ("identifier", "says"),
    [
        (f"{RECORDED[:-1]}b", "which differs in one sign. Mistyped import?"),
        (f"{RECORDED[:9]}{RECORDED[10:]}", "which differs in one sign. Mistyped import?"),
        (f"{RECORDED[:9]}07{RECORDED[9:]}", "which differs in 2 signs. Mistyped import?"),
        (f"8{RECORDED[1:20]}0{RECORDED[21:]}", "which differs in 2 signs. Mistyped import?"),
        (bytes.fromhex(RECORDED)[::-1].hex(), "the same bytes in another order. Mistyped import?"),
        ("d0412c9fb3a8664eb1f07c5d2e9a77aa", "the same bytes in another order. Mistyped import?"),
    ],
)
def test_a_mistyped_identifier_is_recognised(
    world: World, office: Office, identifier: str, says: str
) -> None:
    world.add_card(world.add_holder(), identifier=RECORDED)
    station_visit = world.insert(CardId("piv", identifier))
    assert isinstance(station_visit.opened, Refusal)
    about = found_words(PeopleDesk(office).search(reference_of(station_visit.visit), 5))
    assert f"A card of Asha Okafor (900123456789) is recorded as {RECORDED}" in about
    assert says in about


def test_three_signs_are_another_card(world: World, office: Office) -> None:
    world.add_card(world.add_holder(), identifier=RECORDED)
    station_visit = world.insert(CardId("piv", f"{RECORDED[:-3]}bbb"))
    assert isinstance(station_visit.opened, Refusal)
    assert "Asha" not in found_words(
        PeopleDesk(office).search(reference_of(station_visit.visit), 5)
    )


@pytest.mark.parametrize(
    ("recorded", "given"), [(RECORDED[:7], RECORDED), (RECORDED, RECORDED[:7])]
)
def test_a_beginning_of_few_signs_names_no_card(
    world: World, office: Office, recorded: str, given: str
) -> None:
    world.add_card(world.add_holder(), identifier=recorded)
    station_visit = world.insert(CardId("piv", given))
    about = found_words(PeopleDesk(office).search(reference_of(station_visit.visit), 5))
    assert about.endswith(f"It calls itself piv {given}. {NOT_RECORDED[1]}")


def test_neighbours_in_a_series_are_counted_and_not_named(world: World, office: Office) -> None:
    holder = world.add_holder()
    for last in range(6):
        world.add_card(holder, identifier=f"00050000123{last}")
    station_visit = world.insert(CardId("openpgp", "000500001239"))
    assert isinstance(station_visit.opened, Refusal)
    about = found_words(PeopleDesk(office).search(reference_of(station_visit.visit), 5))
    assert "6 recorded cards differ from it in one or two signs" in about
    assert "Asha" not in about


@pytest.mark.parametrize("fault", list(ReadFault))
def test_the_reference_of_an_unreadable_card_says_why_and_what_to_do(
    world: World, office: Office, fault: ReadFault
) -> None:
    """Before: it said "the card could not be read", and no more."""
    visit = VisitId(new_id())
    unread = UnreadCard(fault, "gids")
    reference = reference_of(visit)
    world.at("Library").refuse(visit, Reason.CARD_UNREADABLE, unread)
    found = PeopleDesk(office).search(reference, 5)
    about = found_words(found)
    assert found.card is not None
    assert not found.card.can_be_added
    cause, advice = FAULTS[fault]
    assert f"{cause}, by the station's report. It is of the family gids. {advice}" in about
    (card,) = CardsDesk(office).unknown()
    assert (card.reference, card.station, card.fault) == (reference, "Library", fault)


def test_a_card_that_hung_after_it_was_recognised_leads_to_its_holder(
    world: World, office: Office
) -> None:
    station_visit = world.insert(world.registered_card())
    unread = UnreadCard(ReadFault.TOO_SLOW)
    reference = reference_of(station_visit.visit)
    station_visit.authority.refuse(station_visit.visit, Reason.CARD_UNREADABLE, unread)
    about = found_words(PeopleDesk(office).search(reference, 5))
    assert "It did not answer in time, by the station's report." in about
    assert "It is recorded as a card of" in about


def test_the_newest_come_first_and_the_audit_names_none(world: World, office: Office) -> None:
    for last in ("01", "02"):
        world.insert(CardId("piv", f"{'0a' * 15}{last}"))
        world.clock.forward(minutes=1)
    found = CardsDesk(office).unknown()
    assert [card.identifier[-2:] for card in found] == ["02", "01"]
    assert "0a" * 15 not in str([event.detail for event in world.events()])


def test_unknown_card_is_forgotten_with_its_visit(world: World, office: Office) -> None:
    world.insert(CardId("piv", "00" * 16))
    world.clock.forward(days=40)
    with world.store.begin() as uow:
        uow.past.delete(PastKind.VISITS, uow.now, 10)
        uow.commit()
    assert CardsDesk(office).unknown() == ()
