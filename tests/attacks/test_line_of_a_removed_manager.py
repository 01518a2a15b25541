"""Before: a manager who was removed enrolled a station of their own, by a line from before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.staff import StaffDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.enrolment import StationEnrolment, Terms
from kiosk.authority.roles import Role
from kiosk.contract.enrolment import Enrol, read_line
from kiosk.contract.errors import StepRefused
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.assisting import office_beside
from tests.authority.test_enrolment import ADDRESSES, LIFE, Key
from tests.authority.world import World

Ends = Callable[[StaffDesk, Office], object]
ENDS: dict[str, Ends] = {
    "removed": lambda desk, rogue: desk.remove(rogue.actor.staff_id, 0, GROUNDS),
    "another role": lambda desk, rogue: desk.change_role(
        rogue.actor.staff_id, Role.AGENT, 0, GROUNDS
    ),
    "the key removed": lambda desk, rogue: desk.remove_key(
        rogue.actor.staff_id, rogue.actor.key, 0, GROUNDS
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_line_is_worth_nothing_once_who_had_it_made_may_make_none(end: str, world: World) -> None:
    ca = StationCa(world.ring)
    more = {"enrol_addresses": ("authority.example:8444",), "ca_fingerprint": ca.fingerprint}
    rogue = office_beside(world, Role.MANAGER, **more)
    line = read_line(StationsDesk(rogue).enrol("West Wing 2", "", GROUNDS).line.reveal())
    ENDS[end](StaffDesk(office_of(rogue.means, Role.MANAGER, "Ada Quill")), rogue)
    enrolment = StationEnrolment(world.store, ca, Terms(LIFE, ca.pem, ADDRESSES))
    with pytest.raises(StepRefused, match="no such line"):
        enrolment.enrol(Enrol(line.number, line.secret, Key().request))
