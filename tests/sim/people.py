"""Holders: they block their PINs, walk up, answer, read their mail, pull cards, come back."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.contract.messages import Purpose, Reason, VisitId
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from tests.authority.station_visit import ANSWERS
from tests.sim.invariants import Person

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation, Station

_PINS = ("604817", "518402", "736251", "294813", "851739")
_WRONG_ANSWER, _WRONG_CODE, _LEAVES = 0.06, 0.05, 0.02
_WALKS_AWAY = 0.2


@dataclass
class Ends:
    """How visits ended."""

    unlocked: int = 0
    visits: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Holder:
    """One person who uses any station that is free."""

    def __init__(self, simulation: Simulation, person: Person) -> None:
        self._simulation = simulation
        self._random = simulation.scheduler.random
        self.person = person
        self._pin = ""
        self._wrong = 0
        self.unlocked = False

    async def live(self) -> None:
        """Come again and again, until the simulation ends."""
        while True:
            await asyncio.sleep(self._random.uniform(30, 600))
            if self._random.random() < 0.5 and not self.person.card.is_blocked:
                self.person.card.block()
            await self.visit()

    async def visit(self) -> None:
        """Use one station, until the card is out again."""
        station = await self._simulation.free_station()
        self.unlocked = False
        station.reader.insert(self.person.card)
        try:
            insertion = station.reader.insertion
            while station.reader.card is not None and station.reader.insertion == insertion:
                await asyncio.sleep(self._random.uniform(0.3, 4))
                if self._random.random() < _LEAVES and self._simulation.faults.on:
                    break
                if not self._act(station):
                    break
        finally:
            station.reader.pull()
            self._simulation.leave(station)

    def _act(self, station: Station) -> bool:
        """Do what the page asks for; False when it is time to go."""
        state = station.loop.state
        visit = s.visit_of(state)
        if visit is None:
            return True
        event = self._event(state, visit)
        match state:
            case s.Success():
                if state.purpose is Purpose.UNLOCK:
                    self._simulation.invariants.on_success(self.person.card, self._pin)
                    self.unlocked = True
                    self._simulation.ends.unlocked += 1
                return False
            case s.Refused():
                self._simulation.ends.refused[state.reason.value] += 1
                genuine = state.reason is not Reason.NOT_GENUINE
                self._simulation.invariants.need("no genuine card is called forged", genuine)
                return False
            case s.RemoveCard():
                return False
            case s.CodeEntry() if self._random.random() < _WALKS_AWAY:
                return not self._simulation.faults.on
        if event is not None:
            station.loop.submit(event)
        return True

    def _event(self, state: s.State, visit: VisitId) -> e.HolderSide | None:
        match state:
            case s.Menu():
                unlocks = any(offer.purpose is Purpose.UNLOCK for offer in state.offers)
                wanted = Purpose.UNLOCK if unlocks else None
                return e.Chose(visit, wanted) if wanted else e.Left(visit)
            case s.ConfirmOwner():
                return e.Confirmed(visit)
            case s.AskQuestion():
                return e.AnswerEntered(visit, Sensitive(self._answer(state.question.id)))
            case s.CodeEntry():
                return e.CodeEntered(visit, Sensitive(self._code()))
            case s.CodeNeeded():
                return e.CodeAsked(visit)
            case s.NewPin():
                self._pin = self._random.choice(_PINS)
                return e.PinEntered(visit, Sensitive(self._pin))
            case s.RepeatPin():
                return e.PinEntered(visit, Sensitive(self._pin))
            case s.NotReached():
                return e.TriedAgain(visit)
            case s.StillThere():
                return e.Stayed(visit)
            case s.Working() | s.Reading() | s.Success() | s.Refused() | s.RemoveCard():
                return None
            case _:
                return e.Left(visit)

    def _answer(self, question: int) -> str:
        """Each wrong answer is another, so that attempts can be told apart."""
        if self._simulation.faults.on and self._random.random() < _WRONG_ANSWER:
            self._wrong += 1
            return f"wrong {self._wrong}"
        return ANSWERS[question]

    def _code(self) -> str:
        inbox = self._simulation.relay.inbox.get(self.person.email, [])
        wrong = self._simulation.faults.on and self._random.random() < _WRONG_CODE
        if not inbox or wrong:
            return "00000000"
        return inbox[-1].text
