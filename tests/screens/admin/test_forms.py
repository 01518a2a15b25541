"""Dialogs with fields, key by key: what is asked for, what is sent, and how one leaves."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from textual import events, messages
from textual.message import Message
from textual.widgets import Input, OptionList

from kiosk.authority.administration.views import Done, Grounds
from kiosk.contract.text import LONGEST_REASON
from screens.admin.dialogs.dialog import MustRead
from screens.admin.dialogs.form import (
    IDENTIFIED_BY,
    REASON,
    WAYS,
    Entry,
    EntryLine,
    Form,
    grounds_of,
)
from tests.screens.admin.fake_calls import REFERENCE
from tests.screens.admin.form_desk import DONE, Deeds, below, page
from tests.screens.admin.pilots import Run, running
from tests.screens.idle_app import still

PUK = "12345678"


def chosen_now(run: Run) -> str:
    """Return the choice that is marked below the field with the focus; empty for none."""
    focused = run.app.focused
    assert focused is not None
    line = next(node for node in focused.ancestors if isinstance(node, EntryLine))
    option = line.query_one(OptionList).highlighted_option
    return str(option.prompt) if option else ""


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


async def test_a_form_sends_what_was_typed_and_says_what_was_done(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": "needed"}]
        assert f"✓ The card is added. Reference {REFERENCE}." in run.text
        assert not run.app.screen.is_modal
        assert page(run).reads == 2


async def test_enter_goes_to_the_next_field_and_sends_from_the_last(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "enter", "enter", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": "needed"}]


async def test_what_is_typed_lays_nothing_out_anew(
    deeds: Deeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a slow line, and on a busy host, each key would be waited for."""
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", "L")
        screen, posted = run.app.screen, list[type[Message]]()
        post = screen.post_message

        def noted(message: Message) -> bool:
            posted.append(type(message))
            return post(message)

        monkeypatch.setattr(screen, "post_message", noted)
        await run.press("a")
        assert messages.Layout not in posted
        await run.press("tab", "tab", "enter")  # what is missing is said
        assert messages.Layout in posted


async def test_a_form_works_by_mouse_alone_but_for_the_words(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a")
        await run.type("Lamp")
        await run.click("green")
        await run.click("Reason")
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
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *keys)
        await run.click("  Add  ")
        assert said in below(run, "Name")
        assert deeds.sent == []
        await run.press(*"amp")  # the field has the focus again
        assert "!" not in below(run, "Name")


async def test_only_what_is_offered_is_taken_where_a_choice_is_closed(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", *"xG")
        assert chosen_now(run) == "green"
        await run.press("r")
        assert chosen_now(run) == "red"
        await run.press("backspace")
        assert chosen_now(run) == ""
        run.app.post_message(events.Paste("blue"))
        await run.press("down", "tab", *"needed", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "red", "reason": "needed"}]


async def test_letters_go_round_through_what_begins_with_them(deeds: Deeds) -> None:
    chosen: list[str] = []
    entry = Entry("role", "Role", choices=("manager", "agent", "auditor"), closed=True)

    def send(values: Mapping[str, str]) -> Done:
        chosen.append(values["role"])
        return DONE

    async with running(pages=[deeds.page()]) as run:
        for keys in ("a", "aa", "aaa", "am"):
            run.app.push_screen(Form("Role", "Which?", [entry], send, button="Go"))
            await run.settle()
            await run.press(*keys, "backspace", "delete", "ctrl+u", "ctrl+w", "enter")
        assert chosen == ["agent", "auditor", "agent", "manager"]


async def test_what_does_not_fit_into_a_field_is_not_left_out_without_a_word(
    deeds: Deeds,
) -> None:
    full = f"! No more than {LONGEST_REASON} characters go in here."
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab")
        run.paste("needed " * LONGEST_REASON)
        await run.settle()
        assert full in below(run, "Reason")
        run.paste("n" * LONGEST_REASON)
        await run.settle()
        assert full not in below(run, "Reason")
        await run.press("n")
        assert full in below(run, "Reason")
        await run.press("backspace")
        assert full not in below(run, "Reason")


