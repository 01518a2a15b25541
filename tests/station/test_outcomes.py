"""What the card did in a change is recorded, whatever else happens during it."""

from __future__ import annotations

import asyncio

import pytest

from kiosk.contract.errors import (
    AuthorityUnavailable,
    CardError,
    CardGone,
    CardProtocolError,
    CardSwapped,
    ContactNeeded,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import (
    Reason,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    VisitEnd,
)
from kiosk.contract.ports import CardInserted, CardRemoved
from kiosk.contract.sensitive import Sensitive
from kiosk.station import states as s
from kiosk.station.events import NoticeTimedOut
from kiosk.station.loop import IdleTimer, IdleTimes
from tests.screens.idle_app import still
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.rig import Rig


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


def test_what_is_said_of_a_card_that_left_too_early_goes_by_itself() -> None:
    now = 0.0
    timer = IdleTimer(IdleTimes(idle_s=60), lambda: now)
    told = s.Attract(s.PulledFrom.CHANGE)
    out = s.OutOfService(s.Outage.AUTHORITY_AWAY, s.PulledFrom.CHANGE)
    assert timer.event(told) is None
    now = 59.9
    assert timer.event(told) is None
    # The end of a wait is a sum of floats, and may come a rounding early.
    now = 60.0 - 1e-12
    assert timer.event(told) == NoticeTimedOut()
    now = 60.0
    assert timer.event(told) == NoticeTimedOut()
    assert timer.event(out) == NoticeTimedOut()
    assert timer.event(s.Attract()) is None
    assert timer.seconds_left(s.OutOfService(s.Outage.AUTHORITY_AWAY)) is None


async def test_a_station_for_one_visit_tells_of_it_until_the_next_card_and_leaves_that_alone() -> (
    None
):
    rig = await _for_one_visit(IdleTimes(60, 20, 60))
    await _torn(rig)
    assert _told(rig) is s.PulledFrom.UNBLOCK
    assert not rig.task.done()
    visits = rig.authority.begun.copy()
    rig.monitor.post(CardInserted("R", 2))
    await rig.until(s.Reading)
    assert not rig.task.done(), "it waits for the outcome, and the page says that a card is in"
    rig.cards.gate.set()
    await asyncio.wait_for(rig.task, 60)
    assert isinstance(rig.seen[-1], s.Reading)
    assert rig.authority.outcomes == [UnblockUnknown()]
    assert rig.authority.begun == visits, "the next process serves that card"


async def test_a_station_for_one_visit_ends_in_an_outage_once_its_notice_was_read() -> None:
    """Its memory held a PIN: it must not live for as long as the authority is away."""
    rig = await _for_one_visit(IdleTimes(60, 20, 0.02, 0.02))
    await _torn(rig)
    rig.authority.heartbeat_raises = AuthorityUnavailable("away")
    rig.cards.gate.set()
    await rig.until(s.OutOfService)
    assert not rig.task.done()
    rig.later_s = 60.0
    await asyncio.wait_for(rig.task, 60)
    assert rig.seen[-1] == s.OutOfService(s.Outage.AUTHORITY_AWAY)


async def _for_one_visit(times: IdleTimes) -> Rig:
    rig = Rig(times, turn=asyncio.Event())
    assert rig.turn is not None
    rig.turn.set()
    while not hasattr(rig, "monitor"):
        await asyncio.sleep(0)
    return rig


async def _torn(rig: Rig) -> None:
    """Take the card out while its PIN is set; its answer comes when ``gate`` opens."""
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.cards.unblock_raises = OutcomeUnknown("torn")
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)


async def test_card_that_leaves_as_its_success_appears_leaves_a_notice() -> None:
    rig = await _pulled_at_success(NOTHING_IS_READ)
    assert _told(rig) is s.PulledFrom.UNLOCKED
    await rig.loop.stop()


async def test_card_that_leaves_once_its_success_was_read_leaves_no_notice() -> None:
    rig = await _pulled_at_success(IdleTimes(60, 20, 60, read_s=0))
    assert rig.seen[-1] == s.Attract()
    await rig.loop.stop()


