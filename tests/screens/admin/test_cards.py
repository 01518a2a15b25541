"""Acts on cards and their unblock secrets, by keys alone."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any

import pytest

from kiosk.authority.administration.views import Done, Grounds, NewCard, Seen
from kiosk.contract.sensitive import Sensitive
from screens.admin.dialogs.dialog import ACTING
from screens.admin.page import IN_DIALOG
from tests.screens.admin.persons import (
    CARDLESS,
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
from tests.screens.admin.pilots import said

NEW = "00112233445566778899aabbccddeeff"
SKIP_ALL = ["enter"] * 5
"""From the identifier over kind, day and both secrets to the reason."""


async def test_a_card_is_added_as_it_was_typed() -> None:
    async with person(CARDLESS) as run:
        await run.press(
            "a", *NEW, "tab", "tab", *"2028-02-29", "tab", *SECRET, "tab", *SECRET, "tab"
        )
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
        await run.press("a", *f"piv {NEW}", *SKIP_ALL)
        await grounds(run)
        _seen, card = sent(run, "cards.add")
        assert card == NewCard(NEW, "piv", None, None)


async def test_the_kind_that_was_printed_counts_and_not_the_one_that_was_left_in_its_field() -> (
    None
):
    async with person(CARDLESS) as run:
        await run.press("a", *"openpgp 000612345678", *SKIP_ALL)
        await grounds(run)
        _seen, card = sent(run, "cards.add")
        assert card == NewCard("000612345678", "openpgp")


async def test_the_kind_of_a_typed_card_is_chosen() -> None:
    async with person(CARDLESS) as run:
        await run.press("a", *"000612345678", "tab", "down", *SKIP_ALL[1:])
        await grounds(run)
        _seen, card = sent(run, "cards.add")
        assert card == NewCard("000612345678", "openpgp")


async def test_a_card_that_is_known_is_said_beside_it() -> None:
    async with person(CARDLESS) as run:
        known = run.desk.estate.people[READY].person.cards[0].identifier
        await run.press("a", *known, *SKIP_ALL)
        await grounds(run)
        assert "This card is recorded already." in run.text


async def test_a_day_that_is_none_is_not_sent() -> None:
    async with person(CARDLESS) as run:
        await run.press("a", *NEW, "tab", "tab", *"31/3/2027", *SKIP_ALL[2:])
        await grounds(run)
        assert "Write it as year, month and day: 2027-03-31." in run.text
        assert not run.desk.asked.of("cards.add")


async def test_a_card_is_replaced() -> None:
    async with person(READY) as run:
        await run.press("p", *NEW, *SKIP_ALL)
        await grounds(run)
        assert sent(run, "cards.replace") == (Seen(READY, 1), "card-h2", NewCard(NEW))
        assert "revoked" in run.text


@pytest.mark.parametrize(("key", "call"), [("p", "cards.replace"), ("k", "cards.revoke")])
async def test_which_of_several_cards_is_chosen(key: str, call: str) -> None:
    async with person(SEVERAL) as run:
        cards = run.desk.estate.people[SEVERAL].person.cards
        end = next(card.identifier[-4:] for card in cards if card.card_id == "card-h7-2")
        await run.press(key)
        assert "ffffffff" not in run.text.split("What happened")[0].split("Which card")[1][:200]
        await run.press(
            "down", "down", "enter", *([*NEW, *SKIP_ALL] if key == "p" else [*end, "enter"])
        )
        await grounds(run)
        assert sent(run, call)[1] == "card-h7-2"


async def test_a_card_is_revoked() -> None:
    async with person(READY) as run:
        await run.press("k")
        assert "the piv card ending in" in run.text
        await run.press(*run.desk.estate.people[READY].person.cards[0].identifier[-4:], "enter")
        await grounds(run)
        assert sent(run, "cards.revoke") == (Seen(READY, 1), "card-h2")


@pytest.mark.parametrize("between", [" ", "-"])
async def test_the_end_of_a_card_is_taken_with_a_blank_or_dash_in_it(between: str) -> None:
    async with person(READY) as run:
        end = run.desk.estate.people[READY].person.cards[0].identifier[-4:]
        await run.press("k", *f"{end[:2]}{between}{end[2:]}", "enter")
        await grounds(run)
        assert sent(run, "cards.revoke") == (Seen(READY, 1), "card-h2")


@pytest.mark.parametrize(("holder_id", "chosen"), [(READY, ()), (SEVERAL, ("down", "enter"))])
async def test_a_card_is_revoked_by_the_end_of_its_identifier(
    holder_id: str, chosen: tuple[str, ...]
) -> None:
    async with person(holder_id) as run:
        await run.press("k", *chosen, *"0000", "enter")
        await grounds(run)
        assert not run.desk.asked.of("cards.revoke")
        assert "Its identifier ends in" in run.text


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


async def test_a_secret_on_its_way_is_in_the_description_of_no_worker() -> None:
    async with person(TROUBLED) as run:
        begun, gate = threading.Event(), threading.Event()
        set_secret = run.desk.cards.set_secret

        def slow(*given: Any, **also: Any) -> Done:
            begun.set()
            gate.wait(60)
            return set_secret(*given, **also)

        run.desk.cards.set_secret = slow  # type: ignore[method-assign]
        await run.press("s", *SECRET, "tab", *SECRET, "tab", "tab", *WHY)
        run.post("enter", "enter")
        while not begun.is_set():
            await asyncio.sleep(0.01)
        workers = list(run.app.workers)
        gate.set()
        await run.settle()
        assert {ACTING, IN_DIALOG} <= {one.group for one in workers}
        assert all(SECRET not in f"{one!r} {one.name} {one.description}" for one in workers)


@pytest.mark.parametrize(("holder_id", "place"), [(TROUBLED, False), (SEVERAL, True)])
async def test_a_secret_takes_a_place_only_where_one_is_recorded(
    holder_id: str, place: bool
) -> None:
    async with person(holder_id) as run:
        await run.press("s")
        assert "Set the unblock secret" in run.text
        assert ("takes" in said(run)) is place


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
        await run.press("s", *SECRET, "tab", *SECRET[:-1], "enter", "enter", *WHY, "enter")
        assert "This is not the same as above." in run.text
        assert not run.desk.asked.of("cards.set_secret")
        await run.press(SECRET[-1])
        await run.send()
        assert run.desk.asked.of("cards.set_secret")


async def test_before_an_identifier_is_typed_its_form_and_where_it_is_read_are_said() -> None:
    for key in ("a", "p"):
        async with person(SEVERAL) as run:
            await run.press(key)
            told = said(run)
            assert "kiosk cards read" in told
            assert "Ctrl+O" in told
            assert "32 digits, 0 to 9 and a to f" in told
