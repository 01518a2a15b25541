"""Before: a manager who was removed enrolled a station of their own, by a line from before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.administration.views import Done
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.enrolment import StationEnrolment, Terms
from kiosk.authority.records import AuditQuery
from kiosk.authority.roles import Role
from kiosk.contract.enrolment import Enrol, EnrolmentLine, read_line
from kiosk.contract.errors import StepRefused
from screens.words.staff.deeds import deed_words
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.assisting import office_beside
from tests.authority.test_enrolment import ADDRESSES, LIFE, Key
from tests.authority.world import World

Ends = Callable[[StaffDesk, Office], Done]
ENDS: dict[str, Ends] = {
    "removed": lambda desk, rogue: desk.remove(rogue.actor.staff_id, 0, GROUNDS),
    "another role": lambda desk, rogue: desk.change_role(
        rogue.actor.staff_id, Role.AGENT, 0, GROUNDS
    ),
    "the key removed": lambda desk, rogue: desk.remove_key(
        rogue.actor.staff_id, rogue.actor.key, 0, GROUNDS
    ),
}


def _enrolling(world: World) -> tuple[Office, StationEnrolment]:
    """Return the office of a manager who has lines made, and where stations use them."""
    ca = StationCa(world.ring)
    more = {"enrol_addresses": ("authority.example:8444",), "ca_fingerprint": ca.fingerprint}
    enrolment = StationEnrolment(world.store, ca, Terms(LIFE, ca.pem, ADDRESSES))
    return office_beside(world, Role.MANAGER, **more), enrolment


def _line_of(manager: Office) -> EnrolmentLine:
    made = StationsDesk(manager).enrol("West Wing 2", "", GROUNDS).let_in
    assert made is not None
    return read_line(made.line.reveal())


@pytest.mark.parametrize("end", ENDS)
def test_a_line_is_worth_nothing_once_who_had_it_made_may_make_none(end: str, world: World) -> None:
    rogue, enrolment = _enrolling(world)
    line = _line_of(rogue)
    done = ENDS[end](StaffDesk(office_of(rogue.means, Role.MANAGER, "Ada Quill")), rogue)
    assert deed_words(done.deed).endswith(
        " One unused enrolment line was taken back. Have new ones made."
    )
    with world.store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert event.detail["lines"] == 1
    with pytest.raises(StepRefused, match="no such line"):
        enrolment.enrol(Enrol(line.number, line.secret, Key().request))


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
@pytest.mark.parametrize("end", ["removed", "the key removed"])
def test_a_line_stays_where_who_is_removed_could_have_none_made(
    role: Role, end: str, world: World
) -> None:
    """Before: with any member, and any key, the lines of everybody were lost, and nobody knew."""
    manager, enrolment = _enrolling(world)
    line = _line_of(manager)
    done = ENDS[end](StaffDesk(manager), office_of(manager.means, role, "Ada Quill"))
    assert deed_words(done.deed).endswith(" any more.")
    with world.store.read() as uow:
        (event,) = uow.trail.oldest(AuditQuery(reference=done.reference))
    assert "lines" not in event.detail
    assert enrolment.enrol(Enrol(line.number, line.secret, Key().request))


def test_an_expired_line_is_not_said_to_be_taken_back(world: World) -> None:
    rogue, _ = _enrolling(world)
    StationsDesk(rogue).enrol("West Wing 2", "", GROUNDS)
    world.clock.forward(minutes=16)
    done = ENDS["removed"](StaffDesk(office_of(rogue.means, Role.MANAGER, "Ada Quill")), rogue)
    assert deed_words(done.deed).endswith(" any more.")
