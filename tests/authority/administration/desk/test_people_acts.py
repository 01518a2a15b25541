"""What all acts about a person have in common: on whom, by whom, and on whom not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.authority.administration.office import Office, StaffDependencies
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Done, Grounds, Seen
from kiosk.authority.errors import ConcurrentChange, NotFound, NotPermitted
from screens.words.staff.refusals import change_lines
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.desk.people import seen
from tests.authority.administration.desk.results import holder
from tests.authority.store.samples import Person
from tests.support.refusals import refused

NEW = "asha.bell@wexbridge.nhs.uk"

Deed = Callable[[PeopleDesk, Seen, Grounds], Done]


@pytest.fixture
def desk(agent: Office) -> PeopleDesk:
    return PeopleDesk(agent)


DEEDS: dict[str, Deed] = {
    "lift": lambda desk, seen, grounds: desk.lift_block(seen, grounds),
    "revoke": lambda desk, seen, grounds: desk.revoke_registration(seen, grounds),
    "name": lambda desk, seen, grounds: desk.correct_name(seen, "Asha Bell", grounds),
    "email": lambda desk, seen, grounds: desk.correct_email(seen, NEW, grounds),
    "leave": lambda desk, seen, grounds: desk.mark_leaver(seen, grounds),
    "back": lambda desk, seen, grounds: desk.take_back_leaver(seen, grounds),
    "misuse": lambda desk, seen, grounds: desk.report_misuse(seen, grounds),
    "erase": lambda desk, seen, grounds: desk.erase(seen, grounds),
}


@pytest.mark.parametrize("name", DEEDS)
def test_an_act_on_somebody_as_they_were_is_refused(
    manager: Office, means: StaffDependencies, asha: Person, name: str
) -> None:
    desk, then = PeopleDesk(manager), seen(means, asha)
    done = desk.correct_name(then, "Asha Ahmed", GROUNDS)
    with pytest.raises(ConcurrentChange) as caught:
        DEEDS[name](desk, then, GROUNDS)
    told = f"{manager.actor.name} corrected the name (reference {done.reference})."
    assert change_lines(caught.value) == (told,)
    assert holder(means, asha).name == "Asha Ahmed"


@pytest.mark.parametrize("name", DEEDS)
def test_an_act_on_nobody_is_refused(manager: Office, name: str) -> None:
    with pytest.raises(NotFound):
        DEEDS[name](PeopleDesk(manager), Seen("0" * 32, 0), GROUNDS)


@pytest.mark.parametrize("name", DEEDS)
def test_an_auditor_changes_nothing(
    auditor: Office, means: StaffDependencies, asha: Person, name: str
) -> None:
    with pytest.raises(NotPermitted):
        DEEDS[name](PeopleDesk(auditor), seen(means, asha), GROUNDS)
    assert holder(means, asha) == asha.holder


def test_an_auditor_reads(auditor: Office, asha: Person) -> None:
    desk = PeopleDesk(auditor)
    person = desk.person(asha.holder.id)
    assert person == desk.find_one(asha.holder.number)
    assert person.open_to == frozenset()
    with refused(NotFound, match="no row 100"):  # it is looked for: an auditor may
        desk.story(asha.holder.id, before=100)


def test_nobody_is_shown_who_is_not_there(desk: PeopleDesk) -> None:
    with pytest.raises(NotFound):
        desk.person("0" * 32)
    with pytest.raises(NotFound):
        desk.story("0" * 32, before=5)
    with refused(NotFound, match="Nobody has the holder number 123"):
        desk.find_one("123")
