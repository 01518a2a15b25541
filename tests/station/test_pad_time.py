"""Time, and other cards, while the reader asks for a PIN on its own keys."""

from __future__ import annotations

import asyncio

from kiosk.contract.errors import PadLeft
from kiosk.contract.messages import Purpose, VisitEnd
from kiosk.contract.ports import CardInserted, CardRemoved
from kiosk.station import events as e
from kiosk.station import states as s
from tests.station.pad_rig import close, on_the_pad, pad_rig
from tests.station.rig import Rig


async def test_nobody_is_called_idle_while_the_reader_waits_and_after_it_they_are() -> None:
    rig = pad_rig(PadLeft("timeout"))
    await rig.until(s.Attract)
    await on_the_pad(rig)
    rig.seen.clear()
    rig.quiet_for(100)
    rig.cards.gate.set()
    await rig.until(s.PadPaused)
    assert len(rig.seen) == 1
    rig.quiet_for(60)
    await rig.until(s.StillThere)
    rig.quiet_for(20)
    await rig.until(s.RemoveCard)
    await rig.loop.await_under_way()
    assert rig.authority.ended[-1][1] is VisitEnd.IDLE
    await close(rig)


async def test_no_other_card_is_read_while_the_reader_still_asks_for_the_first_ones_pin() -> None:
    rig = pad_rig(PadLeft("cancelled"))
    await _first_card_left_amid_a_pin(rig)
    rig.monitor.post(CardInserted("R", 2))
    await rig.until(s.Reading)
    rig.cards.gate.set()
    await rig.until(s.Menu)
    assert not any(isinstance(state, s.PadPaused) for state in rig.seen)
    await close(rig)


async def test_a_card_that_left_before_its_turn_opens_no_visit_that_nobody_ends() -> None:
    rig = pad_rig(PadLeft("cancelled"))
    await _first_card_left_amid_a_pin(rig)
    for insertion in (2, 3):
        await rig.until(s.Attract)
        rig.monitor.post(CardInserted("R", insertion))
        await rig.until(s.Reading)
        if insertion == 2:
            rig.monitor.post(CardRemoved("R", 2))
    rig.cards.gate.set()
    await rig.until(s.Menu)
    ended = {visit for visit, _ in rig.authority.ended}
    assert [visit for visit in rig.authority.begun if visit not in ended] == [rig.visit]
    assert len(rig.authority.begun) == 2
    await close(rig)


async def _first_card_left_amid_a_pin(rig: Rig) -> None:
    rig.authority.offers = (Purpose.CHANGE_PIN,)
    await rig.until(s.Attract)
    rig.cards.gate.clear()
    rig.monitor.post(CardInserted("R", 1))
    await rig.until(s.Menu)
    rig.loop.submit(e.Chose(rig.visit, Purpose.CHANGE_PIN))
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.Attract)
