"""One simulation: stations, two replicas of the authority, holders, staff and what goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from msgspec.structs import replace

from campaigns.sim.estate import Replica, SimulatedRelay, Way
from campaigns.sim.faults import Fault, Faults
from campaigns.sim.invariants import Invariants, Person
from campaigns.sim.liar import Liar
from campaigns.sim.people import Ends, Holder
from campaigns.sim.readers import Monitor, Pcsc, Reader
from campaigns.sim.scheduler import START, Crashed, Scheduler, SimulatedClock, new_loop
from campaigns.sim.staff import Staff
from hardware.card_access import CardTimeouts, PcscCards
from hardware.driver import load_driver
from hardware.virtual.piv import CardProfile
from kiosk.authority.administration.verification import sweep, verify_audit
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.crypto.sealing import SealKind, SealLabel
from kiosk.authority.records import PinPolicy
from kiosk.authority.visit.rules import KEPT_SECRET_TRIES, tries_by_account
from kiosk.contract.messages import CardId, Factor, Heartbeat, KeyKind, VisitId
from kiosk.contract.ports import PostReaderEvent
from kiosk.contract.sensitive import Sensitive
from kiosk.station.executor import Actions
from kiosk.station.loop import IdleTimes, StationLoop
from kiosk.station.states import Attract, State
from tests.authority.admin_key_card import KEY
from tests.authority.station_visit import ANSWERS
from tests.authority.world import PUK, World
from tests.cuts.gids import GidsReaderCard
from tests.cuts.piv import PivReaderCard
from tests.support.gids_card import GidsProfile

STATIONS, PEOPLE, REPLICAS = 3, 6, 2
_PATIENT = CardTimeouts(answer_s=3600.0, busy_s=3600.0)
"""In real seconds; a job may wait long until it is chosen."""

_TIMES = IdleTimes(idle_s=60, answer_s=20, check_s=60, again_s=60)
_WRONG_BY = tuple(
    timedelta(minutes=minutes)
    for minutes in (0, 0, 0, -2, 7, -50, 61, -24 * 60, 24 * 60, 365 * 24 * 60)
)
_LAST_VISITS = 12


class Station:
    """One station; started again after it was killed, its card still in the reader."""

    def __init__(self, simulation: Simulation, name: str) -> None:
        self._simulation = simulation
        self.name = name
        self.reader = Reader(f"Reader of {name}")
        self.taken = False
        self.start()

    def start(self) -> None:
        """Begin a process of the station; the one before does nothing more."""
        simulation, self.reader.started = self._simulation, self.reader.started + 1
        way = Way(
            self.name,
            self.reader, simulation.replicas, simulation.scheduler, simulation.faults,
            simulation.invariants,
        )  # fmt: skip
        cards = PcscCards([load_driver("piv", "puk"), load_driver("gids", "admin-key")], _PATIENT)
        actions = Actions(
            way.as_authority(),
            cards,
            Heartbeat(),
            sleep=lambda _: simulation.scheduler.pause(),
        )
        self.loop = StationLoop(
            actions, self._monitor, simulation.fault, _TIMES, lambda: simulation.scheduler.now,
            simulation.scheduler.random,
        )  # fmt: skip
        simulation.tasks.append(asyncio.ensure_future(self.loop.run(_show)))

    def _monitor(self, post: PostReaderEvent) -> Monitor:
        return Monitor(self.reader, post)


async def _show(_: State) -> None:
    """Show nothing: holders look at the loop's state."""


@dataclass
class Report:
    """What ran, and what was seen."""

    seed: int
    visits: int
    unlocked: int
    changed: dict[str, int]
    to_the_ra: int
    steps: int
    refused: dict[str, int]
    faults: dict[str, int]
    checks: dict[str, int]

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.visits} visits, {self.unlocked} unlocks, "
            f"{sum(self.changed.values())} changes, "
            f"{self.to_the_ra} cards left to the RA, "
            f"{sum(self.faults.values())} faults, {sum(self.checks.values())} checks, "
            f"{self.steps} steps"
        )


