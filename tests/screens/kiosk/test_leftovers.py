from __future__ import annotations

import gc
import uuid
import weakref
from typing import cast

import pytest
from msgspec.structs import replace
from textual.widget import Widget

from kiosk.contract.messages import GiveEmail, VisitId
from kiosk.contract.sensitive import Sensitive
from kiosk.station.states import (
    AskQuestion,
    Attract,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    HolderState,
    Menu,
    NewPin,
    OutOfService,
    Reading,
    Refused,
    RemoveCard,
    State,
    StillThere,
    VisitState,
    visit_of,
)
from screens.kiosk.app import AttractPage
from screens.kiosk.page import Page
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import app_with, shown
from tests.screens.kiosk.samples import ASKED, BANK, CHOOSE, REGISTER, RULES, UNLOCK, one_of_each
from tests.screens.pilots import settled, touch_at, type_keys
from tests.screens.recording_station import StillStation
from tests.support.steps import STEP


def _left_over(visit: VisitId) -> list[object]:
    gc.collect()
    return [
        thing
        for thing in gc.get_objects()
        if (type(thing) is VisitState and thing.id == visit)
        or (isinstance(thing, Page) and thing.visit == visit)
    ]


async def test_pulling_the_card_on_any_page_leaves_nothing_of_the_visit() -> None:
    own = VisitId("c0ffee" + "0" * 26)
    app = app_with(StillStation())
    pages: list[weakref.ref[Widget]] = []
    async with app.run_test() as pilot:
        await settled(pilot)
        for example in filter(visit_of, one_of_each()):
            await app.show(_of_visit(example, own))
            await type_keys(pilot, ("6", "0", "4", "down"))
            await touch_at(pilot, 2, 22)
            pages.append(weakref.ref(app.screen))
            await app.show(Attract())
            await settled(pilot)
            assert isinstance(app.screen, AttractPage)
            assert len(app.screen_stack) == 2
        await still(1)  # asyncio keeps a cancelled timer until it would have gone off
        assert not _left_over(own)
        assert not [ref() for ref in pages if ref() is not None]


def _of_visit(state: State, own: VisitId) -> State:
    """Return the same page of another visit, so that it can be told from the samples."""
    match state:
        case StillThere():
            return StillThere(cast(HolderState, _of_visit(state.inner, own)))
        case Reading() | Refused() | RemoveCard():
            return replace(state, visit=own)
        case Attract() | OutOfService():
            return state
        case _:
            return replace(state, visit=replace(state.visit, id=own))


def _strings_with(text: str) -> list[str]:
    gc.collect()
    return [
        held
        for thing in gc.get_objects()
        for held in gc.get_referents(thing)
        if type(held) is str and text in held and held is not text
    ]


def _fresh_text() -> str:
    """Return a text that is no constant of any code."""
    return uuid.uuid4().hex[:12]


@pytest.mark.parametrize(
    ("state", "keys"),
    [
        (AskQuestion(UNLOCK, ASKED), ("f3",)),
        (GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), ()),
        (EnterEmail(REGISTER, GiveEmail("", (), position=STEP)), ()),
    ],
    ids=["asked", "given", "email"],
)
async def test_what_was_typed_is_nowhere_after_the_visit(
    state: State, keys: tuple[str, ...]
) -> None:
    typed = _fresh_text()
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(state)
        await type_keys(pilot, (*keys, *typed))
        assert typed in shown(app)
        await app.show(Attract())
        await settled(pilot)
        assert typed not in shown(app)
        assert not _strings_with(typed)


async def test_whose_card_it_was_is_nowhere_after_the_visit() -> None:
    name = _fresh_text()
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        for page in (Menu, ConfirmOwner):
            visit = replace(UNLOCK, holder_name=name)
            await app.show(Menu(visit, ()) if page is Menu else ConfirmOwner(visit))
            del visit
            assert name in shown(app)
        await app.show(Attract())
        await settled(pilot)
        assert not _strings_with(name)


async def test_a_pin_is_never_drawn() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        for state in (EnterPin(REGISTER), NewPin(UNLOCK, RULES)):
            await app.show(state)
            await type_keys(pilot, "604918")
            assert "●" in shown(app)
            assert "604918" not in shown(app).replace(" ", "").replace("│", "")


async def test_a_report_carries_the_secret_and_the_page_forgets_it() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(EnterPin(REGISTER))
        await type_keys(pilot, "604918")
        await type_keys(pilot, ("enter",))
        assert "│ _ │   │   │   │" in shown(app)
        (event,) = desk.heard
        assert getattr(event, "pin", None) == Sensitive("604918")
        assert "604918" not in repr(event)


async def test_what_a_page_tells_of_itself_has_no_typed_digit() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(EnterPin(REGISTER))
        await type_keys(pilot, "7")
        page = cast("Page", app.screen)
        assert page.context.last_key.key == "7"
        assert "'7'" not in repr(page.context)
