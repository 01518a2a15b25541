"""Dialogs with fields: nothing typed is lost, and every refusal is said where it belongs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import ClassVar

import pytest
from textual import events
from textual.binding import Binding, BindingType

from kiosk.administration.views.acting import Done, Grounds
from kiosk.errors import ChangedMeanwhile, NothingThere, NotPermitted, NotTaken, StoreError
from kiosk.roles import Action
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import WAYS, AskGrounds, grounds_entries, grounds_of
from screens.admin.page import Page
from tests.screens.admin.asked import REFERENCE
from tests.screens.admin.pilots import SIZES, Run, running

DONE = Done("It is done.", REFERENCE)


class Deeds:
    """What the page's forms call, and what it raises first."""

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.errors: list[Exception] = []
        self.gate: threading.Event | None = None

    def __call__(self, values: object) -> Done:
        """Note it; wait, fail or do."""
        self.sent.append(values)
        if self.gate is not None:
            self.gate.wait(10)
        if self.errors:
            raise self.errors.pop(0)
        return DONE


DEEDS = Deeds()
PUK = "12345678"


class DeskPage(Page):
    """A page with a form and a question for grounds."""

    NAME = "People"
    NEEDS = Action.SEE_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("g", "ground", "Ground"),
        Binding("s", "secret", "Secret"),
        Binding("x", "act", "Act"),
    ]
    can_focus = True

    def on_mount(self) -> None:
        """Begin."""
        self.reads = 0

    def shown(self) -> None:
        """Count."""
        self.reads += 1

    def action_add(self) -> None:
        """Ask for a name, a colour and grounds."""
        entries = [
            Entry("name", "Name", least=2),
            Entry("colour", "Colour", choices=("red", "green"), closed=True, required=False),
            *grounds_entries(identifies=False),
        ]
        self.put(Form("Add a thing", "Something new.", entries, DEEDS, button="Add"))

    def action_ground(self) -> None:
        """Ask for grounds alone."""
        self.put(AskGrounds("Do it", "It is grave.", DEEDS, button="Do it", identifies=True))

    def action_secret(self) -> None:
        """Ask for a secret."""
        entries = [Entry("secret", "Secret", secret=True)]
        self.put(Form("A secret", "Type it.", entries, DEEDS, button="Set"))

    def action_act(self) -> None:
        """Act without a dialog."""
        self.act(lambda: DEEDS(None), lambda _done: None)


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> Deeds:
    fresh = Deeds()
    monkeypatch.setitem(globals(), "DEEDS", fresh)
    return fresh


def page(run: Run) -> DeskPage:
    return run.app.screen_stack[0].query_one(DeskPage)


def below(run: Run, label: str) -> str:
    """Return the row below the field with this label."""
    return run.lines[run.place_of(label)[1] + 1]


async def test_a_form_sends_what_was_typed_and_says_what_was_done(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": "needed"}]
        assert f"✓ It is done. Reference {REFERENCE}." in run.text
        assert not run.app.screen.is_modal
        assert page(run).reads == 2


async def test_enter_goes_to_what_is_missing_and_then_sends(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp", "enter", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": "needed"}]


async def test_a_form_works_by_mouse_alone_but_for_the_words(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a")
        await run.type("Lamp")
        await run.click("green")
        await run.click("Reason")
        await run.press("tab")
        await run.type("needed")
        await run.click("  Add  ")
        assert deeds.sent == [{"name": "Lamp", "colour": "green", "reason": "needed"}]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "! This is needed."),
        ("L", "! At least 2 characters, please."),
        ("   ", "! This is needed."),
    ],
)
async def test_what_cannot_be_sent_is_said_beside_its_field(
    deeds: Deeds, keys: str, said: str
) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *keys)
        await run.click("  Add  ")
        assert said in below(run, "Name")
        assert deeds.sent == []
        await run.press(*"amp")  # the field has the focus again
        assert "!" not in below(run, "Name")


async def test_only_what_is_offered_is_taken_where_a_choice_is_closed(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp", "tab", *"xG")
        assert "► green" in run.text
        await run.press("r")
        assert "► red" in run.text
        await run.press("backspace")
        assert "►" not in run.text
        run.app.post_message(events.Paste("blue"))
        await run.press("down", "tab", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "red", "reason": "needed"}]


async def test_letters_go_round_through_what_begins_with_them() -> None:
    chosen: list[str] = []
    entry = Entry("role", "Role", choices=("manager", "agent", "auditor"), closed=True)

    def send(values: Mapping[str, str]) -> Done:
        chosen.append(values["role"])
        return DONE

    async with running(pages=[DeskPage]) as run:
        for keys in ("a", "aa", "aaa", "am"):
            run.app.push_screen(Form("Role", "Which?", [entry], send, button="Go"))
            await run.settle()
            await run.press(*keys, "backspace", "enter")
        assert chosen == ["agent", "auditor", "agent", "manager"]


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_desk_does_not_take_is_said_beside_its_field(
    deeds: Deeds, size: tuple[int, int]
) -> None:
    deeds.errors = [NotTaken("name", "There is a Lamp already.")]
    async with running(pages=[DeskPage], size=size) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "! There is a Lamp already." in run.text
        assert "needed" in run.text
        await run.press("2", "enter")
        assert deeds.sent[-1] == {"name": "Lamp2", "colour": "", "reason": "needed"}
        assert not run.app.screen.is_modal


