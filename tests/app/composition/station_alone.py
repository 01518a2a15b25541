"""The station's program with a stubbed authority: it lives one unlock and lists its modules.

Run as ``python -m tests.app.composition.station_alone``; a blocked card is in the reader.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from kiosk.app.composition.cards import build_cards
from kiosk.app.composition.station import appearance_of, build_station
from kiosk.config.settings import Settings
from kiosk.contract.messages import Heartbeat, ReaderState
from kiosk.station.commands import Command
from kiosk.station.events import ResultSide
from kiosk.station.executor import Actions
from kiosk.station.states import Outage
from screens.kiosk.app import KioskApp
from screens.kiosk.page import Page
from tests.station.fakes import FakeAuthority

KEYS = {
    "ConfirmOwnerPage": ("right", "enter"),
    "AskQuestionPage": (*"leeds", "enter"),
    "CodeEntryPage": (*"12345678", "enter"),
    "NewPinPage": (*"60514273", "enter"),
    "RepeatPinPage": (*"60514273", "enter"),
}
LAST = "SuccessPage"


class StubbedExecutor:
    """Carries commands out on the card in the reader and on an authority that agrees to all."""

    stale = False

    def __init__(self, settings: Settings) -> None:
        cards = build_cards(settings, os.environ)
        self._actions = Actions(FakeAuthority(), cards, Heartbeat())

    def perform(self, command: Command) -> ResultSide | None:
        return self._actions.perform(command)

    def check_authority(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        return self._actions.check_authority(reader, idle=idle)

    def close(self) -> None:
        pass


async def live(app: KioskApp) -> list[str]:
    """Answer each page until the last; return the pages in their order."""
    answered: list[Page] = []
    async with app.run_test() as pilot, asyncio.timeout(120):
        while not answered or type(answered[-1]).__name__ != LAST:
            page = app.screen
            if isinstance(page, Page) and page.drawn.is_set() and page not in answered:
                keys = KEYS.get(type(page).__name__, ())
                if keys or type(page).__name__ == LAST:
                    answered.append(page)
                    await pilot.press(*keys)
            await asyncio.sleep(0.01)
    return [type(page).__name__ for page in answered]


def fault(error: BaseException) -> None:
    raise error


def main() -> None:
    settings = Settings()
    loop, close = build_station(settings, lambda: StubbedExecutor(settings))
    pages = asyncio.run(live(KioskApp(loop, appearance_of(settings), fault)))
    close()
    sys.stdout.write(json.dumps({"pages": pages, "modules": sorted(sys.modules)}))


if __name__ == "__main__":
    main()