NOTHING_IS_READ = IdleTimes(60, 20, 60, read_s=float("inf"))


async def _pulled_at_success(times: IdleTimes) -> Rig:
    rig = Rig(times)
    await rig.until(s.Attract)
    await rig.reach_new_pin()
    rig.set_pin()
    await rig.until(s.Success)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    return rig


async def test_card_that_left_before_its_pin_was_set_leaves_a_notice_once_it_is(
    rig: Rig,
) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    assert _told(rig) is s.PulledFrom.UNBLOCK
    rig.cards.gate.set()
    async with rig.news, asyncio.timeout(10):
        await rig.news.wait_for(lambda: _told(rig) is s.PulledFrom.UNLOCKED)
    assert not any(isinstance(state, s.Success) for state in rig.seen)


def _told(rig: Rig) -> s.PulledFrom | None:
    """Return what the first page says of the last card."""
    shown = rig.seen[-1]
    return shown.pulled if isinstance(shown, s.Attract) else None


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


async def test_a_card_that_was_gone_before_is_recorded_as_not_sent(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.unblock_raises = CardGone("gone")
    rig.set_pin()
    await rig.until(s.Attract)
    assert rig.authority.outcomes == [UnblockNotSent()]


async def test_a_pulled_card_ends_the_visit_and_is_no_refusal(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.hold_raises = CardGone("gone")
    rig.set_pin()
    await rig.until(s.Attract)
    assert _told(rig) is s.PulledFrom.UNBLOCK, "also before the reader reports it"
    rig.monitor.post(CardRemoved("R", 1))
    await rig.loop.stop()
    assert _told(rig) is s.PulledFrom.UNBLOCK
    assert rig.authority.refused == []
    assert [how for _, how in rig.authority.ended] == [VisitEnd.CARD_REMOVED]


async def test_card_that_leaves_before_its_refusal_is_read_leaves_a_notice(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.unblock_raises = OutcomeUnknown("gone before it answered")
    rig.set_pin()
    await rig.until(s.Refused)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    assert _told(rig) is s.PulledFrom.UNBLOCK


async def test_a_card_that_leaves_while_it_is_given_its_new_secret_is_said_to_be_unlocked() -> None:
    """Its PIN is set, and its reader says only later that it is gone."""
    cards, authority = TornAtNewSecret(), FakeAuthority(new_secret=Sensitive("13572468"))
    rig = Rig(NOTHING_IS_READ, cards, authority)
    await rig.until(s.Attract)
    await rig.reach_new_pin()
    rig.set_pin()
    await rig.until(s.Success)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    assert _told(rig) is s.PulledFrom.UNLOCKED
    assert rig.authority.outcomes == [UnblockDone()]
    await rig.loop.stop()


class TornAtNewSecret(FakeCards):
    """Leaves as it is given its new secret."""

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        raise OutcomeUnknown("torn")


async def test_a_card_that_cannot_be_held_costs_nothing(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.hold_raises = CardSwapped("another card")
    rig.set_pin()
    await rig.until(s.Refused)
    assert rig.authority.outcomes == []
    assert rig.authority.released == 0


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (NotAllowed("never"), UnblockRefused(None, "not allowed"), Reason.CARD_REFUSED),
        (ContactNeeded("air"), UnblockRefused(None, "not allowed"), Reason.INSERT_CARD),
        (CardProtocolError("odd", 0x6F00), UnblockUnknown(), Reason.OUTCOME_UNKNOWN),
        (PinWrong(2), UnblockRefused(2, "wrong secret"), Reason.CARD_REFUSED),
        (PinBlocked("blocked"), UnblockRefused(0, "secret blocked"), Reason.CARD_REFUSED),
    ],
)
async def test_the_cards_answer_to_the_secret_is_recorded(
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
    assert page.fault is s.PinFault.CARD_HISTORY
    assert rig.authority.outcomes == [UnblockRefused(None, "history")]


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
    await still()
    assert not stopping.done()
    rig.cards.gate.set()
    await asyncio.wait_for(stopping, 60)
    assert rig.authority.outcomes == [UnblockDone()]
