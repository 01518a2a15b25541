"""A running station for the tests of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kiosk.station import states as s
from tests.station.rig import Rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.until(s.Attract)
    yield rig
    await rig.loop.stop()
    await asyncio.wait_for(rig.task, 60)
    assert not rig.monitor.running
