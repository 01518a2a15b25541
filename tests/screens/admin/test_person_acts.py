"""Every act on a person's page, by keys alone: what is asked, and what the desk is asked."""

from __future__ import annotations

import uuid

import pytest

from kiosk.administration.views.acting import Grounds, Seen
from kiosk.administration.views.people import NewCard
from kiosk.errors import NotPermitted
from kiosk.roles import Role
from kiosk.sensitive import Sensitive
from screens.admin.dialogs.grounds import WAYS
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.persons import (
    BLOCKED,
    CARDLESS,
    LEFT,
    READY,
    SECRET,
    SEVERAL,
    TROUBLED,
    WHY,
    grounds,
    person,
    sent,
    strings_with,
)

NEW = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("holder_id", "key", "call"),
    [
        (READY, "r", "people.revoke_registration"),
        (READY, "l", "people.mark_leaver"),
        (LEFT, "t", "people.take_back_leaver"),
    ],
)
async def test_what_needs_only_grounds(holder_id: str, key: str, call: str) -> None:
    async with person(holder_id) as run:
        await run.press(key)
        await grounds(run)
        assert sent(run, call) == (Seen(holder_id, 1),)


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
        await run.press("n", *"-Lee", "enter")
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
        await run.press("e", "ctrl+u", *"b.pryce@wexbridge.nhs.uk", "enter")
        await grounds(run, identified=True)
        assert run.desk.estate.people[READY].person.email == "b.pryce@wexbridge.nhs.uk"


async def test_an_email_that_is_not_taken_is_said_beside_it_and_can_be_mended() -> None:
    async with person(READY) as run:
        await run.press("e", "ctrl+u", *"b@elsewhere.com", "enter")
        await grounds(run, identified=True)
        assert "Only addresses of approved domains" in run.text
        assert WHY in run.text
        await run.press("ctrl+u", *"b@wexbridge.nhs.uk", "enter")
        assert run.desk.estate.people[READY].person.email == "b@wexbridge.nhs.uk"


async def test_erasing_asks_for_the_number_and_goes_back_to_the_search() -> None:
    async with person(LEFT) as run:
        await run.press("x", *"100200300407", "enter")
        await grounds(run)
        assert "That is not their number, 100200300406." in run.text
        assert not run.desk.asked.of("people.erase")
        await run.press("backspace", "6", "enter")
        assert sent(run, "people.erase") == (Seen(LEFT, 1),)
        assert "Find a person" in run.text
        assert "The person is erased." in run.text


async def test_a_card_is_added_as_it_was_typed() -> None:
    async with person(CARDLESS) as run:
        await run.press("a", *NEW, "tab", *"2028-02-29", "tab", *SECRET, "tab", *SECRET, "tab")
        await grounds(run)
        seen, card = sent(run, "cards.add")
        assert seen == Seen(CARDLESS, 1)
        assert isinstance(card, NewCard)
        assert (card.driver, card.identifier) == ("piv", NEW)
        assert str(card.expires_at) == "2028-03-01 00:00:00+00:00"
        assert card.secret == Sensitive(SECRET)
        assert "The card is added." in run.text


async def test_a_card_is_added_as_the_clerks_machine_printed_it() -> None:
    async with person(CARDLESS) as run:
        await run.press("a", *f"piv {NEW}", "enter")
        await grounds(run)
        _seen, card = sent(run, "cards.add")
        assert card == NewCard(NEW, "piv", None, None)


async def test_a_card_that_is_known_is_said_beside_it() -> None:
    async with person(CARDLESS) as run:
        known = run.desk.estate.people[READY].person.cards[0].identifier
        await run.press("a", *known, "enter")
        await grounds(run)
        assert "This card is recorded already." in run.text


async def test_a_day_that_is_none_is_not_sent() -> None:
    async with person(CARDLESS) as run:
        await run.press("a", *NEW, "tab", *"31/3/2027", "enter")
        await grounds(run)
        assert "Write it as year, month and day: 2027-03-31." in run.text
        assert not run.desk.asked.of("cards.add")


async def test_a_card_is_replaced() -> None:
    async with person(READY) as run:
        await run.press("p", *NEW, "enter")
        await grounds(run)
        assert sent(run, "cards.replace") == (Seen(READY, 1), "card-h2", NewCard(NEW))
        assert "revoked" in run.text


@pytest.mark.parametrize(("key", "call"), [("p", "cards.replace"), ("k", "cards.revoke")])
async def test_which_of_several_cards_is_chosen(key: str, call: str) -> None:
    async with person(SEVERAL) as run:
        await run.press(key)
        assert "ffffffff" not in run.text.split("What happened")[0].split("Which card")[1][:200]
        await run.press("down", "enter", *([*NEW, "enter"] if key == "p" else []))
        await grounds(run)
        assert sent(run, call)[1] == "card-h7-2"


async def test_a_card_is_revoked() -> None:
    async with person(READY) as run:
        await run.press("k")
        assert "the piv card ending in" in run.text
        await grounds(run)
        assert sent(run, "cards.revoke") == (Seen(READY, 1), "card-h2")


async def test_a_secret_is_masked_and_its_length_is_shown() -> None:
    async with person(TROUBLED) as run:
        await run.press("s", *SECRET)
        assert "••••••••" in run.text
        assert "8 characters" in run.text
        assert SECRET not in run.text


@pytest.mark.parametrize(("keys", "full"), [((), False), (("down",), True)])
async def test_a_secret_is_set_and_never_shown(keys: tuple[str, ...], full: bool) -> None:
    async with person(TROUBLED) as run:
        await run.press("s", *SECRET, "tab", *SECRET, "tab", *keys, "tab")
        await grounds(run)
        ((seen, card, secret, given, tries_full),) = run.desk.asked.of("cards.set_secret")
        assert given == Grounds(WHY)
        assert (seen, card, secret) == (Seen(TROUBLED, 1), "card-h4", Sensitive(SECRET))
        assert tries_full is full
        assert SECRET not in run.text
        assert SECRET not in repr(run.desk.asked.calls)


async def test_a_secret_is_nowhere_once_its_form_is_closed() -> None:
    secret = str(uuid.uuid4().int)[:8]
    async with person(TROUBLED) as run:
        await run.press("s", *secret, "tab", *secret, "tab", "tab")
        await grounds(run)
        assert run.desk.asked.of("cards.set_secret")
        run.desk.asked.calls.clear()
        assert not strings_with(secret)


async def test_a_secret_that_was_typed_differently_twice_is_not_set() -> None:
    async with person(TROUBLED) as run:
        await run.press("s", *SECRET, "tab", *SECRET[:-1], "enter", *WHY, "enter")
        assert "This is not the same as above." in run.text
        assert not run.desk.asked.of("cards.set_secret")
        await run.press(SECRET[-1], "enter")
        assert run.desk.asked.of("cards.set_secret")


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
        await run.press("n", *"-Lee", "enter")
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
        ("Correct email", "Both addresses are told"),
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
