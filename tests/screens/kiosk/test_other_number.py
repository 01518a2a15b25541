"""A code is typed where a stop number belongs, and the other way round: no try is spent."""

from __future__ import annotations

import pytest

from kiosk.contract.messages import Code
from kiosk.contract.policy import FEWEST_CODE_DIGITS, MOST_CODE_DIGITS, STOP_NUMBER_DIGITS
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import EntryMade, StopNumberEntered
from kiosk.station.states import CodeEntry, StopNumberEntry
from screens.widgets.prose import Note
from screens.words import choices, email
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.clocked import app_with
from tests.screens.kiosk.pictures import SIZES, PictureApp
from tests.screens.kiosk.samples import CODE, REPORT, STOP, UNLOCK, VISIT_ID
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_station import StillStation

NUMBER = "402817396650"
EACH_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def notes(app: PictureApp) -> str:
    return "".join(str(note.content) for note in app.screen.query(Note) if note.region)


def test_no_code_has_as_many_digits_as_a_stop_number() -> None:
    assert not FEWEST_CODE_DIGITS <= STOP_NUMBER_DIGITS <= MOST_CODE_DIGITS


@EACH_SIZE
@pytest.mark.parametrize("wrong", [False, True])
async def test_a_stop_number_is_not_sent_as_a_code(size: tuple[int, int], wrong: bool) -> None:
    station = StillStation()
    app = app_with(station)
    async with app.run_test(size=size) as pilot:
        await app.show(CodeEntry(UNLOCK, CODE, wrong=wrong))
        await type_keys(pilot, NUMBER)
        await settled(pilot)
        assert email.no_code() in notes(app)
        assert not layout_faults(app)
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert email.no_code() in notes(app)
        assert not station.heard
        await type_keys(pilot, [*"40281739", "enter"])
        await settled(pilot)
    assert [type(event) for event in station.heard] == [EntryMade]


async def test_digits_too_many_can_be_a_slip_and_the_code_is_sent() -> None:
    station = StillStation()
    app = app_with(station)
    async with app.run_test() as pilot:
        await app.show(CodeEntry(UNLOCK, CODE))
        await type_keys(pilot, [*NUMBER[:10], "enter"])
        await settled(pilot)
    assert station.heard == [EntryMade(VISIT_ID, Code(Sensitive(NUMBER[:8])))]


async def test_what_is_erased_of_a_stop_number_leaves_a_code() -> None:
    station = StillStation()
    app = app_with(station)
    async with app.run_test() as pilot:
        await app.show(CodeEntry(UNLOCK, CODE))
        await type_keys(pilot, [*NUMBER, "backspace", "9", "enter"])
        await settled(pilot)
    assert [type(event) for event in station.heard] == [EntryMade]


@EACH_SIZE
@pytest.mark.parametrize("digits", [FEWEST_CODE_DIGITS, 8, MOST_CODE_DIGITS])
async def test_a_code_is_not_sent_as_a_stop_number(size: tuple[int, int], digits: int) -> None:
    station = StillStation()
    app = app_with(station)
    async with app.run_test(size=size) as pilot:
        await app.show(StopNumberEntry(REPORT, STOP))
        await type_keys(pilot, [*NUMBER[:digits], "enter"])
        await settled(pilot)
        assert choices.stop_with_code() in notes(app)
        assert not layout_faults(app)
        assert not station.heard
        await type_keys(pilot, [*NUMBER[digits:], "enter"])
        await settled(pilot)
    assert [type(event) for event in station.heard] == [StopNumberEntered]
