"""What the desk does not do is said where it belongs, and nothing that was typed is lost."""

from __future__ import annotations

import pytest

from kiosk.authority.errors import (
    ConcurrentChange,
    NotFound,
    NotPermitted,
    NotStaff,
    NotTaken,
    StoreError,
)
from screens.admin.app import End
from tests.screens.admin.form_desk import Deeds, page
from tests.screens.admin.pilots import SIZES, running
from tests.screens.idle_app import still


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_desk_does_not_take_is_said_beside_its_field(
    deeds: Deeds, size: tuple[int, int]
) -> None:
    deeds.errors = [NotTaken("name", "There is a Lamp already.")]
    async with running(pages=[deeds.page()], size=size) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "! There is a Lamp already." in run.text
        assert "needed" in run.text
        await run.press("2")
        await run.send()
        assert deeds.sent[-1] == {"name": "Lamp2", "colour": "", "reason": "needed"}
        assert not run.app.screen.is_modal


async def test_a_complaint_about_no_field_of_the_form_is_said_below(deeds: Deeds) -> None:
    deeds.errors = [NotTaken("weather", "It rains.")]
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "! It rains." in run.text
        assert run.app.screen.is_modal


async def test_who_comes_second_reads_what_was_done_and_can_send_again(deeds: Deeds) -> None:
    told = "Bo Banks lifted the block (reference B4XT-1QLM)."
    deeds.errors = [ConcurrentChange("Somebody changed it. Look again.", (told,))]
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "! Somebody changed it. Look again." in run.text
        assert told in run.text
        assert page(run).reads == 2  # the page behind the dialog is up to date
        await run.press("enter")
        assert len(deeds.sent) == 2
        assert not run.app.screen.is_modal


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotPermitted("This is not for the role agent."), "! This is not for the role agent."),
        (NotFound("It is gone."), "! It is gone."),
        (StoreError("no such table", "1"), "! The database does not answer."),
        (
            StoreError("no such table", "SQLITE_FULL"),
            "! The disk of the database is full, or fails.",
        ),
    ],
)
async def test_a_refusal_is_said_and_loses_nothing(
    deeds: Deeds, error: Exception, said: str
) -> None:
    deeds.errors = [error]
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert said in run.text
        assert "no such table" not in run.text
        assert "Lamp" in run.text
        await run.press("enter")
        assert len(deeds.sent) == 2


async def test_late_act_without_a_dialog_is_explained_in_one(deeds: Deeds) -> None:
    deeds.errors = [ConcurrentChange("It was changed. Look again.", ("Bo Banks did it.",))]
    async with running(pages=[deeds.page()]) as run:
        await run.press("x")
        assert "Somebody else was first." in run.text
        assert "• Bo Banks did it." in run.text
        await run.press("enter")
        assert not run.app.screen.is_modal
        assert page(run).reads == 2


async def test_act_that_the_role_may_not_is_explained(deeds: Deeds) -> None:
    deeds.errors = [NotPermitted("This is not for the role auditor: erase-person.")]
    async with running(pages=[deeds.page()]) as run:
        await run.press("x")
        assert "Your role does not permit this." in run.text
        assert "erase-person" in run.text
        await run.press("escape")
        assert not run.app.screen.is_modal


@pytest.mark.parametrize("keys", ["x", "l", ("a", *"Lamp", "tab", "tab", *"needed", "enter"), "w"])
async def test_a_member_who_was_removed_is_logged_out_at_the_next_act_or_look(
    deeds: Deeds, keys: tuple[str, ...]
) -> None:
    """Before: what was on the screen stayed, and every further key said so again."""
    deeds.errors = [NotStaff("You are not a member of staff any more.")]
    async with running(pages=[deeds.page()]) as run:
        await run.press(*keys)
        await still(1)
        await run.settle()
        assert run.app.return_value is End.REMOVED
    assert len(deeds.sent) == 1
