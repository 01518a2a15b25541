"""Whom to ask and when: on every page, whole, and once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import Purpose
from kiosk.station.states import Attract, EnterPin, Menu
from screens.words import choices, frame
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import REGISTER, VISIT, Sample, one_of_each
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines
from tests.support.steps import offers

EACH_SIZE = pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])


@EACH_SIZE
async def test_contact_and_hours_are_on_every_page_once(size: tuple[int, int]) -> None:
    """Before: a refusal said them twice, and the hours were on no page of 60 columns."""
    states = [*one_of_each(), Menu(VISIT, offers(Purpose.CHANGE_PIN), blocked=True)]
    app = app_for(Sample(states[0]))
    async with app.run_test(size=size) as pilot:
        for state in states:
            await app.show(state)
            await settled(pilot)
            text = "\n".join(screen_lines(app))
            assert (text.count("Level 1, West Wing"), text.count(STILL.hours)) == (1, 1), text


@pytest.mark.parametrize(
    ("contact", "reads"),
    [
        ("Card desk, extension 4400", "Need help? Card desk, extension 4400"),
        ("Registration Authority, Level 1, West Wing, room 12, extension 4400", "extension 4400."),
    ],
    ids=["short", "long"],
)
async def test_hours_stand_beside_the_reference_at_60_columns(contact: str, reads: str) -> None:
    hours = "Weekdays 8 to 6"
    app = app_for(Sample(EnterPin(REGISTER)), replace(STILL, contact=contact, hours=hours))
    async with app.run_test(size=(60, 20)) as pilot:
        await settled(pilot)
        bar = "\n".join(screen_lines(app)[-2:])
    assert reads in bar
    assert hours in bar
    assert frame.REFERENCE in bar


@EACH_SIZE
async def test_what_registering_is_for_is_said_before_a_pin_is_asked(size: tuple[int, int]) -> None:
    """Before: the last page said it."""
    app = app_for(Sample(Attract()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert "so that you can unlock it" in "\n".join(screen_lines(app))
        await app.show(Menu(VISIT, offers(Purpose.REGISTER, Purpose.CHANGE_PIN)))
        await settled(pilot)
        assert choices.WHY_REGISTER in " ".join(" ".join(screen_lines(app)).split())
        await app.show(Menu(VISIT, offers(Purpose.UNLOCK, Purpose.CHANGE_PIN)))
        await settled(pilot)
        assert "Register" not in "\n".join(screen_lines(app))


async def test_after_an_unlock_stop_says_not_now_and_that_the_card_stays_unlocked() -> None:
    app = app_for(Sample(EnterPin(replace(REGISTER, unlocked=True))))
    async with app.run_test() as pilot:
        await settled(pilot)
        text = "\n".join(screen_lines(app))
        assert frame.NOT_NOW in text
        assert "leaves it" in text
        assert frame.STOP not in text
