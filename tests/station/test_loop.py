"""The loop: real queue, real threads, fake card and authority."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from kiosk.dialogue import (
    Reason,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
    VisitId,
)
from kiosk.errors import (
    CardBusy,
    CardError,
    CardGone,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.ports import (
    CardInserted,
    CardRemoved,
    PostReaderEvent,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.actions import Actions
from kiosk.station.loop import Patience, StationLoop
from kiosk.station.pins import PinWork
from tests.station.fakes import FakeAuthority, FakeCards, FakeMonitor

PIN = Sensitive("482916")


@dataclass
class Rig:
    """A running station; ``seen`` is every state that was shown."""

    patience: Patience = field(default_factory=lambda: Patience(60, 20, 0.02))
    cards: FakeCards = field(default_factory=FakeCards)
    authority: FakeAuthority = field(default_factory=FakeAuthority)
    seen: list[s.State] = field(default_factory=list)
    faults: list[tuple[VisitId, BaseException]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.actions = Actions(self.authority, self.cards, "test")
        self.actions._pins = PinWork(self.authority, self.cards, sleep=lambda _: None)
        self.loop = StationLoop(self.actions, self._monitor, self._fault, self.patience)
        self.news = asyncio.Condition()
        self.task = asyncio.create_task(self.loop.run(self.show))

    def _monitor(self, post: PostReaderEvent) -> FakeMonitor:
        self.monitor = FakeMonitor(post)
        return self.monitor

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
                self.news.wait_for(lambda: self.seen and isinstance(self.seen[-1], kind)), 10
            )
            return self.seen[-1]

    @property
    def visit(self) -> VisitId:
        visit = s.visit_of(self.loop.state)
        assert visit is not None
        return visit

    async def insert(self, insertion: int = 1) -> None:
        self.monitor.post(CardInserted("R", insertion))
        await self.until(s.ConfirmOwner)

    async def reach_new_pin(self) -> None:
        await self.insert()
        self.loop.submit(e.Confirmed(self.visit))
        await self.until(s.AskQuestion)
        for text in ("Vane", "Grange"):
            self.loop.submit(e.AnswerEntered(self.visit, Sensitive(text)))
        await self.until(s.CodeEntry)
        self.loop.submit(e.CodeEntered(self.visit, Sensitive("12345678")))
        await self.until(s.NewPin)

    def set_pin(self) -> None:
        self.loop.submit(e.PinEntered(self.visit, PIN))
        self.loop.submit(e.PinEntered(self.visit, PIN))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.until(s.Attract)
    yield rig
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 10)
    assert not rig.monitor.running


async def test_an_unlock_from_card_in_to_card_out(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.set_pin()
    await rig.until(s.Success)
    assert rig.cards.pin == "482916"
    assert rig.authority.outcomes == [UnblockDone()]
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    await rig.loop._settle_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.FINISHED


async def test_the_outcome_is_recorded_though_the_card_is_out(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.cards.unblock_raises = OutcomeUnknown("torn")
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 2))
    await rig.until(s.Reading)
    assert rig.authority.outcomes == []
    rig.cards.gate.set()
    await rig.until(s.ConfirmOwner)
    assert rig.authority.outcomes == [UnblockUnknown()], "before the next visit opens"


async def test_an_answer_of_the_last_visit_does_not_reach_the_next(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    rig.monitor.post(CardInserted("R", 2))
    await rig.until(s.Reading)
    rig.cards.gate.set()
    await rig.until(s.ConfirmOwner)
    assert not any(isinstance(state, s.Success) for state in rig.seen)


async def test_a_card_that_was_gone_before_is_told_as_not_sent(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.unblock_raises = CardGone("gone")
    rig.set_pin()
    await rig.until(s.Refused)
    assert rig.authority.outcomes == [UnblockNotSent()]


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (NotAllowed("contactless"), UnblockRefused(None, "not allowed"), Reason.CARD_REFUSED),
        (CardProtocolError("odd", 0x6F00), UnblockUnknown(), Reason.OUTCOME_UNKNOWN),
        (PinWrong(2), UnblockRefused(2, "wrong secret"), Reason.CARD_REFUSED),
        (PinBlocked("blocked"), UnblockRefused(0, "secret blocked"), Reason.CARD_REFUSED),
    ],
)
async def test_what_the_card_says_of_the_secret_is_told(
    rig: Rig, error: CardError, outcome: UnblockOutcome, reason: Reason
) -> None:
    await rig.reach_new_pin()
    rig.cards.unblock_raises = error
    rig.set_pin()
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is reason
    assert rig.authority.outcomes == [outcome]


async def test_a_pin_that_the_card_refuses_is_chosen_again(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.unblock_raises = PinRefused("history")
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.cards.gate.set()
    page = await rig.until(s.NewPin)
    assert isinstance(page, s.NewPin)
    assert page.trouble is s.PinTrouble.CARD_HISTORY
    assert rig.authority.outcomes == [UnblockRefused(None, "history")]


async def test_an_absent_authority_costs_a_retry_with_the_same_attempt(rig: Rig) -> None:
    await rig.insert()
    rig.loop.submit(e.Confirmed(rig.visit))
    await rig.until(s.AskQuestion)
    rig.authority.away = 1
    for text in ("Vane", "Grange"):
        rig.loop.submit(e.AnswerEntered(rig.visit, Sensitive(text)))
    await rig.until(s.Trouble)
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.CodeEntry)
    assert len(set(rig.authority.attempts)) == 1
    assert len(rig.authority.attempts) == 2


async def test_an_outcome_waits_for_an_authority_that_is_away(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.authority.away = 3
    rig.cards.gate.set()
    await rig.until(s.Success)
    assert rig.authority.outcomes == [UnblockDone()]


async def test_stopping_waits_for_the_card(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    stopping = asyncio.create_task(rig.loop.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    rig.cards.gate.set()
    await asyncio.wait_for(stopping, 10)
    assert rig.authority.outcomes == [UnblockDone()]


async def test_a_known_card_error_has_its_page_and_is_recorded(rig: Rig) -> None:
    rig.cards.read_raises = CardBusy("busy")
    rig.monitor.post(CardInserted("R", 1))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.CARD_BUSY
    assert rig.authority.refused == ["card-busy"]


async def test_an_unknown_error_closes_the_visit_and_shows_nothing(rig: Rig) -> None:
    rig.cards.read_raises = RuntimeError("PIN 482916 in a message")
    rig.monitor.post(CardInserted("R", 1))
    refused = await rig.until(s.Refused)
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.FAULT
    assert [str(fault) for _, fault in rig.faults] == ["PIN 482916 in a message"]
    assert "482916" not in repr(refused)


async def test_outages_come_and_go_by_themselves(rig: Rig) -> None:
    rig.monitor.post(ServiceLost())
    await rig.until(s.OutOfService)
    rig.monitor.post(ServiceFound())
    rig.monitor.post(ReadersChanged(("R",)))
    await rig.until(s.Attract)
    rig.authority.healthy = False
    await rig.until(s.OutOfService)
    rig.authority.healthy = True
    assert await rig.until(s.Attract) == s.Attract()


async def test_quiet_asks_and_then_ends_the_visit() -> None:
    rig = Rig(Patience(0.05, 0.05, 60))
    await rig.until(s.Attract)
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.StillThere)
    rig.loop.submit(e.Stayed(rig.visit))
    await rig.until(s.ConfirmOwner)
    await rig.until(s.RemoveCard)
    await rig.loop._settle_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.IDLE
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 10)
