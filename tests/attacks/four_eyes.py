"""An estate whose policy asks for two members of staff, and the desks of those who work there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.views import Actor
from kiosk.authority.records import Registration
from kiosk.authority.roles import Role
from kiosk.config.settings import PolicySettings
from kiosk.contract.messages import Factor
from tests.authority.administration.desk.offices import office_of
from tests.authority.assisting import office_beside
from tests.authority.world import World

FILE = PolicySettings(verification=((Factor.EMAIL_CODE,),), four_eyes=True)
"""One factor, so that one visit shows what an address is worth."""


class Colleague:
    """A member of staff with a key, and the desk that they work at."""

    def __init__(
        self, world: World, role: Role, name: str, file: PolicySettings = FILE, **more: Any
    ) -> None:
        means = replace(office_beside(world, role, **more).means, file_policy=file)
        self.office = office_of(means, role, name)
        self.desk = AdminDesk(self.office)

    def logs_in_as(self, actor: Actor) -> AdminDesk:
        """Return the desk of another account, from the same chair."""
        return AdminDesk(Office(self.office.means, actor))


def registration_of(world: World, holder_id: str) -> Registration | None:
    with world.store.read() as uow:
        return uow.registrations.of_holder(holder_id)
