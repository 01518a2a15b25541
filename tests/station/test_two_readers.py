"""A visit belongs to one card in one reader, whatever lies in the others."""

from __future__ import annotations

import asyncio

from kiosk.contract.messages import Reason, VisitEnd
from kiosk.contract.ports import CardInserted, CardRemoved
from kiosk.station import states as s
from tests.screens.idle_app import still
from tests.station.rig import Rig


async def _set_pin_beside_a_second_card(rig: Rig) -> None:
    """Put a second card in while the first gets its PIN; return while that is being written."""
    await rig.reach_new_pin()
    rig.cards.gate.clear()
    rig.set_pin()
    await asyncio.to_thread(rig.cards.waiting.wait, 10)
    rig.monitor.post(CardInserted("S", 2))
    await rig.until_second_card()


async def test_visit_ends_with_its_card_though_a_second_card_stays_in(rig: Rig) -> None:
    """Before: the page of the holder who was gone stayed up for the one who came after."""
    await _set_pin_beside_a_second_card(rig)
    rig.cards.gate.set()
    await rig.until(s.Success)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.RemoveCard)
    rig.monitor.post(CardRemoved("S", 2))
    page = await rig.until(s.Attract)
    assert page == s.Attract(s.PulledFrom.UNLOCKED, rig.authority.begun[0])
    assert len(rig.authority.begun) == 1


async def test_card_pulled_while_it_is_changed_ends_its_visit_beside_a_second_card(
    rig: Rig,
) -> None:
    """Before: "setting your PIN" until the command came back, and then a success."""
    await _set_pin_beside_a_second_card(rig)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.RemoveCard)
    rig.cards.gate.set()
    await rig.loop.await_under_way()
    assert rig.authority.ended == [(rig.authority.begun[0], VisitEnd.CARD_REMOVED)]
    rig.monitor.post(CardRemoved("S", 2))
    page = await rig.until(s.Attract)
    assert page == s.Attract(s.PulledFrom.UNLOCKED, rig.authority.begun[0])


async def test_second_card_is_not_served_until_it_is_put_in_again(rig: Rig) -> None:
    await rig.insert()
    rig.monitor.post(CardInserted("S", 2))
    page = await rig.until(s.Refused)
    assert isinstance(page, s.Refused)
    assert page.reason is Reason.TWO_CARDS
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.RemoveCard)
    rig.monitor.post(CardInserted("R", 3))
    rig.monitor.post(CardRemoved("R", 3))
    rig.monitor.post(CardRemoved("S", 2))
    await rig.until(s.Attract)
    await rig.loop.await_under_way()
    assert len(rig.authority.begun) == 1
    rig.monitor.post(CardInserted("S", 4))
    await rig.until(s.ConfirmOwner)
    first, second = rig.authority.begun
    assert rig.authority.ended == [(first, VisitEnd.REFUSED)]
    assert rig.visit == second


async def test_station_for_one_visit_ends_once_the_other_card_is_out_too() -> None:
    """The next one would take a card that it finds in a reader for one that has just gone in."""
    rig = Rig(turn=asyncio.Event())
    assert rig.turn is not None
    rig.turn.set()
    await rig.until(s.Attract)
    await still()
    await rig.insert()
    rig.monitor.post(CardInserted("S", 2))
    await rig.until(s.Refused)
    rig.monitor.post(CardRemoved("R", 1))
    await rig.until(s.RemoveCard)
    await still()
    assert not rig.task.done()
    rig.monitor.post(CardRemoved("S", 2))
    await asyncio.wait_for(rig.task, 60)
    assert rig.seen[-1] == s.Attract()
