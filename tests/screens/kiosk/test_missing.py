"""Enter on a page that lacks something says what, and the next key takes the note away."""

from __future__ import annotations

import pytest

from kiosk.contract.messages import GiveEmail
from kiosk.station.states import (
    AskQuestion,
    CodeEntry,
    EnterEmail,
    EnterPin,
    HolderState,
    NewPin,
    StopNumberEntry,
)
from screens.words import frame, pin
from tests.screens.kiosk.clocked import app_with, shown
from tests.screens.kiosk.samples import ASKED, CODE, REGISTER, REPORT, RULES, STOP, UNLOCK
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_desk import StillDesk
from tests.support.steps import STEP


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EnterPin(REGISTER), "Please enter 4 to 8 digits first."),
        (CodeEntry(UNLOCK, CODE), "Please enter 8 digits first."),
        (StopNumberEntry(REPORT, STOP), "Please enter 8 digits first."),
        (NewPin(UNLOCK, RULES), pin.KEEP_RULES),
        (AskQuestion(UNLOCK, ASKED), frame.ENTER_TEXT),
        (EnterEmail(REGISTER, GiveEmail("", (), position=STEP)), frame.ENTER_TEXT),
    ],
)
async def test_enter_says_what_is_missing(state: HolderState, said: str) -> None:
    desk = StillDesk()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(state)
        await settled(pilot)
        assert said not in shown(app)
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert said in shown(app)
        await type_keys(pilot, ["1"])
        await settled(pilot)
        assert said not in shown(app)
    assert not desk.heard
