"""Before: the QR code of another card's mail, or of an older one, spent a try of the code.

A station that takes the code in a scan for what was typed sends it, as the draft of this did.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import Code
from kiosk.contract.scans import scan_of
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import EntryMade
from kiosk.station.states import CodeEntry
from screens.widgets.fields import Cells
from screens.widgets.prose import Note
from screens.words import email, frame
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.clocked import app_with
from tests.screens.kiosk.keyboard import keyboard
from tests.screens.kiosk.pictures import SIZES, PictureApp
from tests.screens.kiosk.samples import CODE, UNLOCK, VISIT_ID
from tests.screens.recording_station import StillStation

TAG, OTHER_TAG = "05917264", "60312875"
SCAN = scan_of(Sensitive("40718263"), TAG).reveal()
OTHER = scan_of(Sensitive("90215537"), OTHER_TAG).reveal()
TASK = replace(CODE, tag=TAG)


def notes(app: PictureApp) -> str:
    return "".join(str(note.content) for note in app.screen.query(Note) if note.region)


async def scanned(state: CodeEntry, text: str, size: tuple[int, int]) -> tuple[StillStation, str]:
    """Return what the station hears of a scan on the code page, and what the page says."""
    station = StillStation()
    app = app_with(station)
    async with app.run_test(size=size) as pilot:
        await app.show(state)
        with keyboard(pilot) as scanner:
            await scanner.sends(f"\x02{text}\r".encode())
        assert not app.screen.query_one(Cells).digits
        assert not layout_faults(app)
        return station, notes(app)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(OTHER, email.OTHER_CODE, id="another card, or an older mail"),
        pytest.param(SCAN[:-1] + str((int(SCAN[-1]) + 1) % 10), email.NOT_A_CODE, id="misread"),
        pytest.param("4006381333931", email.NOT_A_CODE, id="EAN-13"),
        pytest.param("40718263", email.NOT_A_CODE, id="the code alone"),
        pytest.param("UK1*40718263*BYHWJ0BV", email.NOT_A_CODE, id="letters"),
    ],
)
async def test_scan_of_something_else_costs_no_try(
    size: tuple[int, int], text: str, says: str
) -> None:
    station, said = await scanned(CodeEntry(UNLOCK, TASK), text, size)
    assert not station.heard
    assert said == f"! {says}"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_code_of_staff_is_typed(size: tuple[int, int]) -> None:
    """There is no mail of it: no tag says which scan would be its."""
    task = replace(TASK, sent_to=None, tag="")
    station, said = await scanned(CodeEntry(UNLOCK, task), SCAN, size)
    assert not station.heard
    assert said == f"! {frame.NO_SCANS}"


async def test_scan_of_the_newest_mail_enters_its_code() -> None:
    station, _ = await scanned(CodeEntry(UNLOCK, TASK), SCAN, SIZES[0])
    assert station.heard == [EntryMade(VISIT_ID, Code(Sensitive("40718263")))]


async def test_two_scans_of_it_are_one_entry() -> None:
    station, _ = await scanned(CodeEntry(UNLOCK, TASK), f"{SCAN}\r\x02{SCAN}", SIZES[0])
    assert station.heard == [EntryMade(VISIT_ID, Code(Sensitive("40718263")))]
