"""A running station: the real loop, a fake card and a fake authority."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

from kiosk.contract.messages import Code, Heartbeat, ReaderState, VisitId
from kiosk.contract.ports import CardInserted, PostReaderEvent
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.executor import Actions
from kiosk.station.loop import IdleTimes, StationLoop
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.monitor import FakeMonitor

PIN = Sensitive("482916")


@dataclass
class Rig:
    """A running station; ``seen`` is every state that was shown, ``later_s`` sets its clock on."""

    times: IdleTimes = field(default_factory=lambda: IdleTimes(60, 20, 0.02, 0.02))
    cards: FakeCards = field(default_factory=FakeCards)
    authority: FakeAuthority = field(default_factory=FakeAuthority)
    pauses: random.Random | None = None
    seen: list[s.State] = field(default_factory=list)
    faults: list[tuple[VisitId, BaseException]] = field(default_factory=list)
    turn: asyncio.Event | None = None
    later_s: float = 0.0

    def __post_init__(self) -> None:
        first = Heartbeat()
        self.actions = Actions(self.authority, self.cards, first, sleep=lambda _: None)
        turn = None if self.turn is None else self._await_turn
        self.loop = StationLoop(
            self.actions,
            self._monitor,
            self._fault,
            self.times,
            lambda: time.monotonic() + self.later_s,
            self.pauses,
            turn,
        )
        self.news = asyncio.Condition()
        self.task = asyncio.create_task(self.loop.run(self.show))

    def _monitor(self, post: PostReaderEvent) -> FakeMonitor:
        self.monitor = FakeMonitor(post)
        return self.monitor

    async def _await_turn(self) -> None:
        assert self.turn is not None
        await self.turn.wait()

    def _fault(self, visit: VisitId, fault: BaseException) -> None:
        self.faults.append((visit, fault))

    async def show(self, state: s.State) -> None:
        async with self.news:
            self.seen.append(state)
            self.news.notify_all()

    async def until(self, kind: type[s.State]) -> s.State:
        """Wait until the state shown is of ``kind``."""
        async with self.news:
            await asyncio.wait_for(
                self.news.wait_for(lambda: self.seen and isinstance(self.seen[-1], kind)), 60
            )
            return self.seen[-1]

    async def until_second_card(self) -> None:
        """Wait until a second card is noted while the card is being changed."""
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: self._second_card()), 60)

    def _second_card(self) -> bool:
        state = self.seen[-1] if self.seen else None
        return isinstance(state, s.Working) and state.second_card

    async def has_reported(self, reader: ReaderState, more_than: int = 0) -> None:
        """Wait until there are more heartbeats, and the last one speaks of ``reader``."""
        async with asyncio.timeout(60):
            while len(self.authority.beats) <= more_than or self._reported() is not reader:
                await asyncio.sleep(0.01)

    def _reported(self) -> ReaderState:
        return self.authority.beats[-1].reader

    def quiet_for(self, seconds: float) -> None:
        """Let ``seconds`` pass at once; an event of no visit has the loop look at its clock."""
        self.later_s += seconds
        self.loop.submit(e.Stayed(VisitId("")))

    @property
    def visit(self) -> VisitId:
        visit = s.visit_of(self.loop.state)
        assert visit is not None
        return visit

    async def insert(self, insertion: int = 1) -> None:
        self.monitor.post(CardInserted("R", insertion))
        await self.until(s.ConfirmOwner)

    async def reach_new_pin(self) -> None:
        await self.prove_both_factors()
        await self.until(s.NewPin)

    async def prove_both_factors(self) -> None:
        await self.insert()
        self.loop.submit(e.Confirmed(self.visit))
        await self.until(s.AskQuestion)
        for text in ("Vane", "Grange"):
            self.loop.submit(e.AnswerEntered(self.visit, Sensitive(text)))
        await self.until(s.CodeEntry)
        self.loop.submit(e.EntryMade(self.visit, Code(Sensitive("12345678"))))

    def set_pin(self) -> None:
        self.loop.submit(e.PinEntered(self.visit, PIN))
        self.loop.submit(e.PinEntered(self.visit, PIN))
