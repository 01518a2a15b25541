"""Pictures of the glass that do not change by themselves: no motion, no clock, no web fonts."""

from __future__ import annotations

from dataclasses import replace

from textual.pilot import Pilot

from screens.kiosk_app import KioskApp
from screens.look import Look
from tests.screens.desks import StillDesk
from tests.screens.samples import Sample
from tests.screens.svg import screen_svg

SIZES = ((80, 24), (60, 20), (120, 36))
STILL = Look(motion=False, hold_s=0.0)


def app_for(sample: Sample, look: Look = STILL) -> KioskApp:
    """Return an app that shows ``sample``, its clock standing still."""
    seen = replace(look, touch=sample.touch, dark=sample.dark)

    def fault(error: BaseException) -> None:
        raise error

    return KioskApp(StillDesk(sample.state), seen, fault, now=lambda: 0.0)


async def settle(pilot: Pilot[int], sample: Sample) -> None:
    """Press the sample's keys and wait until all is drawn."""
    await pilot.pause()
    for key in sample.keys:
        await pilot.press(key)
    await pilot.pause()


async def picture(sample: Sample, size: tuple[int, int], look: Look = STILL) -> str:
    """Return ``sample`` as SVG."""
    app = app_for(sample, look)
    async with app.run_test(size=size) as pilot:
        await settle(pilot, sample)
        return screen_svg(app)
