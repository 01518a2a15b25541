"""Before: digits of a scanner spent a try of the code or of the card's PIN, or pressed a line.

A scanner is a keyboard: it types all that it reads within a moment, and Enter.
"""

from __future__ import annotations

import pytest

from kiosk.contract.messages import Code, GiveEmail, Purpose
from kiosk.station.events import (
    AnswerEntered,
    Chose,
    EntryMade,
    HolderSide,
    Left,
    PinEntered,
    StopNumberEntered,
)
from kiosk.station.states import (
    Attract,
    CodeEntry,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    State,
    StillThere,
    StopNumberEntry,
    Success,
)
from screens.kiosk.page import HELD_S, BottomBar, Page
from screens.kiosk.pin import PinPage
from screens.widgets.fields import Cells, Field
from screens.widgets.prose import Note
from screens.words import frame
from tests.screens.geometry import layout_faults
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import MENU, Watch, app_with
from tests.screens.kiosk.keyboard import SCANNED, keyboard
from tests.screens.kiosk.pictures import SIZES, PictureApp
from tests.screens.kiosk.samples import BANK, CHOOSE, CODE, EMAIL, REGISTER, UNLOCK, one_of_each
from tests.screens.pilots import settled
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines

EACH_PAGE = pytest.mark.parametrize(
    "state",
    [state for state in one_of_each() if not isinstance(state, StillThere)],
    ids=lambda state: type(state).__name__,
)
EMPTY = GiveEmail("", (), position=EMAIL.position)
SUCCESS = Success(UNLOCK, Purpose.UNLOCK)
OTHER_CODES = {
    "EAN-13": b"4006381333931",
    "GS1 with letters": b"]C1010950600013435210ABC123",
    "GS1 with separators": b"01095060001343521725\x1d10ABC123",
    "QR of 26 signs": b"UK1*40718263*BYHWJ0BV*9999",
}


def entered(page: object) -> str:
    """Return what a page holds: the digits of its cells, or how many characters."""
    assert isinstance(page, Page)
    cells = "".join(cells.digits for cells in page.query(Cells))
    return cells + "".join(field._text for field in page.query(Field))


def entry_of(event: HolderSide) -> str:
    match event:
        case PinEntered(pin=text) | EntryMade(entry=Code(text)) | AnswerEntered(text=text):
            return text.reveal()
        case StopNumberEntered(number=text):
            return text.reveal()
    raise AssertionError(event)


def said(app: PictureApp) -> str:
    """Return the note that is shown, or what stands at the bottom in place of the contact."""
    notes = [note for note in app.screen.query(Note) if note.region]
    texts = [str(note.content) for note in notes] or [app.screen.query_one(BottomBar).notice]
    assert all(part in "".join(screen_lines(app)) for text in texts for part in text.split())
    return texts[0].removeprefix("! ")


@EACH_PAGE
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_page_takes_what_a_scanner_types(state: State, size: tuple[int, int]) -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test(size=size) as pilot:
        await app.show(state)
        watch.now += 10
        await settled(pilot)
        before = entered(app.screen)
        with keyboard(pilot) as scanner:
            await scanner.sends(SCANNED + b"\r")
            await scanner.is_silent()
        assert not desk.heard
        assert entered(app.screen) == before
        assert said(app) == frame.SCANNED
        assert not layout_faults(app)


@EACH_PAGE
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_page_takes_a_scan_that_is_not_for_it(state: State, size: tuple[int, int]) -> None:
    """With its frame; each page of a PIN says that it takes none."""
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test(size=size) as pilot:
        await app.show(state)
        watch.now += 10
        await settled(pilot)
        before = entered(app.screen)
        with keyboard(pilot) as scanner:
            await scanner.sends(b"\x02" + SCANNED + b"\r")
            await scanner.is_silent()
        assert not desk.heard
        assert entered(app.screen) == before
        if isinstance(app.screen, PinPage):
            assert said(app) == frame.NO_SCANS
        assert not layout_faults(app)


