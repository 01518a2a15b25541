"""A strip of the demo's below every page: the page makes room, and gives its keys away."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.content import Content
from textual.widget import Widget

from screens.theme import ExtraBar
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import Sample, one_of_each
from tests.screens.pilots import settled, type_keys
from tests.screens.shown import screen_lines


class Band(Widget, inherit_bindings=False):
    """Says who it is, at the foot."""

    DEFAULT_CSS = "Band { dock: bottom; }"

    def render(self) -> Content:
        return Content("the demo's strip")


class Table:
    """A strip of three rows that wants one key."""

    rows = 3

    def __init__(self) -> None:
        self.pressed: list[str] = []

    def widget(self) -> Widget:
        return Band()

    def key(self, key: str) -> bool:
        self.pressed.append(key)
        return key == "f6"


@pytest.mark.parametrize("size", [(80, 24), (60, 23), (120, 36)])
async def test_every_page_makes_room_for_it(size: tuple[int, int]) -> None:
    extra_bar: ExtraBar = Table()
    states = one_of_each()
    app = app_for(Sample(states[0]), replace(STILL, extra_bar=extra_bar))
    async with app.run_test(size=size) as pilot:
        for state in states:
            await app.show(state)
            await settled(pilot)
            assert not layout_faults(app)
            assert "the demo's strip" in screen_lines(app)[-3]


@pytest.mark.parametrize(
    ("size", "told"), [((60, 22), True), ((60, 20), True), ((59, 23), True), ((60, 23), False)]
)
async def test_terminal_without_room_for_strip_and_page_says_so(
    size: tuple[int, int], told: bool
) -> None:
    app = app_for(Sample(one_of_each()[0]), replace(STILL, extra_bar=Table()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert ("Too small: needs 60 x 23" in screen_lines(app)[0]) is told


async def test_terminal_that_becomes_too_low_says_so_for_as_long_as_it_is() -> None:
    app = app_for(Sample(one_of_each()[0]), replace(STILL, extra_bar=Table()))
    async with app.run_test(size=(60, 23)) as pilot:
        for rows in (20, 23):
            await pilot.resize_terminal(60, rows)
            await settled(pilot)
            assert ("Too small" in screen_lines(app)[0]) is (rows < 23)


async def test_keys_of_the_strip_leave_the_page_alone() -> None:
    table = Table()
    app = app_for(Sample(one_of_each()[0]), replace(STILL, extra_bar=table))
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ("f6", "f2"))
    assert table.pressed == ["f6"]
