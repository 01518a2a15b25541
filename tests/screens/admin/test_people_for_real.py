"""The people pages at the real desk, on a real database: one call from search to erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.roles import Role
from screens.admin.times import Times
from tests.authority.administration.desk.offices import means_of, office_of
from tests.authority.administration.desk.people import somebody
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.persons import PAGES, WHY, grounds
from tests.screens.admin.pilots import Clock, PictureApp, Run
from tests.support.database import TestDatabase

NEW_CARD = "piv 00112233445566778899aabbccddeeff"
PUK = "11223344"


@pytest.fixture
def means(sqlite_database: TestDatabase, tmp_path: Path) -> StaffDependencies:
    return means_of(sqlite_database.store(), sqlite_database.clock, tmp_path)


@pytest.fixture
async def run(means: StaffDependencies) -> AsyncIterator[Run]:
    person = somebody(means)
    with means.store.begin() as uow:
        for attempt in ("a1", "a2", "a3"):
            assert uow.registrations.attempts(person.holder.id, 3).charge(attempt)
        assert uow.registrations.block(person.holder.id)
        uow.search.refresh([person.holder.id])
        uow.commit()
    desk = AdminDesk(office_of(means, Role.MANAGER))
    app = PictureApp(
        desk, lambda error: None, pages=PAGES, times=Times(means.clock.now, means.zone), now=Clock()
    )
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        one = Run(app, FakeDesk(), pilot, Clock())
        await one.settle()
        yield one


async def test_a_call_from_the_block_to_the_code(run: Run) -> None:
    await run.press(*"okaf ash", "enter")
    assert "✗ Blocked" in run.text
    await run.press("b")
    await grounds(run, identified=True)
    assert "The block is lifted." in run.text
    assert "✓ Ready" in run.text
    assert "Lifted the block. Reason: “they asked" in run.text  # the story was read again
    await run.press("c")
    await grounds(run, identified=True)
    assert "works at every station" in run.text
    await run.press("escape", "escape")
    assert "by word of mouth" in run.text
    await run.press("w")
    await grounds(run)
    assert "The code is worthless now." in run.text


async def test_somebody_new_from_their_number_to_their_card(run: Run) -> None:
    await run.press("ctrl+n", *"12", "tab", *"Hugh Iolo", "tab", "tab", *WHY, "enter")
    assert "has 2 digits and not 12" in run.text
    await run.press("ctrl+u", *"100000000777")
    await run.send()
    assert "Hugh Iolo  100000000777" in run.text
    assert "□ No card" in run.text
    await run.press(
        "a", *NEW_CARD, "tab", "tab", *"2031-03-31", "tab", *"123", "tab", *"123", "tab", *WHY
    )
    await run.press("enter")
    assert "8 digits or letters" in run.text
    await run.press("ctrl+u", *PUK, "tab", "ctrl+u", *PUK)
    await run.send()
    assert "The card is added." in run.text
    assert "expires 31 Mar 2031, unblock secret set" in run.text
    await run.press("s", *PUK[::-1], "tab", *PUK[::-1], "tab", "down", "tab", *WHY, "enter")
    assert "The unblock secret is set." in run.text
    await run.press("p", *NEW_CARD, *["enter"] * 5, *WHY, "enter")
    assert "This is the card that is being replaced" in run.text
    await run.press("ctrl+u", *NEW_CARD.replace("0", "a"))
    await run.send()
    assert "revoked" in run.text
    await run.press("k", *NEW_CARD.replace("0", "a")[-4:], "enter", *WHY, "enter")
    assert "The card is revoked." in run.text


async def test_names_addresses_leavers_and_erasure(run: Run) -> None:
    await run.press(*"100000000001", "enter")
    await run.press("n", "ctrl+u", *"Asha Bell", "enter", *WHY, "enter")
    assert "The name is Asha Bell now." in run.text
    await run.press("e", "ctrl+u", *"asha", "tab", "down", "tab", *WHY, "enter")
    assert "Correct the email address" in run.text  # it is no address
    await run.press("ctrl+u", *"asha.bell@wexbridge.nhs.uk")
    await run.send()
    assert "The address is corrected." in run.text
    assert "not confirmed yet" in run.text
    await run.press("r", *"0001", "enter", *WHY, "enter")
    assert "The registration is revoked." in run.text
    await run.press("l", *WHY, "enter")
    assert "– Left" in run.text
    await run.press("t", *WHY, "enter")
    assert "Asha Bell is back" in run.text
    await run.press("x", *"100000000001", "tab", *WHY, "enter")
    assert "Nobody was found for “100000000001”." in run.text