async def test_all_lines_of_a_pasted_reason_are_kept(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab")
        run.paste("Ticket of today:\nphone lost,\r\n  called back\n")
        await run.settle()
        await run.press("enter")
        reason = "Ticket of today: phone lost, called back"
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": reason}]


# --- leaving ----------------------------------------------------------------------------


async def test_escape_leaves_at_once_where_nothing_was_typed(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", "escape")
        assert not run.app.screen.is_modal
        assert deeds.sent == []


async def test_escape_asks_before_it_throws_away_what_was_typed(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lam", "escape")
        assert "Escape again throws away what you typed" in run.text
        await run.press("p")
        assert "Escape again" not in run.text
        assert "Lamp" in run.text
        await run.press("escape", "escape")
        assert not run.app.screen.is_modal
        assert deeds.sent == []


@pytest.mark.parametrize("key", ["enter", "tab", "shift+tab", "left", "end"])
async def test_any_other_key_takes_the_warning_back(deeds: Deeds, key: str) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "escape", key)
        assert "Escape again" not in run.text
        assert "Throw away" not in run.text
        await run.press("escape")
        assert "Escape again" in run.text


async def test_logging_out_with_something_typed_is_warned_of_until_the_next_key(
    deeds: Deeds,
) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "ctrl+q")
        assert "is not sent yet" in run.text
        await run.press("enter")
        assert "is not sent yet" not in run.text


async def test_what_was_done_last_is_not_drawn_over_a_dialog(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed", "enter")
        assert "✓ The card is added." in run.text
        await run.press("a")
        assert [line for line in run.lines if "Enter  next field" in line]
        assert run.app.screen.query_one("ToastRack").region.height == 0
        await run.press("escape")
        assert "✓ The card is added." in run.text


async def test_ctrl_c_in_a_dialog_says_how_to_get_out_in_it(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", "ctrl+c")
        assert "Ctrl+Q logs you out." in run.text


@pytest.mark.parametrize("key", ["f2", "alt+2"])
async def test_a_key_of_the_pages_says_in_a_dialog_what_comes_first(deeds: Deeds, key: str) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", key)
        assert "! Close this first: Esc." in run.text
        assert run.app.screen.is_modal
        await run.press(*"shade", "enter", "enter", *"needed", "enter")
        assert deeds.sent == [{"name": "Lampshade", "colour": "", "reason": "needed"}]


async def test_the_key_of_all_actions_says_in_a_dialog_what_comes_first(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "ctrl+p")
        assert "! Close this first: Esc." in run.text
        await run.press("escape", "escape", "ctrl+p", "ctrl+p")
        assert "Close this first" not in run.text


async def test_a_key_of_the_pages_takes_back_that_text_is_thrown_away(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "escape")
        assert "Throw away" in run.text
        await run.press("f1", "escape")
        assert run.app.screen.is_modal
        await run.press("escape")
        assert not run.app.screen.is_modal


async def test_what_is_only_read_says_so_too(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("question_mark")
        assert "Close this first" not in run.text
        await run.press("f1")
        assert "! Close this first: Esc." in run.text
        run.app.push_screen(MustRead("It was not done", "Somebody was first."))
        await run.press("f1")
        assert "! Close this first: Esc." in run.text


async def test_cancel_asks_too(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp")
        await run.click("Cancel")
        assert run.app.screen.is_modal
        await run.click("Throw away")
        assert not run.app.screen.is_modal


async def test_while_it_is_under_way_it_is_neither_sent_twice_nor_left(deeds: Deeds) -> None:
    deeds.gate = threading.Event()
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "tab", "tab", *"needed")
        for key in ("enter", "enter", "escape", "escape"):
            run.post(key)
            await still()
        assert "Working…" in run.text
        assert "This is under way" in run.text
        deeds.gate.set()
        await run.settle()
        assert len(deeds.sent) == 1
        assert not run.app.screen.is_modal


# --- grounds ----------------------------------------------------------------------------


async def test_grounds_are_picked_and_typed(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("g", "down", "down", "enter", *"Locked out", "enter")
        assert deeds.sent == [Grounds("Locked out", WAYS[1])]


async def test_the_way_to_identify_can_be_clicked_or_be_another_one(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("g")
        await run.click(WAYS[3])
        await run.press("tab", *"Locked out", "enter")
        await run.press("g", *"Known to me", "tab", *"Locked out", "enter")
        assert deeds.sent == [
            Grounds("Locked out", WAYS[3]),
            Grounds("Locked out", "Known to me"),
        ]


async def test_up_and_down_go_round_through_the_choices(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("g", "up")
        assert chosen_now(run) == WAYS[3]
        await run.press("down")
        assert chosen_now(run) == WAYS[0]


async def test_grounds_are_needed(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("g")
        await run.click("  Do it  ")
        assert run.text.count("! This is needed.") == 2
        await run.press(*"me", "tab", *"so", "enter")
        assert run.text.count("! At least 3 characters, please.") == 2
        assert deeds.sent == []


# --- secrets ----------------------------------------------------------------------------


async def test_a_secret_is_masked_taken_as_typed_and_not_kept(deeds: Deeds) -> None:
    async with running(pages=[deeds.page()]) as run:
        await run.press("s", *f" {PUK}")
        form = run.app.screen
        assert isinstance(form, Form)
        field = form.query(Input).first()
        assert PUK not in run.text
        assert PUK not in repr(field)
        await run.press("enter")
        assert deeds.sent == [{"secret": f" {PUK}"}]
        assert field.value == ""


def test_grounds_of_a_form_without_identification() -> None:
    values: Mapping[str, str] = {"reason": "because"}
    assert grounds_of(values) == Grounds("because")


def test_a_reason_may_be_as_long_in_a_form_as_on_the_command_line() -> None:
    assert [entry.most for entry in (IDENTIFIED_BY, REASON)] == [LONGEST_REASON] * 2
