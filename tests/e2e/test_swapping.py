"""Cards swapped faster than anything answers: what belongs to one never reaches the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.monitor import PcscMonitor
from hardware.virtual.link import CardLink
from kiosk.contract.messages import Heartbeat
from kiosk.station import states as s
from kiosk.station.executor import Actions
from kiosk.station.loop import StationLoop
from screens.theme import Appearance
from tests.e2e.in_process_station import FOR_EVER
from tests.e2e.swapping import Crowd, Holder, Reactor, SlowChip
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import start_empty
from tests.support.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.hardware

SWAPS = 40
PULLED_AT = (s.Reading, s.Menu, s.ConfirmOwner, s.EnterPin, s.NewPin, s.RepeatPin, s.Working)
AT_THE_END = (s.Success, s.Refused, s.RemoveCard, s.NotReached)
"""Pages that the visit may come to first, and stay on."""


@pytest.fixture
def holders() -> tuple[Holder, Holder]:
    return (
        Holder("Ada Quill", ("739154", "480593"), "73918264"),
        Holder("Ben Carter", ("618203", "950371"), "50283746"),
    )


@pytest.fixture
def links(pcscd: HotplugPcscd, holders: tuple[Holder, Holder]) -> Iterator[list[CardLink]]:
    start_empty(pcscd)
    chance = random.Random(7)
    links = [CardLink(SlowChip(holder.card, chance), pcscd.slots[0]) for holder in holders]
    yield links
    for link in links:
        link.remove()


@pytest.fixture
async def app(links: list[CardLink], holders: tuple[Holder, Holder]) -> AsyncIterator[Reactor]:
    chance = random.Random(12)
    crowd, cards = Crowd(holders, chance), PcscCards([load_driver("piv", "puk")])
    faults: list[object] = []
    actions = Actions(crowd, cards, Heartbeat())
    loop = StationLoop(actions, PcscMonitor, lambda *fault: faults.append(fault), FOR_EVER)
    app = Reactor(loop, Appearance(motion=False, shown_s=0.0), faults.append)
    app.crowd, app.chance, app.submit = crowd, chance, loop.submit
    async with app.run_test(size=(80, 24)):
        yield app
        await loop.stop()
    assert faults == []


async def test_what_belongs_to_one_never_reaches_the_other(
    app: Reactor, holders: tuple[Holder, Holder], links: list[CardLink]
) -> None:
    chance = random.Random(7)
    served = 0
    for turn in range(SWAPS):
        whose = turn % 2
        link = links[whose]
        link.insert()
        waits = app.serves(holders[whose]) if chance.random() < 0.6 else app.reads()
        is_served = await waits
        if is_served:
            await app.until(chance.choice(PULLED_AT), *AT_THE_END)
        await asyncio.to_thread(link.remove)
        if not is_served:  # too quick to be seen as two cards: what the page says is done
            await app.until(s.Attract)
        served += is_served
    await _pull_before_the_answer(app, links[0])
    for holder in holders:
        assert holder.strangers() == []
        assert holder.card.state.pin.left == holder.card.state.pin.limit
        assert holder.card.state.puk.left == holder.card.state.puk.limit
    assert app.mixed == []
    assert served > SWAPS / 2
    # Or else nothing was under way when the cards were swapped.
    assert app.acts >= {s.Menu, s.ConfirmOwner, s.EnterPin, s.NewPin, s.RepeatPin}
    assert app.crowd.late > 0


async def _pull_before_the_answer(app: Reactor, link: CardLink) -> None:
    """Have one answer come after its visit, however quick the others were."""
    crowd = app.crowd
    await app.until(s.Attract)
    crowd.gate.clear()
    crowd.waiting.clear()
    link.insert()
    assert await asyncio.to_thread(crowd.waiting.wait, PATIENCE_S)
    ended, late = len(crowd.ended), crowd.late
    await asyncio.to_thread(link.remove)
    await asyncio.to_thread(wait_for, lambda: len(crowd.ended) > ended, "its end")
    crowd.gate.set()
    await asyncio.to_thread(wait_for, lambda: crowd.late > late, "the answer")
    await app.until(s.Attract)