_BOTH: Final = (Factor.QUESTIONS, Factor.EMAIL_CODE)
WAYS: Final[tuple[tuple[tuple[Factor, ...], ...], ...]] = (
    (_BOTH,),
    (_BOTH, (Factor.EMAIL_CODE,)),
    ((Factor.EMAIL_CODE,), _BOTH),
    ((Factor.EMAIL_CODE, Factor.QUESTIONS),),
    (_BOTH, (Factor.SAVED_CODE, Factor.EMAIL_CODE)),
)
"""The ways to unlock, by the policy; one is drawn for each seed."""


@dataclass
class Simulation:
    """Everything of one seed; ``visits`` are lived with faults, and then some without."""

    seed: int
    folder: Path
    visits: int
    tasks: list[asyncio.Future[Any]] = field(default_factory=list)
    stations: list[Station] = field(default_factory=list)
    ends: Ends = field(default_factory=Ends)
    to_the_ra: int = 0

    def run(self) -> Report:
        """Live it; raises ``Violation``."""
        self.scheduler = Scheduler(self.seed)
        self.faults = Faults(self.scheduler.random)
        self.world = World(self.folder)
        self.world.clock.time = START
        self.clock = SimulatedClock(self.scheduler)
        ways = Random(self.seed).choice(WAYS)
        saved = 3 if any(Factor.SAVED_CODE in way for way in ways) else 0
        self.world.policy = replace(self.world.policy, verification=ways, saved_codes=saved)
        self.invariants = Invariants(self.folder / "kiosk.db", ways)
        self.relay = SimulatedRelay(self.scheduler, self.faults)
        people = [self._person(number) for number in range(PEOPLE)]
        self.invariants.people = people
        self.replicas = [
            Replica(self.world, self.scheduler, self.faults, self.relay, self.invariants)
            for _ in range(REPLICAS)
        ]
        loop = new_loop(self.scheduler)
        loop.set_exception_handler(_quiet_about_crashed_tasks)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading, "excepthook", _quiet_about_crashes)
            try:
                loop.run_until_complete(self._live(patch, people))
            finally:
                for task in self.tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*self.tasks, return_exceptions=True))
                loop.close()
                for replica in self.replicas:
                    replica.store.close()
                self.world.store.close()
        return Report(
            self.seed, self.ends.visits, self.ends.unlocked, dict(self.ends.changed),
            self.to_the_ra, self.scheduler.steps, dict(self.ends.refused),
            {f.value: n for f, n in self.faults.seen.items()}, dict(self.invariants.checks),
        )  # fmt: skip

    # --- who takes part ---

    def _person(self, number: int) -> Person:
        world = self.world
        addresses = tuple(f"{letter}{number}@trust.nhs.uk" for letter in "abc")
        email, registered, blocked = addresses[0], number > 0, number > 1
        holder = world.add_holder(
            number=f"90012345678{number}", name=f"Holder {'ABCDEFGH'[number]}", email=email
        )
        if registered:
            world.register(holder, email=email)
        reader_card: PivReaderCard | GidsReaderCard
        if number % 3:
            driver, secret, profile = "piv", PUK, CardProfile(key=KeyKind.P_256)
            expires = START.replace(year=START.year + 3)
            reader_card = PivReaderCard(expires, profile, silent=False, blocked=blocked)
        else:
            driver, secret = "gids", KEY
            reader_card = GidsReaderCard(KEY, GidsProfile(key_tries=3), blocked=blocked)
        label = SealLabel(CardId(driver, reader_card.identifier), SealKind.UNBLOCK, 1)
        card = world.add_card(
            holder,
            driver=driver,
            identifier=reader_card.identifier,
            secret_limit=3,
            pin_policy=PinPolicy.ONCE if number % 2 else None,
            sealed_secret=world.parts.sealer.seal(Sensitive(secret), label),
        )
        proves = isinstance(reader_card, PivReaderCard)
        if isinstance(reader_card, PivReaderCard):
            with world.store.begin() as uow:
                uow.cards.record_key(card.id, reader_card.public_key)
                uow.commit()
        return Person(
            holder.id,
            addresses,
            reader_card,
            card.id,
            proves,
            registered,
            emails={email} if registered else set(),
            answers=[dict(ANSWERS)],
            texts=set(ANSWERS.values()),
        )

    async def free_station(self) -> Station:
        """Wait for a station that nobody uses, and whose last card is out."""
        while True:
            free = [s for s in self.stations if not s.taken and isinstance(s.loop.state, Attract)]
            if free:
                chosen = self.scheduler.random.choice(free)
                chosen.taken = True
                return chosen
            await asyncio.sleep(1)

    def leave(self, station: Station) -> None:
        """Let the next one come."""
        station.taken = False
        self.ends.visits += 1

    def fault(self, visit: VisitId, error: BaseException) -> None:
        """Nothing unexpected may be raised at a station."""
        self.invariants.broken.append(f"an unexpected error at a station: {error!r}")

    # --- what happens ---

    async def _live(self, patch: pytest.MonkeyPatch, people: list[Person]) -> None:
        self.stations = [Station(self, f"Station {number}") for number in range(STATIONS)]
        readers = {station.reader.name: station.reader for station in self.stations}
        Pcsc(self.scheduler, self.faults, readers, self.invariants).install(patch)
        holders = [Holder(self, person) for person in people]
        living = [asyncio.ensure_future(holder.live()) for holder in holders]
        staff = Staff(self)
        others = self._break(), staff.live(), Liar(self).live()
        living += [asyncio.ensure_future(other) for other in others]
        self.tasks += living
        while self.ends.visits < self.visits:
            await asyncio.sleep(5)
            self.invariants.at_rest()
            self.invariants.raise_broken()
            self._raise_ended(living)
        self.faults.on = False
        self.scheduler.clock_wrong_by = timedelta()
        for task in living:
            task.cancel()
        await asyncio.wait(living)
        await self._recover(staff, holders)
        self._verify()

    def _raise_ended(self, living: Sequence[asyncio.Future[None]]) -> None:
        """A task of the simulation ends only by an error of its own."""
        for task in living:
            if task.done():
                task.result()

    async def _break(self) -> None:
        while True:
            await asyncio.sleep(self.scheduler.random.uniform(20, 200))
            if self.faults.strikes(Fault.STATION_KILLED):
                self.scheduler.random.choice(self.stations).start()
            if self.faults.strikes(Fault.CLOCK_SET):
                self.scheduler.clock_wrong_by = self.scheduler.random.choice(_WRONG_BY)

    async def _recover(self, staff: Staff, holders: list[Holder]) -> None:
        """With nothing going wrong any more, everybody's card comes to be unlocked.

        A card that went through several faults may be refused, and go to the RA: one that is set
        aside, or whose account leaves a single try. It still has that try.
        """
        for holder in holders:
            holder.unlocked = False
            for number in range(_LAST_VISITS):
                await asyncio.sleep(2 * 3600 if number else 60)
                staff.help()
                if holder.person.registered:
                    holder.person.card.block()
                await holder.visit()
                if holder.unlocked:
                    break
            with self.world.store.read() as uow:
                card = uow.cards.get(holder.person.card_id)
            assert card is not None
            left = tries_by_account(card) - card.secret_exposure
            refused = card.set_aside_at is not None or left <= KEPT_SECRET_TRIES
            self.invariants.need("no card is lost", holder.unlocked or refused)
            self.to_the_ra += not holder.unlocked

    def _verify(self) -> None:
        self.invariants.at_rest()
        verdict = verify_audit(self.world.store, AnchorSigner(self.world.ring))
        self.invariants.need("the audit is intact", verdict.intact)
        self.invariants.need("every row fits its MAC", not sweep(self.world.store).altered)
        self.invariants.raise_broken()


def _quiet_about_crashed_tasks(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Crashed):
        loop.default_exception_handler(context)


def _quiet_about_crashes(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not Crashed:
        threading.__excepthook__(args)
