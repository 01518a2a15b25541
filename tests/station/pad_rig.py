"""A running station whose reader has keys for PINs."""

from __future__ import annotations

import asyncio

from kiosk.station import states as s
from kiosk.station.loop import IdleTimes
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.rig import Rig


def pad_rig(
    *endings: Exception | None,
    authority: FakeAuthority | None = None,
) -> Rig:
    """``endings`` say how each asking ends, as ``FakeCards.on_pad`` does."""
    cards = FakeCards(pin_pad=True, on_pad=list(endings))
    return Rig(IdleTimes(60, 20, 60), cards=cards, authority=authority or FakeAuthority())


async def close(rig: Rig) -> None:
    """Stop the station, and wait until it has ended."""
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)


async def on_the_pad(rig: Rig) -> None:
    """Go on until the reader asks, and let it ask until ``gate`` opens."""
    rig.cards.gate.clear()
    await rig.prove_both_factors()
    assert await asyncio.to_thread(rig.cards.waiting.wait, 10)
    await rig.until(s.Working)
