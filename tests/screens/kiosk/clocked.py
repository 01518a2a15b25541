"""An app whose clock is set by hand, and a few states for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import chain, repeat

from msgspec.structs import replace

from kiosk.contract.messages import Factor, Purpose
from kiosk.station.commands import Prepare
from kiosk.station.states import CodeEntry, Menu, Work, Working
from screens.kiosk.app import KioskApp
from tests.screens.idle_app import PATIENCE_S, still
from tests.screens.kiosk.pictures import STILL, PictureApp
from tests.screens.kiosk.samples import CODE, ROUTE, UNLOCK, VISIT, VISIT_ID
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.steps import offers

MENU = Menu(VISIT, offers(Purpose.UNLOCK))
WORKING = Working(
    UNLOCK, Work.CHECKING_CODE, Prepare(VISIT_ID, "1", Factor.EMAIL_CODE, ROUTE.id), None
)
CODE_ENTRY = CodeEntry(UNLOCK, CODE)


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def app_with(
    desk: StillStation, shown_s: float = 0.0, clock: Callable[[], float] | None = None
) -> PictureApp:
    look = replace(STILL, shown_s=shown_s)
    return PictureApp(desk, look, lambda error: None, now=clock or Watch())


def shown(app: PictureApp) -> str:
    return "\n".join(screen_lines(app))


async def until(app: KioskApp, true: Callable[[], bool]) -> None:
    """Let ten seconds pass, or fewer, until a timer has done something.

    A thread that has to do its part first gets as long as it needs.
    """
    gives_up = time.monotonic() + PATIENCE_S
    for seconds in chain([0.1] * 100, repeat(0.0)):
        await still(seconds)
        if true():
            return
        if not seconds:
            await asyncio.to_thread(time.sleep, 0.01)
        if time.monotonic() > gives_up:
            raise AssertionError(screen_lines(app))
