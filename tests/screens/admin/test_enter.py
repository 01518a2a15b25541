"""Enter goes to the next field of every dialog, and what is typed never ends up elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from textual.widgets import Input

from kiosk.authority.administration.intents import ToRedactRow
from kiosk.authority.administration.office import Desk
from kiosk.authority.administration.views import AuditFilter, Grounds, NewCard, Span
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Action
from kiosk.contract.sensitive import Sensitive
from screens.admin import audit, reports, staff, waiting
from screens.admin.dialogs import cards, person
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.person import Subject
from screens.admin.people import PeoplePage
from screens.admin.person import AboutPerson
from screens.admin.times import Times
from screens.admin.waiting import ProposalsPage
from tests.screens.admin import persons
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.form_desk import Deeds, below
from tests.screens.admin.people_samples import people_samples
from tests.screens.admin.pilots import running, said
from tests.screens.admin.proposals import EMAIL, STAFF
from tests.screens.admin.record_samples import record_samples

PAGES = (PeoplePage, AboutPerson, ProposalsPage)
NEW = "00112233445566778899aabbccddeeff"
PUK = "87654321"
REDACTS = "K7QM-3XWD"
WHY = "they asked at the desk"


def _subject(desk: FakeDesk, holder_id: str = persons.SEVERAL) -> Subject:
    return Subject(desk, lambda: desk.people.person(holder_id))


def _member(desk: FakeDesk) -> staff.Member:
    return lambda: max(desk.staff.every(), key=lambda line: len(line.keys))


def _officer(desk: FakeDesk) -> staff.Member:
    record_samples()["staff-technician"].arrange(desk)
    return lambda: next(line for line in desk.staff.every() if line.cards)


def _reached_twice(desk: FakeDesk) -> FakeDesk:
    people_samples()["withdraw-address"].arrange(desk)
    return desk


FORMS: dict[str, Callable[[FakeDesk], Form[Any]]] = {
    "add person": lambda desk: person.add_person(desk),
    "lift block": lambda desk: person.lift_block(_subject(desk)),
    "revoke registration": lambda desk: person.revoke_registration(_subject(desk)),
    "correct name": lambda desk: person.correct_name(_subject(desk)),
    "correct email": lambda desk: person.correct_email(_subject(desk)),
    "add address": lambda desk: person.add_address(_subject(desk)),
    "withdraw address": lambda desk: person.withdraw_address(_subject(_reached_twice(desk))),
    "mark leaver": lambda desk: person.mark_leaver(_subject(desk)),
    "report misuse": lambda desk: person.report_misuse(_subject(desk)),
    "stop change": lambda desk: person.stop_change(_subject(desk)),
    "withdraw saved codes": lambda desk: person.withdraw_saved_codes(_subject(desk)),
    "take back leaver": lambda desk: person.take_back_leaver(_subject(desk)),
    "erase": lambda desk: person.erase(_subject(desk)),
    "find owner": lambda desk: cards.find_owner(desk, "piv 9f2c41d0"),
    "add card": lambda desk: cards.add_card(_subject(desk)),
    "replace card": lambda desk: cards.replace_card(_subject(desk)),
    "revoke card": lambda desk: cards.revoke_card(_subject(desk)),
    "set secret": lambda desk: cards.set_secret(_subject(desk)),
    "issue code": lambda desk: cards.issue_code(_subject(desk)),
    "agree": lambda desk: waiting.agree(desk, desk.proposals.waiting()[0]),
    "decline": lambda desk: waiting.decline(desk, desk.proposals.waiting()[0]),
    "withdraw": lambda desk: cards.withdraw_code(desk, desk.estate.codes[0]),
    "add staff": lambda desk: staff.add(desk),
    "change role": lambda desk: staff.change_role(desk, _member(desk)),
    "remove staff": lambda desk: staff.remove(desk, _member(desk)),
    "add key": lambda desk: staff.add_key(desk, _member(desk)),
    "remove key": lambda desk: staff.remove_key(desk, _member(desk)),
    "add officer's card": lambda desk: staff.add_card(desk, _officer(desk)),
    "remove officer's card": lambda desk: staff.remove_card(desk, _officer(desk)),
    "audit filter": lambda desk: audit.ask_filter(desk.audit, AuditFilter(), "", Times()),
    "audit format": lambda _desk: audit.ask_format(),
    "report address": lambda desk: reports.ask_address(
        desk.reports, Span.DAY, (date(2026, 3, 1), date(2026, 3, 4))
    ),
    "report days": lambda desk: reports.ask_days(
        desk.reports, Span.DAY, (date(2026, 3, 1), date(2026, 3, 4))
    ),
}

WAIT = {
    "add person",
    "lift block",
    "revoke registration",
    "correct email",
    "add address",
    "withdraw address",
    "take back leaver",
    "erase",
    "add card",
    "replace card",
    "set secret",
    "issue code",
    "add staff",
    "change role",
    "add key",
    "add officer's card",
}
"""The forms that say before that the act waits, where the policy asks for a second member."""


def test_every_form_of_the_dialogs_is_tried() -> None:
    made = [
        f"{module.__name__}.{name}"
        for module in (audit, cards, person, waiting, reports, staff)
        for name, function in vars(module).items()
        if callable(function)
        and getattr(function, "__module__", "") == module.__name__
        and str(getattr(function, "__annotations__", {}).get("return", "")).startswith("Form[")
    ]
    assert len(made) == len(FORMS), f"FORMS lacks one of {made}"


def test_the_fake_desk_has_every_call() -> None:
    parts = [type(part) for part in vars(FakeDesk()).values() if isinstance(part, Desk)]
    asked = {
        f"{fake.__name__}.{call}"
        for fake in parts
        for real in fake.__mro__
        if real.__module__.startswith("kiosk.")
        for call in vars(real)
        if not call.startswith("_") and getattr(fake, call) is vars(real)[call]
    }
    assert not asked


async def test_enter_goes_through_every_field_in_order_and_sends_nothing() -> None:
    desk = FakeDesk()
    desk.estate.four_eyes = True
    warned = set[str]()
    async with running(desk, pages=PAGES) as run:
        for name, make in FORMS.items():
            form = make(desk)
            run.app.push_screen(form)
            await run.settle()
            if "second member of staff has to agree" in said(run):
                warned.add(name)
            fields = list(form.query(Input))
            assert run.app.focused is fields[0], name
            asked = len(desk.asked.calls)
            for typed in ("", "87654321"):
                fields[0].focus()
                await run.settle()
                for field in fields[:-1]:
                    assert run.app.focused is field, name
                    await run.press(*typed, "enter")
                assert run.app.focused is fields[-1], name
                assert len(desk.asked.calls) == asked, name
                assert run.app.screen is form, name
            run.app.pop_screen()
            await run.settle()
    assert warned == WAIT


async def test_a_puk_after_the_identifier_never_becomes_the_reason() -> None:
    """Identifier, Enter, PUK, Enter once said "Added a card. Reason: 87654321."."""
    async with persons.person(persons.CARDLESS) as run:
        await run.press("a", *NEW, "enter", *PUK, "enter", *PUK, "enter", "enter", "enter")
        await run.press(*WHY, "enter")
        assert not run.desk.asked.of("cards.add")
        assert "Write it as year, month and day" in below(run, "Expires")
        assert run.app.screen.is_modal


async def test_a_card_is_added_with_enter_alone() -> None:
    async with persons.person(persons.CARDLESS) as run:
        await run.press("a", *NEW, "enter", "enter", "enter", *PUK, "enter", *PUK, "enter")
        await run.press(*WHY, "enter")
        _seen, card = persons.sent(run, "cards.add")
        assert card == NewCard(NEW, "piv", None, Sensitive(PUK))


async def test_an_address_never_becomes_the_reason() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+n", *"100200300999", "enter", *"Ann Bee", "enter")
        await run.press(*"ann.bee@trust.nhs.uk", "enter", *WHY, "enter")
        assert run.desk.asked.of("people.add") == [
            ("100200300999", "Ann Bee", "ann.bee@trust.nhs.uk", Grounds(WHY))
        ]


async def test_what_is_wrong_is_said_where_it_was_left_and_again_when_it_is_sent() -> None:
    deeds = Deeds()
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", "L", "enter")
        assert "At least 2 characters" in below(run, "Name")
        await run.press("enter", *"needed", "enter")
        assert deeds.sent == []
        await run.press(*"amp", "enter", "enter", "enter")
        assert deeds.sent == [{"name": "Lamp", "colour": "", "reason": "needed"}]


async def test_the_form_says_what_enter_does_now() -> None:
    deeds = Deeds()
    async with running(pages=[deeds.page()]) as run:
        await run.press("a")
        assert "Enter  next field" in run.text
        await run.press("enter", "enter")
        assert "Enter  send" in run.text


async def test_a_reason_that_is_not_taken_stays_to_be_mended() -> None:
    deeds = Deeds()
    deeds.errors = [NotTaken("reason", "This looks like a PUK. Never write one here.")]
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", *"Lamp", "enter", "enter", *PUK, "enter")
        assert "! This looks like a PUK. Never write one here." in below(run, "Reason")
        assert run.app.focused is list(run.app.screen.query(Input))[-1]
        await run.press("ctrl+u", *"needed", "enter")
        assert deeds.sent[-1] == {"name": "Lamp", "colour": "", "reason": "needed"}


# --- what was typed for a dialog --------------------------------------------------------


async def test_keys_behind_the_last_enter_do_nothing_on_the_page() -> None:
    """They once acted there: opened "Correct the name" and renamed somebody."""
    async with persons.person(persons.READY) as run:
        await run.press("l", *WHY, "enter", *"nonsense", "enter", *"because", "enter")
        assert len(run.desk.asked.of("people.mark_leaver")) == 1
        assert not run.desk.asked.of("people.correct_name")
        assert not run.app.screen.is_modal, run.text


LINE = (*"spoke to Cleo", "enter")
"""What somebody types who thinks that they are in another window."""

FINAL_CALLS = (
    "cards.revoke",
    "cards.replace",
    "people.revoke_registration",
    "people.report_misuse",
    "people.erase",
    "proposals.agree",
    "proposals.decline",
    "codes.withdraw",
)


def changed(desk: FakeDesk) -> list[str]:
    return [call for call in FINAL_CALLS if desk.asked.of(call)]


async def test_a_stray_line_beside_ones_own_proposal_revokes_no_card() -> None:
    """It once did: p opened the person, k the revocation, and the rest was its reason."""
    desk = FakeDesk()
    desk.estate.codes.clear()
    desk.estate.proposals = [replace(EMAIL, proposed_by="Mo Farrow")]
    async with running(desk, pages=PAGES) as run:
        await run.press("f3", *LINE)
        assert changed(desk) == [], run.text


@pytest.mark.parametrize("key", ["k", "r", "x", "i", "p", "g", "d", "w"])
async def test_a_stray_line_on_a_persons_page_does_nothing_final(key: str) -> None:
    desk = FakeDesk()
    desk.estate.proposals = [EMAIL]
    async with persons.person(persons.READY, desk) as run:
        await run.press(key, *LINE)
        assert changed(desk) == [], run.text


@pytest.mark.parametrize("key", ["g", "d"])
async def test_a_stray_line_decides_on_no_colleagues_proposal(key: str) -> None:
    desk = FakeDesk()
    desk.estate.codes.clear()
    desk.estate.proposals = [EMAIL]
    async with running(desk, pages=PAGES) as run:
        await run.press("f3", key, *LINE)
        assert changed(desk) == []
        assert "Enter  send" in run.text
        await run.press("enter")
        assert changed(desk) == ["proposals.agree" if key == "g" else "proposals.decline"]


async def test_what_nothing_takes_back_is_agreed_to_by_its_reference() -> None:
    desk = FakeDesk()
    desk.estate.codes.clear()
    redaction = replace(
        STAFF,
        action=Action.REDACT_AUDIT,
        what=ToRedactRow(17, whole=False),
        reference=REDACTS,
    )
    desk.estate.proposals = [redaction]
    async with running(desk, pages=PAGES) as run:
        await run.press("f3")
        assert "how did they make sure who it was?" not in run.text
        await run.press("g", *"aaaa", "enter", *WHY, "enter")
        assert changed(desk) == []
        assert f"The reference ends in {REDACTS[-4:]}." in run.text
        await run.press("ctrl+u", *REDACTS[-4:].lower(), "enter", "enter", "enter")
        assert changed(desk) == ["proposals.agree"]


async def test_keys_typed_while_it_is_under_way_do_nothing_on_the_page() -> None:
    deeds = Deeds()
    deeds.gate = threading.Event()
    async with running(pages=[deeds.page()]) as run:
        for key in ("a", *"Lamp", "enter", "enter", *"needed", "enter"):
            await run.pilot.press(key)
        run.post(*"sxxx")
        deeds.gate.set()
        await run.settle()
        assert len(deeds.sent) == 1, run.text
        assert not run.app.screen.is_modal, run.text


async def test_keys_behind_an_escape_do_nothing_on_the_page() -> None:
    deeds = Deeds()
    async with running(pages=[deeds.page()]) as run:
        run.post("a", "escape", "x", "x")
        await run.settle()
        assert deeds.sent == []


async def test_what_is_typed_once_the_page_is_back_counts() -> None:
    deeds = Deeds()
    async with running(pages=[deeds.page()]) as run:
        await run.press("a", "escape")
        await run.press("s")
        assert run.app.screen.is_modal


async def test_what_is_pasted_behind_a_closed_dialog_is_dropped() -> None:
    async with running(pages=PAGES) as run:
        run.post("ctrl+n", "escape")
        run.paste("100200300401")
        await run.settle()
        assert run.app.query_one(PeoplePage).query_one(Input).value == ""


@pytest.mark.parametrize("key", ["x", "a"])
async def test_a_letter_alone_changes_nothing(key: str) -> None:
    async with persons.person(persons.READY) as run:
        revision = run.desk.estate.people[persons.READY].person.seen.revision
        await run.press(key, "enter", "enter", "enter", "enter", "enter", "enter")
        assert run.desk.estate.people[persons.READY].person.seen.revision == revision
