"""Before: a manager let in "command line: root", "kiosk", and a second "Asha Okafor" with a letter
that is drawn as nothing, or with a Cyrillic one: the audit, and who agrees, saw another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.fields import CellRefused, read_name, read_reason
from kiosk.authority.administration.office import Office, StaffDependencies, staff_names
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from kiosk.contract.text import MOST_MARKS
from screens.widgets.prose import printable
from tests.authority.administration.desk.keys import new_key
from tests.authority.administration.desk.offices import GROUNDS, means_of, office_of
from tests.authority.world import World, copy_template


@pytest.fixture
def means(sqlite_template: Path, tmp_path: Path) -> Iterator[StaffDependencies]:
    world = World(copy_template(sqlite_template, tmp_path))
    yield means_of(world.store, world.clock, tmp_path)
    world.store.close()


@pytest.fixture
def manager(means: StaffDependencies) -> Office:
    office_of(means, Role.AGENT, "Asha Okafor")
    return office_of(means, Role.MANAGER, "Manager One")


@pytest.mark.parametrize(
    "name",
    [
        "Asha Okafor\u3164",
        "Asha\u2800Okafor",
        "Asha\u034f Okafor",
        "Asha Okafor\ufe0f",
        "asha  okáfor",
        "Ash\u0430 Okafor",
        "\u3164\u3164\u3164",
        "A" + "\u0301" * 40,
        "kiosk",
        "you",
        "(erased)",
        "Command  line: root",
    ],
)
def test_nobody_is_let_in_under_a_name_that_reads_like_another(manager: Office, name: str) -> None:
    with pytest.raises(NotTaken) as refused:
        AdminDesk(manager).staff.add(name, Role.AGENT, new_key(), GROUNDS)
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    "name", ["Siân O'Brien-Lee", "李 小龍", "Nguyễn Thị Ánh", "Олена Шевченко"]
)
def test_names_of_all_alphabets_are_taken(manager: Office, name: str) -> None:
    assert AdminDesk(manager).staff.add(name, Role.AGENT, new_key(), GROUNDS)


def test_removed_member_and_the_next_of_that_name_are_distinguished(manager: Office) -> None:
    desk = AdminDesk(manager)
    old = next(line for line in desk.staff.every() if line.name == "Asha Okafor")
    desk.staff.remove(old.staff_id, old.revision, GROUNDS)
    desk.staff.add("Asha Okafor", Role.AGENT, new_key(), GROUNDS)
    new = next(line for line in desk.staff.every() if line.name == old.name and not line.removed_at)
    with manager.means.store.read() as uow:
        name_of = staff_names(uow)
    assert (name_of(old.staff_id), name_of(new.staff_id)) == ("Asha Okafor (removed)", old.name)


@pytest.mark.parametrize("text", ["\u3164" * 9, "Asked for\u2800 it", "Asked" + "\u0336" * 90])
def test_a_reason_that_cannot_be_read_is_not_taken(text: str) -> None:
    with pytest.raises(NotTaken):
        read_reason("reason", text)


def test_a_holder_has_a_name_that_can_be_seen() -> None:
    with pytest.raises(CellRefused):
        read_name("\u3164\u3164")


def test_marks_are_not_drawn_over_other_lines() -> None:
    assert printable("Zo\u0308e" + "\u0336" * 90) == "Zo\u0308e" + "\u0336" * MOST_MARKS
