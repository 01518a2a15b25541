"""Lives one unlock: the real station, authority, database, relay and reader, a virtual card."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import weakref
from pathlib import Path

from msgspec.structs import replace
from textual.screen import Screen

from campaigns.one_unlock.recording import Recording
from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import PrivatePcscd
from kiosk.app.composition.station import LocalExecutor, build_station
from kiosk.app.demo.estate import ANSWERS, DemoPerson, cast, make_estate, register
from kiosk.app.demo.mailbox import Mailbox
from kiosk.config.settings import Settings
from kiosk.contract.errors import KioskError
from kiosk.station.loop import StationLoop
from kiosk.station.states import AskQuestion
from screens.kiosk.app import AttractPage, KioskApp
from screens.kiosk.choices import ConfirmOwnerPage
from screens.kiosk.codes import CodeEntryPage
from screens.kiosk.ends import SuccessPage
from screens.kiosk.page import Page
from screens.kiosk.pin import NewPinPage, RepeatPinPage
from screens.kiosk.questions import AskQuestionPage
from tests.screens import idle_app
from tests.screens.kiosk.pictures import STILL
from tests.screens.pilots import type_keys
from tests.support.pcsc import wait_for_presence

NEW_PIN = "582936"
_PATIENCE_S = 120
_CODE = re.compile(r"Your code:\s+(\d{4}) (\d{4})\b")


def live(recording: Recording) -> None:
    """Unlock the card of the demo's registered person, and record it from card in to card out."""
    with tempfile.TemporaryDirectory(prefix="kiosk-trace-") as name:
        directory = Path(name)
        pcscd, mailbox = PrivatePcscd(directory / "pcsc"), Mailbox(directory / "mail")
        pcscd.start()
        os.environ.update(pcscd.env)
        try:
            actors = cast()
            settings = _unhurried(make_estate(directory, mailbox.start(), actors))
            register(settings, os.environ, actors[0], mailbox)
            link = CardLink(actors[0].chip, pcscd.slots[0])
            wait_for_presence(pcscd.slots[0].reader, present=False)
            with recording.installed():
                idle_app.run(_unlock(settings, recording, link, mailbox))
            _check(actors[0])
        finally:
            mailbox.stop()
            pcscd.stop()


def _unhurried(settings: Settings) -> Settings:
    """Nobody goes idle and no card is given up while each call is written down."""
    patient = replace(settings.station, idle_s=600.0, card_timeout_s=60.0)
    return replace(settings, station=patient)


def _check(person: DemoPerson) -> None:
    if person.chip.state.pin.left != person.chip.state.pin.limit:
        raise KioskError("the card was not unlocked")


async def _unlock(
    settings: Settings, recording: Recording, link: CardLink, mailbox: Mailbox
) -> None:
    executor = LocalExecutor(settings, os.environ)
    loop, close = build_station(settings, lambda: executor)
    person = _Person(KioskApp(loop, STILL, _fail))
    try:
        async with person.app.run_test() as pilot:
            await person.sees(AttractPage)
            recording.on = True
            link.insert()
            await person.sees(ConfirmOwnerPage)
            await type_keys(pilot, ("right", "enter"))
            for _ in range(settings.policy.questions_asked):
                await person.sees(AskQuestionPage)
                await type_keys(pilot, (*_answer(loop), "enter"))
            await person.sees(CodeEntryPage)
            await type_keys(pilot, (*_code(mailbox), "enter"))
            for kind in (NewPinPage, RepeatPinPage):
                await person.sees(kind)
                await type_keys(pilot, (*NEW_PIN, "enter"))
            await person.sees(SuccessPage)
            link.remove()
            await person.sees(AttractPage)
            await loop.stop()
            recording.on = False
    finally:
        link.remove()
        close()


def _fail(error: BaseException) -> None:
    raise error


def _answer(loop: StationLoop) -> str:
    if not isinstance(loop.state, AskQuestion):
        raise TypeError(f"no question is asked: {loop.state}")
    return ANSWERS[loop.state.question.id]


def _code(mailbox: Mailbox) -> str:
    found = _CODE.search(mailbox.messages()[-1].text)
    if found is None:
        raise LookupError("the last mail has no code")
    return "".join(found.groups())


class _Person:
    """Waits for each page in turn; a page that was seen before is not the next one."""

    def __init__(self, app: KioskApp) -> None:
        self.app = app
        self._seen: weakref.ref[Screen[object]] | None = None

    async def sees(self, kind: type[Page]) -> None:
        """Wait until a new page of this kind is up and drawn."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not self._is_up(kind):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{self.app.screen} is up, not {kind.__name__}") from None
        self._seen = weakref.ref(self.app.screen)

    def _is_up(self, kind: type[Page]) -> bool:
        screen = self.app.screen
        is_new = self._seen is None or screen is not self._seen()
        return is_new and isinstance(screen, kind) and screen.drawn.is_set()
