"""Every act on a person's page, by keys alone: what is asked, and what the desk is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs
from textual.widgets import Input

from kiosk.authority.administration.deeds import PlainDeed
from kiosk.authority.administration.views import Done, Grounds, Seen
from kiosk.authority.errors import NotPermitted
from kiosk.authority.facts import CodesGoTo
from kiosk.authority.roles import Role
from screens.admin.dialogs.form import WAYS
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.persons import (
    BLOCKED,
    LEFT,
    READY,
    SEVERAL,
    UNREGISTERED,
    WHY,
    grounds,
    person,
    sent,
)
from tests.screens.admin.pilots import said


@pytest.mark.parametrize(
    ("holder_id", "key", "call"),
    [
        (READY, "l", "people.mark_leaver"),
        (READY, "i", "people.report_misuse"),
        (LEFT, "t", "people.take_back_leaver"),
    ],
)
async def test_what_needs_only_grounds(holder_id: str, key: str, call: str) -> None:
    async with person(holder_id) as run:
        await run.press(key)
        await grounds(run)
        assert sent(run, call) == (Seen(holder_id, 1),)


@pytest.mark.parametrize(
    ("holder_id", "block"),
    [(READY, "Self-service is blocked for them"), (UNREGISTERED, "so there is nothing to block")],
)
async def test_a_block_is_promised_only_where_there_is_a_registration(
    holder_id: str, block: str
) -> None:
    async with person(holder_id) as run:
        await run.press("i")
        assert block in said(run)


async def test_a_registration_is_revoked_by_the_end_of_the_number() -> None:
    async with person(READY) as run:
        await run.press("r", *"0000", "enter")
        await grounds(run)
        assert not run.desk.asked.of("people.revoke_registration")
        number = run.desk.estate.people[READY].person.number
        assert f"Their number ends in {number[-4:]}." in run.text
        await run.press("ctrl+u", *number[-4:])
        await run.send()
        assert sent(run, "people.revoke_registration") == (Seen(READY, 1),)


async def test_a_block_is_lifted_for_somebody_identified() -> None:
    async with person(BLOCKED) as run:
        await run.press("b", "down", "down", "enter")
        await grounds(run)
        ((seen, given),) = run.desk.asked.of("people.lift_block")
        assert (seen, given) == (Seen(BLOCKED, 1), Grounds(WHY, WAYS[1]))


async def test_no_block_is_lifted_for_somebody_who_was_not_identified() -> None:
    async with person(BLOCKED) as run:
        await run.press("b", "tab", *WHY, "enter")
        assert not run.desk.asked.of("people.lift_block")
        assert "Identified by" in run.text


async def test_a_name_is_corrected() -> None:
    async with person(BLOCKED) as run:
        await run.press("n", "end", *"-Lee", "enter")
        await grounds(run)
        assert run.desk.estate.people[BLOCKED].person.name == "Amara Okafor-Lee"
        assert "Amara Okafor-Lee  100200300401" in run.text


async def test_the_same_name_is_not_sent() -> None:
    async with person(BLOCKED) as run:
        await run.press("n", "tab", *WHY, "enter")
        assert "This is what it says already." in run.text
        assert not run.desk.asked.of("people.correct_name")


async def test_an_email_is_corrected_for_somebody_identified() -> None:
    async with person(READY) as run:
        await run.press("e", *"b.pryce@wexbridge.nhs.uk", "enter")
        await grounds(run, identified=True)
        assert run.desk.estate.people[READY].person.email == "b.pryce@wexbridge.nhs.uk"


async def test_an_arrow_key_keeps_what_a_field_began_with_and_typed_text_is_never_replaced() -> (
    None
):
    async with person(READY) as run:
        await run.press("e", "right", *"x", "tab", "shift+tab", *"yz")
        field = run.app.screen.query_one("#entry-email Input", Input)
        assert field.value.endswith("@wexbridge.nhs.ukxyz")


async def test_dialog_promises_no_mails_to_who_has_no_address() -> None:
    desk = FakeDesk()
    record = desk.estate.people[UNREGISTERED]
    record.person = replace(record.person, email="")
    async with person(UNREGISTERED, desk) as run:
        await run.press("e")
        assert "each old address" not in run.text


async def test_an_email_that_is_not_taken_is_said_beside_it_and_can_be_mended() -> None:
    async with person(READY) as run:
        await run.press("e", "ctrl+u", *"b@elsewhere.com", "enter")
        await grounds(run, identified=True)
        assert "Only addresses of approved domains" in run.text
        assert WHY in run.text
        await run.press("ctrl+u", *"b@wexbridge.nhs.uk")
        await run.send()
        assert run.desk.estate.people[READY].person.email == "b@wexbridge.nhs.uk"


async def test_erasing_asks_for_the_number_and_goes_back_to_the_search() -> None:
    async with person(LEFT) as run:
        await run.press("x", *"100200300407", "enter")
        await grounds(run)
        assert "That is not their number, 100200300406." in run.text
        assert not run.desk.asked.of("people.erase")
        await run.press("backspace", "6")
        await run.send()
        assert sent(run, "people.erase") == (Seen(LEFT, 1),)
        assert "Find a person" in run.text
        assert "The person is erased." in run.text


async def test_an_erasure_that_waits_leaves_the_person_where_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with person(LEFT) as run:
        waits = Done(PlainDeed.PROPOSED, "7KQ4-9ZXM", waits=True)
        monkeypatch.setattr(run.desk.people, "erase", lambda seen, grounds: waits)
        await run.press("x", *"100200300406", "enter")
        await grounds(run)
        assert "it waits until a second member of staff agrees" in run.text
        assert run.desk.estate.people[LEFT].person.name in run.text
        assert "Find a person" not in run.text


async def test_a_role_that_was_taken_away_meanwhile_is_said() -> None:
    async with person(BLOCKED, FakeDesk(Role.AGENT)) as run:
        await run.press("n", *"x", "enter")
        run.desk.asked.becomes(Role.AUDITOR)
        await grounds(run)
        assert "This is not for the role auditor" in run.text
        assert run.desk.estate.people[BLOCKED].person.name == "Amara Okafor"


async def test_what_is_not_permitted_loses_nothing_typed() -> None:
    async with person(BLOCKED) as run:
        run.desk.asked.raises("people.correct_name", NotPermitted("You are not staff any more."))
        await run.press("n", "end", *"-Lee", "enter")
        await grounds(run)
        assert "You are not staff any more." in run.text
        assert "Amara Okafor-Lee" in run.text


async def test_escape_asks_before_it_throws_away_what_was_typed() -> None:
    async with person(BLOCKED) as run:
        await run.press("n", *"x", "escape")
        assert "throws away" in run.text
        await run.press("escape")
        assert "Correct the name" not in run.text
        assert not run.desk.asked.of("people.correct_name")


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("Lift the block", "may try again at once"),
        ("Correct email", "It gets a mail, and so does each old"),
        ("Add a card", "Another card for Amara Okafor"),
        ("Erase for good", "goes for good"),
    ],
)
async def test_a_click_opens_what_a_key_opens(words: str, title: str) -> None:
    async with person(BLOCKED) as run:
        await run.click(f"  {words}")  # in the page: the footer has one space
        assert title in run.text


async def test_a_block_is_lifted_by_mouse_alone_but_for_the_reason() -> None:
    async with person(BLOCKED) as run:
        await run.click("  Lift the block")
        await run.click("Photo ID, in person")
        await run.press("tab", *WHY)
        await run.click("  Lift the block")
        assert sent(run, "people.lift_block") == (Seen(BLOCKED, 1),)


async def test_the_address_of_somebody_unregistered_is_confirmed_when_they_register() -> None:
    async with person(UNREGISTERED) as run:
        await run.press("e")
        told = said(run)
        assert "It is suggested to" in told
        assert "the next one confirms it" not in told
    async with person(READY) as run:
        await run.press("e")
        assert "the next one confirms it" in said(run)


async def test_an_address_is_added_beside_the_registered_one() -> None:
    async with person(SEVERAL) as run:
        await run.press("m", *"gwen@tudor.nhs.uk", "enter")
        await grounds(run, identified=True)
        assert sent(run, "people.add_address") == (Seen(SEVERAL, 1), "gwen@tudor.nhs.uk")
        assert "gwen@tudor.nhs.uk: notices go there" in run.text


async def test_an_address_that_is_not_taken_stays_in_its_field() -> None:
    async with person(SEVERAL) as run:
        await run.press("m", *"gwen@tudor.org", "enter")
        await grounds(run, identified=True)
        assert "Only addresses of approved domains" in said(run)
        assert run.app.screen.query_one("#entry-email Input", Input).value == "gwen@tudor.org"


async def test_the_only_further_address_is_withdrawn_without_a_choice() -> None:
    desk = FakeDesk()
    desk.estate.people[SEVERAL].keep_further(_with("gwen@tudor.nhs.uk"))
    async with person(SEVERAL, desk) as run:
        await run.press("u")
        assert "goes to gwen@tudor.nhs.uk any more" in said(run)
        await grounds(run, identified=True)
        assert sent(run, "people.withdraw_address") == (Seen(SEVERAL, 1), "gwen@tudor.nhs.uk")
        assert "Withdraw an address" not in run.text


async def test_which_of_several_further_addresses_is_withdrawn_is_chosen() -> None:
    desk = FakeDesk()
    desk.estate.people[SEVERAL].keep_further(_with("gwen@tudor.nhs.uk", "g.tudor@tudor.nhs.uk"))
    async with person(SEVERAL, desk) as run:
        await run.press("u", "down", "down", "enter")
        await grounds(run, identified=True)
        assert sent(run, "people.withdraw_address") == (Seen(SEVERAL, 1), "g.tudor@tudor.nhs.uk")


async def test_who_is_not_registered_gets_no_further_address() -> None:
    async with person(UNREGISTERED) as run:
        assert "Add an address" not in run.text
        await run.press("m")
        assert not run.desk.asked.of("people.add_address")


def _with(*addresses: str) -> Callable[[CodesGoTo], CodesGoTo]:
    return lambda codes: structs.replace(codes, further=addresses)
