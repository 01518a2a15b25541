"""What moves by itself: slowly, within its own cells, and not at all where motion is off."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from kiosk.contract.messages import Factor
from kiosk.station.commands import Prepare
from kiosk.station.states import Attract, RemovalReason, RemoveCard, State, Work, Working
from screens.widgets.pictures import HEIGHT, ActivityIndicator, Drawing, big, small, written
from screens.words import waiting as words
from tests.screens.geometry import layout_faults
from tests.screens.idle_app import still
from tests.screens.kiosk.pictures import SIZES, STILL, app_for
from tests.screens.kiosk.samples import ROUTE, UNLOCK, VISIT_ID, Sample
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines

MOVING = replace(STILL, motion=True)
WORKING = Working(
    UNLOCK, Work.SETTING_PIN, Prepare(VISIT_ID, "1", Factor.EMAIL_CODE, ROUTE.id), None
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [Attract(), RemoveCard(VISIT_ID, RemovalReason.LEFT)])
async def test_the_picture_stays_in_its_cells_all_the_way(
    state: State, size: tuple[int, int]
) -> None:
    app = app_for(Sample(state), MOVING)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        drawing = app.screen.query_one(Drawing)
        seen = set()
        for _ in range(60):
            picture = drawing.render().plain
            seen.add(picture)
            assert {cell_len(line) for line in picture.split("\n")} == {drawing.content_size.width}
            assert picture.count("\n") == HEIGHT - 1
            drawing._advance()
        assert not layout_faults(app)
        assert 20 < len(seen) < 40  # it moves, and rests


async def test_waiting_marches() -> None:
    app = app_for(Sample(WORKING), MOVING)
    async with app.run_test() as pilot:
        await settled(pilot)
        squares = app.screen.query_one(ActivityIndicator)
        first = squares.render().plain
        await still(1)
        assert squares.render().plain != first


@pytest.mark.parametrize("state", [Attract(), RemoveCard(VISIT_ID, RemovalReason.LEFT), WORKING])
async def test_nothing_moves_where_motion_is_off(state: State) -> None:
    app = app_for(Sample(state), STILL)
    async with app.run_test() as pilot:
        await settled(pilot)
        before = screen_lines(app)
        await still(1)
        assert screen_lines(app) == before


def test_the_letters_fit_the_smallest_card() -> None:
    assert {len(row) for row in small(written(words.BANNER))} == {52}
    assert len(small(written(words.BANNER))) == 3
    assert max(len(row) for word in words.BANNER.split() for row in big(written(word))) <= 68


def test_every_letter_is_drawn_and_what_is_none_is_left_out() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert len({tuple(small(written(letter))) for letter in letters}) == len(letters)
    assert small(written("A!é")) == small(written("A"))