@pytest.mark.parametrize(
    "frame",
    [b"7" * 65 + b"604918\r", b"\x1b[A604918\r", b"\n604918\r", b"\x02604918\r"],
    ids=["too long", "an Escape", "a line feed", "two beginnings"],
)
async def test_rest_of_a_bad_frame_is_not_typed(frame: bytes) -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(EnterPin(UNLOCK))
        watch.now += 10
        with keyboard(pilot) as scanner:
            await scanner.sends(b"\x02" + frame)
            await scanner.is_silent()
        assert not desk.heard
        assert not entered(app.screen)


@pytest.mark.parametrize("code", OTHER_CODES.values(), ids=OTHER_CODES)
@pytest.mark.parametrize("state", [MENU, CodeEntry(UNLOCK, CODE)], ids=["menu", "code"])
async def test_other_codes_do_nothing_either(state: State, code: bytes) -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(state)
        watch.now += 10
        with keyboard(pilot) as scanner:
            await scanner.sends(code + b"\r")
            await scanner.is_silent()
        assert not desk.heard


@pytest.mark.parametrize(
    "state",
    [state for state in one_of_each() if isinstance(state, EnterPin | CodeEntry | StopNumberEntry)],
    ids=lambda state: type(state).__name__,
)
async def test_digits_that_fit_are_taken_however_fast_they_come(state: State) -> None:
    """A slow machine reads at once what somebody typed one by one."""
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(state)
        watch.now += 10
        most = app.screen.query_one(Cells).most
        with keyboard(pilot) as hand:
            await hand.sends(SCANNED[: most - 1] + b"\x7f" + SCANNED[:2] + b"\r")
        assert [entry_of(event) for event in desk.heard] == [
            (SCANNED[: most - 2] + SCANNED[:2]).decode()
        ]


@pytest.mark.parametrize(
    "state",
    [EnterPin(UNLOCK), CodeEntry(UNLOCK, CODE), EnterEmail(REGISTER, EMPTY)],
    ids=["PIN", "code", "address"],
)
async def test_what_a_hand_typed_before_stays(state: State) -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(state)
        watch.now += 10
        with keyboard(pilot) as keys:
            for digit in b"402":
                await keys.sends(bytes([digit]))
                await keys.is_silent()
            await keys.sends(SCANNED + b"\r")
            assert entered(app.screen) == "402"
            await keys.is_silent()
            await keys.sends(b"8")
            assert entered(app.screen) == "4028"
            assert not [note for note in app.screen.query(Note) if note.region]


async def test_a_telephone_number_is_an_answer_however_fast_it_comes() -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(GiveAnswer(REGISTER, CHOOSE, (), BANK[1]))
        watch.now += 10
        with keyboard(pilot) as hand:
            await hand.sends(b"my mother: 004420794609581\r")
    assert [entry_of(event) for event in desk.heard] == ["my mother: 004420794609581"]


async def test_an_enter_that_comes_late_does_nothing_either() -> None:
    """Some scanners wait before it; the next that somebody presses counts."""
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(SUCCESS)
        watch.now += 10
        with keyboard(pilot) as keys:
            await keys.sends(SCANNED)
            await keys.is_silent()
            watch.now += HELD_S / 2
            await keys.sends(b"\r")
            assert not desk.heard
            watch.now += HELD_S
            await keys.sends(b"\r")
        assert [type(event) for event in desk.heard] == [Left]


@pytest.mark.parametrize("after", [None, b"\r", b"\t"], ids=["silence", "Enter", "Tab"])
async def test_a_line_is_pressed_by_a_digit_that_stays_alone(after: bytes | None) -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await app.show(MENU)
        watch.now += 10
        with keyboard(pilot) as hand:
            await hand.sends(b"1")
            assert not desk.heard
            await (hand.is_silent() if after is None else hand.sends(after))
        assert desk.heard == [Chose(MENU.visit.id, MENU.offers[0].purpose)]


async def test_a_notice_goes_by_itself_where_nobody_is() -> None:
    app = app_with(StillStation(), clock=Watch())
    async with app.run_test() as pilot:
        await app.show(Attract())
        await settled(pilot)
        with keyboard(pilot) as scanner:
            await scanner.sends(SCANNED + b"\r")
        assert said(app) == frame.SCANNED
        await still(21)
        assert not app.screen.query_one(BottomBar).notice
