"""An app whose clock is set by hand, and a few states for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kiosk.contract.messages import Purpose
from kiosk.station.commands import RequestCode
from kiosk.station.states import CodeEntry, Menu, Work, Working
from screens.kiosk.app import KioskApp
from tests.screens.idle_app import still
from tests.screens.kiosk.pictures import STILL, PictureApp
from tests.screens.kiosk.samples import CODE, UNLOCK, VISIT, VISIT_ID
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.steps import offers

MENU = Menu(VISIT, offers(Purpose.UNLOCK))
WORKING = Working(UNLOCK, Work.CHECKING_CODE, RequestCode(VISIT_ID, "1"), None)
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
    """Let time pass until a timer has done something; fails after ten seconds of it."""
    for _ in range(100):
        await still(0.1)
        if true():
            return
    raise AssertionError(screen_lines(app))
