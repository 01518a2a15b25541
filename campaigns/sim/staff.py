"""Staff of the Registration Authority: they lift blocks, give codes, stop and correct things."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from campaigns.sim.invariants import Person
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.stations import StationsDesk
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.roles import Role
from kiosk.authority.visit.registration import apply_due_changes
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import office_beside

if TYPE_CHECKING:
    from campaigns.sim.simulation import Simulation


class Staff:
    """One manager, who acts between two steps of everybody else."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._random = simulation.scheduler.random
        office = office_beside(simulation.world, Role.MANAGER)
        self._people, self._stations = PeopleDesk(office), StationsDesk(office)
        self._codes = CodesDesk(office)
        self.acts = 0

    async def live(self) -> None:
        """Act now and then."""
        acts = self._revoke, self._report, self._give_code, self._correct_email
        while True:
            await asyncio.sleep(self._random.uniform(60, 600))
            self.help()
            if self._random.random() < 0.2:
                await self._retire_a_station()
            person = self._random.choice(self._simulation.invariants.people)
            if self._random.random() < 0.2:
                await self._let_leave(person)
            elif self._random.random() < 0.5:
                with suppress(NotTaken, ConcurrentChange):
                    self._random.choice(acts)(person)
                    self.acts += 1

    def help(self) -> None:
        """Let everybody come to an unlock: blocks, leavers, and who has neither PIN nor answers."""
        self._set_clock()
        apply_due_changes(self._simulation.world.store)
        for person in self._simulation.invariants.people:
            if person.left:
                self._take_back(person)
            page = self._people.person(person.holder_id)
            if page.registration is not None and page.registration.blocked_at is not None:
                self._people.lift_block(page.seen, GROUNDS)
                person.wrong_sets.clear()
            elif page.registration is None and person.card.is_blocked:
                with suppress(NotTaken):
                    self._give_code(person)

    def _set_clock(self) -> None:
        self._simulation.world.clock.time = self._simulation.clock.now()

    async def _retire_a_station(self) -> None:
        station = self._random.choice(self._simulation.stations)
        with suppress(NotFound):  # it was not heard of yet
            self._stations.retire(station.name, GROUNDS)
            await asyncio.sleep(self._random.uniform(60, 200))
            self._set_clock()
            self._stations.reinstate(station.name, GROUNDS)

    async def _let_leave(self, person: Person) -> None:
        self._people.mark_leaver(self._people.person(person.holder_id).seen, GROUNDS)
        person.left = True
        await asyncio.sleep(self._random.uniform(60, 200))
        self._set_clock()
        self._take_back(person)

    def _take_back(self, person: Person) -> None:
        self._people.take_back_leaver(self._people.person(person.holder_id).seen, GROUNDS)
        person.left = False

    def _revoke(self, person: Person) -> None:
        self._people.revoke_registration(self._people.person(person.holder_id).seen, GROUNDS)
        person.registered = person.proves = False
        person.emails = set()
        person.by_staff += 1

    def _report(self, person: Person) -> None:
        self._people.report_misuse(self._people.person(person.holder_id).seen, GROUNDS)

    def _give_code(self, person: Person) -> None:
        seen = self._people.person(person.holder_id).seen
        person.code_of_staff = self._codes.issue(seen, person.card_id, GROUNDS).code.reveal()

    def _correct_email(self, person: Person) -> None:
        page, address = self._people.person(person.holder_id), self._random.choice(person.addresses)
        self._people.correct_email(page.seen, address, GROUNDS)
        if page.registration is not None:
            person.emails = {address}
            person.by_staff += 1
