"""A second card in a second reader, at a station on real readers."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from hardware.monitor import PcscMonitor
from hardware.virtual.link import CardLink
from hardware.virtual.piv import VirtualCard, new_card, padded
from kiosk.contract.messages import UnblockDone
from kiosk.contract.ports import PostReaderEvent
from kiosk.station import states as s
from tests.station.rig import PIN, Rig
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import start_empty

pytestmark = pytest.mark.hardware

RESET_RETRY_COUNTER = 0x2C
PUK = "87654321"
"""What the fake authority releases."""


class WaitingChip:
    """A card that answers RESET RETRY COUNTER when it is let."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self.asked, self.let = Event(), Event()

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        if command[1] == RESET_RETRY_COUNTER:
            self.asked.set()
            self.let.wait(30)
        return self.card.transmit(command)


class RealReaders(Rig):
    """The station of the tests, on real readers; the authority is a fake."""

    link: CardLink

    def _monitor(self, post: PostReaderEvent) -> PcscMonitor:  # type: ignore[override]
        return PcscMonitor(post)

    async def insert(self, insertion: int = 1) -> None:
        self.link.insert()
        await self.until(s.ConfirmOwner)


async def test_visit_ends_with_its_card_and_the_second_card_is_served_once_it_is_put_in_again(
    pcscd: HotplugPcscd,
) -> None:
    start_empty(pcscd)
    first = CardLink(new_card(blocked=True, holder_name="Asha Patel", puk=PUK), pcscd.slots[0])
    second = CardLink(new_card(blocked=True, holder_name="Ben Carter", puk=PUK), pcscd.slots[1])
    rig = RealReaders(cards=PcscCards([load_driver("piv", "puk")]))  # type: ignore[arg-type]
    rig.link = first
    try:
        await rig.insert()
        second.insert()
        await rig.until(s.Refused)
        await asyncio.to_thread(first.remove)
        asked = await rig.until(s.RemoveCard)
        assert asked == s.RemoveCard(rig.authority.begun[0], s.RemovalReason.OTHER_CARD)
        await asyncio.to_thread(second.remove)
        await rig.until(s.Attract)
        second.insert()
        await rig.until(s.ConfirmOwner)
        read = [state.reader for state in rig.seen if isinstance(state, s.Reading)]
        assert read == list(pcscd.reader_names[:2])
        assert len(rig.authority.begun) == 2
    finally:
        await asyncio.to_thread(first.remove)
        await asyncio.to_thread(second.remove)
    await rig.until(s.Attract)
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 30)
    assert rig.faults == []


async def test_second_card_is_answered_once_the_pin_is_seen_to_be_set(
    pcscd: HotplugPcscd,
) -> None:
    start_empty(pcscd)
    chip = WaitingChip(new_card(blocked=True, holder_name="Asha Patel", puk=PUK))
    second = CardLink(new_card(holder_name="Ben Carter"), pcscd.slots[1])
    cards = PcscCards([load_driver("piv", "puk")])
    rig = RealReaders(cards=cards)  # type: ignore[arg-type]
    rig.link = CardLink(chip, pcscd.slots[0])
    try:
        await rig.reach_new_pin()
        rig.set_pin()
        assert await asyncio.to_thread(chip.asked.wait, 30)
        second.insert()
        await rig.until_second_card()
        chip.let.set()
        await rig.until(s.Success)
        assert chip.card.state.pin.body == padded(PIN.reveal())
        assert rig.authority.outcomes == [UnblockDone()]
        assert not any(isinstance(state, s.Refused) for state in rig.seen)
    finally:
        chip.let.set()
        await asyncio.to_thread(second.remove)
        await asyncio.to_thread(rig.link.remove)
    await rig.until(s.Attract)
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 30)
    assert rig.faults == []
