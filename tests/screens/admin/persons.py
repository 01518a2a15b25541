"""Opening people's pages in tests."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kiosk.authority.administration.views import Grounds
from screens.admin.people import PeoplePage
from screens.admin.person import AboutPerson
from screens.admin.waiting import ProposalsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SMALL, Run, running

PAGES = (PeoplePage, AboutPerson, ProposalsPage)
WHY = "they asked at the desk"
SECRET = "73519264"

BLOCKED, READY, UNREGISTERED, TROUBLED, CARDLESS, LEFT, SEVERAL = (f"h{n}" for n in range(1, 8))
"""Who stands how in the fake estate; the last one has several cards and a long story."""


@asynccontextmanager
async def person(
    holder_id: str, desk: FakeDesk | None = None, size: tuple[int, int] = SMALL
) -> AsyncIterator[Run]:
    """Run the application with somebody's page up."""
    async with running(desk or FakeDesk(), PAGES, size) as run:
        run.app.show_person(holder_id)
        await run.settle()
        yield run


async def grounds(run: Run, *, identified: bool = False) -> None:
    """Give grounds in the form that is up, from the field it is in, and send it."""
    if identified:
        await run.press("down", "enter")
    await run.press(*WHY)
    await run.send()


def sent(run: Run, call: str) -> tuple[object, ...]:
    """Return the arguments of the only such call, whose last is the grounds."""
    (arguments,) = run.desk.asked.of(call)
    assert isinstance(arguments[-1], Grounds)
    assert arguments[-1].reason == WHY
    return arguments[:-1]


def strings_with(text: str) -> list[str]:
    """Return what the program still holds of a text, but for the text itself."""
    gc.collect()
    return [
        held
        for thing in gc.get_objects()
        for held in gc.get_referents(thing)
        if type(held) is str and text in held and held is not text
    ]
