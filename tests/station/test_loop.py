"""The loop: real queue, real threads, fake card and authority."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

from kiosk.contract.errors import AuthorityUnavailable, CardBusy
from kiosk.contract.messages import ReaderState, Reason, StationStanding, UnblockDone, VisitEnd
from kiosk.contract.ports import (
    CardInserted,
    CardRemoved,
    ReadersChanged,
    ServiceFound,
    ServiceLost,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.loop import IdleTimes
from tests.screens.idle_app import still
from tests.station.rig import Rig
from tests.support.exhausted import no_threads


async def test_an_unlock_from_card_in_to_card_out(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.set_pin()
    await rig.until(s.Success)
    assert rig.cards.pin == "482916"
    assert rig.authority.outcomes == [UnblockDone()]
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    await rig.loop.await_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.FINISHED


async def test_a_second_card_put_in_while_the_pin_is_set_does_not_hide_that_it_was_set(
    rig: Rig,
) -> None:
    """Before: "take out both" in the middle of the write, and never a word of the new PIN."""
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardInserted("S", 2))
    await rig.until_second_card()
    rig.cards.gate.set()
    await rig.until(s.Success)
    assert rig.authority.outcomes == [UnblockDone()]
    assert not any(isinstance(state, s.Refused) for state in rig.seen)
    rig.monitor.post(CardRemoved("S", 2))
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)


async def test_a_visit_is_opened_before_it_ends_though_its_card_left_meanwhile(rig: Rig) -> None:
    rig.authority.gate.clear()
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Reading)
    assert await asyncio.to_thread(rig.authority.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    await still()
    assert rig.authority.ended == []
    rig.authority.gate.set()
    await rig.loop.await_under_way()
    ended = [(visit, VisitEnd.CARD_REMOVED) for visit in rig.authority.begun]
    assert rig.authority.ended == ended
    assert len(ended) == 1


async def test_a_visit_ends_once_what_became_of_its_card_is_recorded(rig: Rig) -> None:
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
    await still()
    assert rig.authority.ended == []
    rig.cards.gate.set()
    await rig.loop.await_under_way()
    assert rig.authority.outcomes == [UnblockDone()]
    assert [how for _, how in rig.authority.ended] == [VisitEnd.CARD_REMOVED]


async def test_an_absent_authority_costs_a_retry_with_the_same_attempt(rig: Rig) -> None:
    await rig.insert()
    rig.loop.submit(e.Confirmed(rig.visit))
    await rig.until(s.AskQuestion)
    rig.authority.away = 1
    for text in ("Vane", "Grange"):
        rig.loop.submit(e.AnswerEntered(rig.visit, Sensitive(text)))
    await rig.until(s.NotReached)
    rig.loop.submit(e.TriedAgain(rig.visit))
    await rig.until(s.CodeEntry)
    assert len(set(rig.authority.attempts)) == 1
    assert len(rig.authority.attempts) == 2


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
    rig.authority.heartbeat_raises = AuthorityUnavailable("away")
    await rig.until(s.OutOfService)
    rig.authority.heartbeat_raises = None
    assert await rig.until(s.Attract) == s.Attract()


async def test_a_station_without_another_thread_asks_the_holder_to_try_again(rig: Rig) -> None:
    """Before: it worked for ever, on a page without an end, and looked for no authority again."""
    pool = ThreadPoolExecutor(8, "few")
    asyncio.get_running_loop().set_default_executor(pool)
    with no_threads("few"):
        rig.monitor.post(CardInserted("R", 1))
        await rig.until(s.Refused)
        rig.monitor.post(CardRemoved("R", 1))
        await rig.until(s.OutOfService)
    await rig.until(s.Attract)
    assert rig.authority.ended == []
    await rig.insert(2)
    pool.shutdown()


async def test_a_retired_station_shows_that_until_it_is_taken_into_use_again(
    rig: Rig,
) -> None:
    rig.authority.standing = StationStanding.RETIRED
    assert await rig.until(s.OutOfService) == s.OutOfService(s.Outage.RETIRED)
    rig.authority.standing = StationStanding.IN_USE
    await rig.until(s.Attract)


async def test_the_readers_state_is_reported_at_once(rig: Rig) -> None:
    rig.monitor.post(ServiceLost())
    await rig.until(s.OutOfService)
    await rig.has_reported(ReaderState.NO_SERVICE)
    rig.monitor.post(ServiceFound())
    rig.monitor.post(ReadersChanged(("R",)))
    await rig.has_reported(ReaderState.READY)


async def test_a_station_lives_while_somebody_is_there(rig: Rig) -> None:
    await rig.insert()
    told = len(rig.authority.beats)
    await rig.has_reported(ReaderState.LOOKING, more_than=told)
    assert isinstance(rig.loop.state, s.ConfirmOwner)


async def test_a_look_that_fails_puts_the_station_out_of_service_and_is_tried_again(
    rig: Rig,
) -> None:
    rig.authority.heartbeat_raises = RuntimeError("nobody expects this")
    assert await rig.until(s.OutOfService) == s.OutOfService(s.Outage.AUTHORITY_AWAY)
    rig.authority.heartbeat_raises = None
    await rig.until(s.Attract)
    assert {str(fault) for _, fault in rig.faults} == {"nobody expects this"}


async def test_quiet_asks_and_then_ends_the_visit() -> None:
    rig = Rig(IdleTimes(60, 20, 60))
    await rig.until(s.Attract)
    await rig.insert()
    rig.quiet_for(60)
    await rig.until(s.StillThere)
    rig.loop.submit(e.Stayed(rig.visit))
    await rig.until(s.ConfirmOwner)
    rig.quiet_for(60)
    await rig.until(s.StillThere)
    rig.quiet_for(20)
    await rig.until(s.RemoveCard)
    await rig.loop.await_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.IDLE
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)


async def test_the_readers_are_released_though_work_hangs_and_nobody_waits() -> None:
    hanging, one_thread = Event(), ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(one_thread)
    one_thread.submit(hanging.wait, 30)
    rig = Rig()
    await rig.until(s.Attract)
    try:
        for _ in range(2):
            rig.task.cancel()
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await rig.task
        assert not rig.monitor.running
    finally:
        hanging.set()


async def test_a_station_for_one_visit_waits_for_its_turn_and_ends_with_the_visit() -> None:
    rig = Rig(IdleTimes(read_s=0), turn=asyncio.Event())
    await rig.until(s.Attract)
    assert not hasattr(rig, "monitor")
    assert rig.turn is not None
    rig.turn.set()
    while not hasattr(rig, "monitor"):
        await asyncio.sleep(0)
    await rig.reach_new_pin()
    rig.set_pin()
    await rig.until(s.Success)
    rig.monitor.post(CardRemoved("R", 1))
    await asyncio.wait_for(rig.task, 60)
    assert isinstance(rig.seen[-1], s.Attract)
    assert rig.authority.ended[-1][1] is VisitEnd.FINISHED


async def test_an_outage_without_a_visit_does_not_end_a_station_for_one_visit() -> None:
    rig = Rig(turn=asyncio.Event())
    assert rig.turn is not None
    rig.turn.set()
    while not hasattr(rig, "monitor"):
        await asyncio.sleep(0)
    rig.monitor.post(ServiceLost())
    await rig.until(s.OutOfService)
    rig.monitor.post(ServiceFound())
    rig.monitor.post(ReadersChanged(("R",)))
    await rig.until(s.Attract)
    assert not rig.task.done()
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)


async def test_an_entry_at_the_moment_when_its_page_is_covered_counts() -> None:
    """Before: it was dropped, and the page below had been emptied: nothing happened any more."""
    rig = Rig(IdleTimes(60, 20, 60))
    await rig.until(s.Attract)
    await rig.insert()
    rig.quiet_for(60)
    await rig.until(s.StillThere)
    rig.loop.submit(e.Confirmed(rig.visit))
    await rig.until(s.AskQuestion)
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)


class RigThatStoodStill(Rig):
    """Stands still for longer than the idle time while it draws the first question."""

    async def show(self, state: s.State) -> None:
        if isinstance(state, s.AskQuestion) and not self.later_s:
            self.later_s += 65
        await super().show(state)


async def test_the_idle_time_begins_once_a_page_is_shown() -> None:
    """Before: where the machine stood still, the page was covered as soon as it was there."""
    rig = RigThatStoodStill(IdleTimes(60, 20, 60))
    await rig.until(s.Attract)
    await rig.insert()
    rig.loop.submit(e.Confirmed(rig.visit))
    await rig.until(s.AskQuestion)
    rig.loop.submit(e.AnswerEntered(rig.visit, Sensitive("Vane")))
    rig.loop.submit(e.AnswerEntered(rig.visit, Sensitive("Grange")))
    await rig.until(s.CodeEntry)
    assert not any(isinstance(state, s.StillThere) for state in rig.seen)
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)