async def test_a_complaint_about_no_field_of_the_form_is_said_below(deeds: Deeds) -> None:
    deeds.errors = [NotTaken("weather", "It rains.")]
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "! It rains." in run.text
        assert run.app.screen.is_modal


async def test_who_comes_second_reads_what_was_done_and_can_send_again(deeds: Deeds) -> None:
    told = "Bo Banks lifted the block (reference B4XT-1QLM)."
    deeds.errors = [ChangedMeanwhile("Somebody changed it. Look again.", (told,))]
    async with running(pages=[DeskPage]) as run:
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
        (NothingThere("It is gone."), "! It is gone."),
        (StoreError("no such table", "1"), "! The database does not answer."),
    ],
)
async def test_a_refusal_is_said_and_loses_nothing(
    deeds: Deeds, error: Exception, said: str
) -> None:
    deeds.errors = [error]
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert said in run.text
        assert "no such table" not in run.text
        assert "Lamp" in run.text
        await run.press("enter")
        assert len(deeds.sent) == 2


# --- leaving ----------------------------------------------------------------------------


async def test_escape_leaves_at_once_where_nothing_was_typed(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", "escape")
        assert not run.app.screen.is_modal
        assert deeds.sent == []


async def test_escape_asks_before_it_throws_away_what_was_typed(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lam", "escape")
        assert "Escape again throws away what you typed" in run.text
        await run.press("p")
        assert "Escape again" not in run.text
        assert "Lamp" in run.text
        await run.press("escape", "escape")
        assert not run.app.screen.is_modal
        assert deeds.sent == []


async def test_cancel_asks_too(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("a", *"Lamp")
        await run.click("Cancel")
        assert run.app.screen.is_modal
        await run.click("Throw away")
        assert not run.app.screen.is_modal


async def test_while_it_is_under_way_it_is_neither_sent_twice_nor_left(deeds: Deeds) -> None:
    deeds.gate = threading.Event()
    async with running(pages=[DeskPage]) as run:
        for key in ("a", *"Lamp", "tab", "tab", *"needed", "enter"):
            await run.pilot.press(key)
        await run.pilot.press("enter", "escape", "escape")
        await run.pilot.pause()
        assert "Working…" in run.text
        assert "This is under way" in run.text
        deeds.gate.set()
        await run.settle()
        assert len(deeds.sent) == 1
        assert not run.app.screen.is_modal


# --- grounds ----------------------------------------------------------------------------


async def test_grounds_are_picked_and_typed(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("g", "down", "down", "enter", *"Locked out", "enter")
        assert deeds.sent == [Grounds("Locked out", WAYS[1])]


async def test_the_way_to_identify_can_be_clicked_or_be_another_one(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("g")
        await run.click(WAYS[3])
        await run.press("tab", *"Locked out", "enter")
        await run.press("g", *"Known to me", "tab", *"Locked out", "enter")
        assert deeds.sent == [
            Grounds("Locked out", WAYS[3]),
            Grounds("Locked out", "Known to me"),
        ]


async def test_up_and_down_go_round_through_the_choices(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("g", "up")
        assert f"► {WAYS[3]}" in run.text
        await run.press("down")
        assert f"► {WAYS[0]}" in run.text


async def test_grounds_are_needed(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("g")
        await run.click("  Do it  ")
        assert run.text.count("! This is needed.") == 2
        await run.press(*"me", "tab", *"so", "enter")
        assert run.text.count("! At least 3 characters, please.") == 2
        assert deeds.sent == []


# --- secrets ----------------------------------------------------------------------------


async def test_a_secret_is_masked_taken_as_typed_and_not_kept(deeds: Deeds) -> None:
    async with running(pages=[DeskPage]) as run:
        await run.press("s", *f" {PUK}")
        form = run.app.screen
        assert isinstance(form, Form)
        assert PUK not in run.text
        assert PUK not in repr(form._lines[0].field)
        await run.press("enter")
        assert deeds.sent == [{"secret": f" {PUK}"}]
        assert form._lines[0].field.value == ""


# --- without a dialog -------------------------------------------------------------------


async def test_an_act_without_a_dialog_that_came_too_late_is_told_in_one(deeds: Deeds) -> None:
    deeds.errors = [ChangedMeanwhile("It was changed. Look again.", ("Bo Banks did it.",))]
    async with running(pages=[DeskPage]) as run:
        await run.press("x")
        assert "Somebody else was first." in run.text
        assert "• Bo Banks did it." in run.text
        await run.press("enter")
        assert not run.app.screen.is_modal
        assert page(run).reads == 2


async def test_an_act_that_the_role_may_not_is_told(deeds: Deeds) -> None:
    deeds.errors = [NotPermitted("This is not for the role auditor: erase-person.")]
    async with running(pages=[DeskPage]) as run:
        await run.press("x")
        assert "Your role does not permit this." in run.text
        assert "erase-person" in run.text
        await run.press("escape")
        assert not run.app.screen.is_modal


def test_grounds_of_a_form_without_identification() -> None:
    values: Mapping[str, str] = {"reason": "because"}
    assert grounds_of(values) == Grounds("because")
