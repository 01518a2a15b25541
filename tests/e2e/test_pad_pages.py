"""A visit at a reader with keys of its own: pages, loop and commands, and nothing typed here."""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from kiosk.contract.errors import PadLeft, PinWrong
from kiosk.contract.messages import Heartbeat, OnPad, Purpose
from kiosk.contract.ports import CardInserted
from kiosk.station import states as s
from kiosk.station.executor import Actions
from tests.e2e.in_process_station import ObservedStation
from tests.screens.kiosk.clocked import until
from tests.screens.pilots import settled, type_keys
from tests.screens.shown import screen_lines
from tests.station.fakes import FakeAuthority, FakeCards


def _shown(observed: ObservedStation) -> str:
    return "\n".join(screen_lines(observed.app))


def _built(cards: FakeCards, *offers: Purpose) -> ObservedStation:
    return ObservedStation(Actions(FakeAuthority(offers=offers), cards, Heartbeat()))


async def _begin(observed: ObservedStation, pilot: Pilot[int]) -> None:
    await settled(pilot)
    observed._monitor.post(CardInserted("Reader", 1))
    await observed.app.until(s.Menu, s.ConfirmOwner)
    await settled(pilot)


async def test_a_pin_is_changed_on_the_readers_keys_with_a_few_slips() -> None:
    cards = FakeCards(pin_pad=True, on_pad=[PinWrong(2), None, PadLeft("different"), None])
    observed = _built(cards, Purpose.CHANGE_PIN)
    async with observed.app.run_test(size=(80, 24)) as pilot:
        await _begin(observed, pilot)
        await type_keys(pilot, ("1",))
        await until(observed.app, lambda: "Two tries are left" in _shown(observed))
        await type_keys(pilot, ("enter",))
        await until(observed.app, lambda: "The two new PINs were not the same" in _shown(observed))
        await type_keys(pilot, ("tab", "enter"))  # as quickly, an Enter alone counts as held
        await observed.app.until(s.Success)
    assert cards.asked == [OnPad()] * 2 + [OnPad(6, 8)] * 2
    assert "EnterPinPage" not in observed.app.pages
    assert "NewPinPage" not in observed.app.pages
    assert observed.faults == []


async def test_while_the_reader_asks_nothing_here_does_anything() -> None:
    cards = FakeCards(pin_pad=True, on_pad=[PadLeft("cancelled")])
    observed = _built(cards, Purpose.REGISTER)
    cards.gate.clear()
    async with observed.app.run_test(size=(80, 24)) as pilot:
        await _begin(observed, pilot)
        await type_keys(pilot, ("1",))
        assert await asyncio.to_thread(cards.waiting.wait, 60)
        await until(
            observed.app, lambda: "Enter your PIN on the card reader's keys" in _shown(observed)
        )
        before = _shown(observed)
        await type_keys(pilot, (*"604918", "enter", "escape", "escape", "tab", "enter"))
        assert _shown(observed) == before
        cards.gate.set()
        await until(
            observed.app, lambda: "You pressed Cancel on the card reader" in _shown(observed)
        )
        await type_keys(pilot, ("escape", "enter"))
        await observed.app.until(s.RemoveCard)
