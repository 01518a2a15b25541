"""A station that was rewritten: it knows every card's identifier and says whatever it likes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from kiosk.authority.stations import StationIdentity
from kiosk.contract.errors import AuthorityError
from kiosk.contract.messages import (
    Answer,
    Answers,
    CardId,
    CardProof,
    CardReport,
    Code,
    Factor,
    Grant,
    JournalId,
    KeyGrant,
    PinProof,
    PinState,
    Purpose,
    RouteId,
    UnblockDone,
    UnblockNotSent,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import Authority
from kiosk.contract.sensitive import Sensitive

if TYPE_CHECKING:
    from campaigns.sim.simulation import Simulation

_STATION, _ADDRESS = StationIdentity("A rewritten station"), "thief@nhs.net"


class Liar:
    """Calls the authority in any order, of visits that it opened and of nobody's."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._random = simulation.scheduler.random
        self._visits = [VisitId(uuid.uuid4().hex)]
        self.calls = 0

    async def live(self) -> None:
        """Lie, now and then."""
        while True:
            await asyncio.sleep(self._random.uniform(5, 60))
            for _ in range(self._random.randrange(1, 8)):
                await asyncio.to_thread(self._lie)

    def _lie(self) -> None:
        replica = self._random.choice(self._simulation.replicas)
        authority = replica.authority.seen_by(_STATION)
        self.calls += 1
        try:
            reply = self._random.choice(self._lies(authority))()
        except AuthorityError:
            return
        secret = isinstance(reply, Grant | KeyGrant)
        self._simulation.invariants.need("no secret for a station that lies", not secret)

    def _lies(self, to: Authority) -> list[Callable[[], object]]:
        visit, draw = self._random.choice(self._visits), self._random
        journal, garbage = JournalId(uuid.uuid4().hex), Sensitive(f"{draw.randrange(10**8):08}")
        answers = tuple(Answer(number, Sensitive(f"mine {number}")) for number in range(1, 5))
        route = RouteId(uuid.uuid4().hex)
        attempt, outcome = uuid.uuid4().hex, draw.choice((UnblockDone(), UnblockNotSent()))
        return [
            lambda: self._begin(to),
            lambda: self._begin(to),
            lambda: to.prove(visit, CardProof(b"signed") if draw.random() < 0.5 else None),
            lambda: to.choose(visit, draw.choice(list(Purpose))),
            lambda: to.pin_challenge(visit),
            lambda: to.pin_verified(visit, None),
            lambda: to.pin_verified(visit, PinProof(b"signed", b"a key")),
            lambda: to.save_questions(visit, answers),
            lambda: to.give_email(visit, _ADDRESS, attempt),
            lambda: to.submit(visit, attempt, Answers(answers[: draw.randrange(1, 5)])),
            lambda: to.prepare(visit, attempt, Factor.EMAIL_CODE, route),
            lambda: to.submit(visit, attempt, Code(garbage)),
            lambda: to.enter_stop_number(visit, attempt, garbage),
            lambda: to.challenge(visit),
            lambda: to.release(visit, attempt),
            lambda: to.record_outcome(visit, journal, outcome),
            lambda: to.rotate_secret(visit, journal),
            lambda: to.confirm_rotation(visit, journal, UnblockDone()),
            lambda: to.pin_changing(visit),
            lambda: to.pin_kept(visit),
            lambda: to.pin_changed(visit),
            lambda: to.end(visit, VisitEnd.LEFT),
        ]

    def _begin(self, to: Authority) -> object:
        visit = VisitId(uuid.uuid4().hex)
        self._visits = [*self._visits[-2:], visit]
        card = self._random.choice(self._simulation.invariants.people).card
        driver = "piv" if len(card.identifier) == 32 and self._random.random() < 0.5 else "gids"
        pin = PinState(self._random.random() < 0.5)
        return to.begin(visit, CardReport(CardId(driver, card.identifier), pin))
