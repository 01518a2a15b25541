"""What the page of a code keeps saying when its holder comes back to it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import Purpose
from kiosk.station.states import (
    CodeEntry,
    CodeLack,
    CodeNeeded,
    CodeNotice,
    EnterEmail,
    VisitState,
)
from screens.kiosk.page import Page
from tests.screens.kiosk.pictures import app_for
from tests.screens.kiosk.samples import CHANGE_EMAIL, CODE, EMAIL, REGISTER, SEND, UNLOCK, Sample
from tests.screens.pilots import settled, type_keys
from tests.screens.shown import screen_lines
from tests.support.steps import offers

LEFT = replace(CODE, tries_left=4)


async def _shown(state: CodeEntry) -> str:
    app = app_for(Sample(state))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        return "\n".join(screen_lines(app))


@pytest.mark.parametrize("notice", [None, *CodeNotice])
async def test_tries_that_were_shown_once_stay_in_sight(notice: CodeNotice | None) -> None:
    """After a wrong entry comes the sentence that it is too soon for another code."""
    text = await _shown(CodeEntry(UNLOCK, LEFT, notice, wrong=notice is None))
    assert text.lower().count("four tries left") == 1


@pytest.mark.parametrize("visit", [REGISTER, CHANGE_EMAIL])
async def test_who_comes_back_reads_how_to_correct_the_address(visit: VisitState) -> None:
    assert visit.purpose is not None
    back = replace(visit, instead=offers(Purpose.CHANGE_PIN, visit.purpose))
    assert "correct the address" in await _shown(CodeEntry(back, CODE, resumed=True))


@pytest.mark.parametrize(
    "state",
    [
        CodeEntry(CHANGE_EMAIL, CODE, resumed=True),
        CodeEntry(
            replace(CHANGE_EMAIL, instead=offers(Purpose.CHANGE_EMAIL)),
            replace(CODE, proves_owner=True),
            resumed=True,
        ),
    ],
    ids=["the menu does not offer it", "it went to the recorded address"],
)
async def test_an_address_that_cannot_be_corrected_there_has_no_such_hint(
    state: CodeEntry,
) -> None:
    assert "correct the address" not in await _shown(state)


ADDRESS = EnterEmail(REGISTER, EMAIL, EMAIL.suggested)
ELSEWHERE = replace(REGISTER, instead=offers(Purpose.CHANGE_PIN))


@pytest.mark.parametrize(
    "state",
    [
        CodeEntry(ELSEWHERE, CODE, entered_on=ADDRESS),
        CodeEntry(UNLOCK, CODE),
        CodeNeeded(ELSEWHERE, SEND, CodeLack.EXPIRED, entered_on=ADDRESS),
    ],
    ids=["all links", "one link", "no code"],
)
async def test_the_arrows_go_down_the_page_through_the_links_to_the_buttons(
    state: CodeEntry | CodeNeeded,
) -> None:
    """Before: Down passed over the links, to the button that ends the visit."""
    app = app_for(Sample(state))
    rows = []
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        page = app.screen
        assert isinstance(page, Page)
        links = len(page.query(".-line"))
        assert links
        for _ in range(links + 1):
            await type_keys(pilot, ("down",))
            assert page.focus_order.chosen is not None
            rows.append(page.focus_order.chosen.region.y)
        assert page.focus_order.chosen is page.stop
    assert rows == sorted(set(rows)), "from top to bottom, each once"
