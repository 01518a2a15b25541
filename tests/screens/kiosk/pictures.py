"""Pictures of the display that do not change by themselves: no motion, and a clock that stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from traceback import format_exception
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from kiosk.station.states import Attract
from screens.kiosk.app import KioskApp
from screens.theme import Appearance
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.samples import Sample
from tests.screens.pilots import type_keys
from tests.screens.recording_station import StillStation
from tests.screens.svg import screen_svg

T = TypeVar("T")
R = TypeVar("R")

SIZES = ((80, 24), (60, 20), (120, 36))
LARGE = (160, 50)
STILL = Appearance(motion=False, shown_s=0.0, zone=ZoneInfo("Europe/London"))
NOW = datetime(2026, 7, 14, 15, 40, tzinfo=UTC)


class PictureApp(KioskApp):
    """Draws itself as a small SVG."""

    def export_screenshot(self, **_options: Any) -> str:
        """Draw what shows now."""
        return screen_svg(self)


def app_for(sample: Sample, look: Appearance = STILL) -> PictureApp:
    """Return an app that shows ``sample``; a fault is raised by the test's own harness."""
    seen = replace(look, touch=sample.touch, dark=sample.dark)
    return PictureApp(
        StillStation(sample.state),
        seen,
        lambda error: None,
        now=lambda: 0.0,
        wall_clock=lambda: NOW,
    )


@dataclass(frozen=True)
class Picture:
    """What a sample looks like, and what is wrong with its layout, or why it is not shown."""

    svg: str
    faults: tuple[str, ...]


async def pictures(chosen: Mapping[str, Sample], size: tuple[int, int]) -> dict[str, Picture]:
    """Show ``chosen`` one after the other; all have to agree on touch and surface.

    After one that cannot be shown the others are shown at another station.
    """
    taken = await after_each_error(chosen, partial(_take, size))
    return {
        name: Picture("", ("".join(format_exception(found)),))
        if isinstance(found, Exception)
        else found
        for name, found in taken.items()
    }


async def after_each_error(
    every: Mapping[str, T],
    show: Callable[[Mapping[str, T], dict[str, R | Exception]], Awaitable[None]],
) -> dict[str, R | Exception]:
    """Return what ``show`` finds of each, or its error; the next one then begins a station anew."""
    found: dict[str, R | Exception] = {}
    while left := {name: every[name] for name in every if name not in found}:
        try:
            await show(left, found)
        except Exception as error:  # noqa: BLE001 - the test of what it is about fails by it
            found[next((name for name in left if name not in found), next(reversed(left)))] = error
    return found


async def _take(
    size: tuple[int, int], chosen: Mapping[str, Sample], taken: dict[str, Picture | Exception]
) -> None:
    app = app_for(next(iter(chosen.values())))
    async with app.run_test(size=size) as pilot:
        for name, sample in chosen.items():
            await app.show(sample.state)
            # F1 does nothing, but the last key of one sample is not held into the next.
            await type_keys(pilot, ("f1", *sample.keys) if sample.keys else ())
            assert not app.return_code, "the station has ended"
            taken[name] = Picture(app.export_screenshot(), tuple(layout_faults(app)))
            if "f3" in sample.keys:  # what one holder chose is forgotten with the visit
                await app.show(Attract())
