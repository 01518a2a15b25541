"""People whom staff add by hand, and who cannot be added."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Standing
from kiosk.authority.errors import AddressShared, NotTaken
from kiosk.authority.records import AuditQuery
from screens.words.staff.deeds import deed_words
from screens.words.staff.events import story_words
from screens.words.staff.refusals import refusal_words
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.results import mailed
from tests.authority.store import samples
from tests.authority.store.samples import Person


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


def test_a_person_is_added_and_found(desk: PeopleDesk, means: StaffDependencies) -> None:
    done = desk.add(" 100200300999 ", " Bo  Chen", "bo@NHS.net", GROUNDS)
    assert deed_words(done.deed) == "Bo Chen is added."
    person = desk.find_one(" 100200300999")
    assert (person.name, person.email, person.standing) == (
        "Bo Chen",
        "bo@nhs.net",
        Standing.NO_CARD,
    )
    (line,) = person.story
    assert line.reference == done.reference
    assert "Reason: “Asked for by telephone”." in story_words(line)
    with means.store.read() as uow:
        assert uow.search.find("chen bo", 5) == (person.seen.holder_id,)
    assert mailed(means) == []


def test_a_number_may_be_typed_in_groups(desk: PeopleDesk) -> None:
    desk.add("1002 0030 0999", "Bo Chen", "", GROUNDS)
    assert desk.find_one("100200300999").name == "Bo Chen"


def test_a_person_may_be_added_without_an_address(desk: PeopleDesk) -> None:
    desk.add("100200300999", "Bo Chen", "  ", GROUNDS)
    assert desk.find_one("100200300999").email == ""


@pytest.mark.parametrize("registered", [False, True])
def test_an_address_that_somebody_has_is_asked_about(
    desk: PeopleDesk, means: StaffDependencies, asha: Person, registered: bool
) -> None:
    """Before: the same person could be added under another number without a question."""
    with means.store.begin() as uow:
        if registered:  # with it, and recorded with another one
            elsewhere = samples.recorded_addresses(asha.holder, "elsewhere@trust.nhs.uk")
            uow.holders.save(asha.holder, elsewhere[0])
        uow.search.refresh([asha.holder.id])
        uow.commit()
    new = "100200300999", "Asha Okafor", "Asha@trust.nhs.uk", GROUNDS
    with pytest.raises(AddressShared) as caught:
        desk.add(*new)
    assert caught.value.field == "email"
    assert refusal_words(caught.value) == (
        f"There is already {asha.holder.name}, {asha.holder.number}, with this address."
    )
    desk.add(*new, knowingly=True)
    assert desk.find_one("100200300999").email == "Asha@trust.nhs.uk"


@pytest.mark.parametrize(
    ("number", "name", "email", "field"),
    [
        ("1002003", "Bo", "", "number"),
        ("", "Bo", "", "number"),
        ("100000000001", "Bo", "", "number"),
        ("100200300999", "", "", "name"),
        ("100200300999", "Bo", "bo@example.com", "email"),
        ("100200300999", "Bo", "bo", "email"),
    ],
)
def test_a_person_who_cannot_be_added(
    desk: PeopleDesk,
    means: StaffDependencies,
    asha: Person,
    number: str,
    name: str,
    email: str,
    field: str,
) -> None:
    with pytest.raises(NotTaken) as caught:
        desk.add(number, name, email, GROUNDS)
    assert caught.value.field == field
    with means.store.read() as uow:
        assert uow.trail.newest(AuditQuery()) == ()
        assert set(uow.holders.by_numbers([number, asha.holder.number])) == {asha.holder.number}
