"""On a large display the main pages are larger, and their keys are where they are drawn."""

from __future__ import annotations

from functools import cache

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from kiosk.station.states import EnterPin
from screens.widgets.fields import Cells
from screens.widgets.keys import Keypad
from tests.screens import idle_app
from tests.screens.kiosk.pictures import LARGE, Picture, app_for, pictures
from tests.screens.kiosk.samples import REGISTER, Sample, samples
from tests.screens.pilots import settled

MAIN = (
    "attract",
    "menu-registered",
    "menu-five",
    "confirm-owner",
    "ask-question",
    "pick-question",
    "email",
    "code",
    "new-pin-half",
    "refused-until",
    "success-unlock",
)


@cache
def _taken() -> dict[str, Picture]:
    every = samples()
    return idle_app.run(pictures({name: every[name] for name in MAIN}, LARGE))


@pytest.mark.parametrize("name", MAIN)
def test_page(name: str, snapshot: SnapshotAssertion) -> None:
    picture = _taken()[name]
    assert not picture.faults, "\n".join(picture.faults)
    assert picture.svg == snapshot.use_extension(SVGImageExtension)


async def test_key_takes_a_touch_up_to_its_edges() -> None:
    app = app_for(Sample(EnterPin(REGISTER)))
    async with app.run_test(size=LARGE) as pilot:
        await settled(pilot)
        for x, y in ((0, 0), (12, 4), (13, 5), (38, 14), (13, 15)):
            await pilot.click(Keypad, offset=(x, y))
        assert app.screen.query_one(Cells).digits == "11590"
