"""Codes by word of mouth: given, shown once, agreed to by somebody else, withdrawn."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.views import Grounds, IssuedCode, Seen
from kiosk.authority.errors import NotFound
from kiosk.authority.facts import RegistersLater
from kiosk.authority.roles import Role
from kiosk.contract.sensitive import Sensitive
from screens.admin.dialogs.cards import CodeShown, in_fours
from screens.admin.dialogs.form import WAYS
from screens.admin.person import AboutPerson
from screens.admin.times import Times
from screens.admin.waiting import ProposalsPage
from tests.screens.admin.cards_desk import CODE
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.persons import (
    PAGES,
    READY,
    SEVERAL,
    UNREGISTERED,
    WHY,
    grounds,
    person,
    strings_with,
)
from tests.screens.admin.pilots import SIZES, Run, running, said
from tests.screens.idle_app import still

BIG_FOUR = "┗━┫"
"""Part of the first digit of the fake desk's code, as it is drawn."""


def drawn(run: Run) -> bool:
    """Tell whether the code is on the screen."""
    return BIG_FOUR in run.text


async def give(run: Run) -> None:
    """Give the person that shows a code."""
    await run.press("c")
    await grounds(run, identified=True)


async def test_a_code_is_given_to_somebody_identified_and_shown_with_its_time() -> None:
    async with person(READY) as run:
        run.desk.estate.four_eyes = True
        await run.press("c")
        assert "A second member of staff has to agree before it works." in said(run)
        await grounds(run, identified=True)
        ((seen, card_id, given),) = run.desk.asked.of("codes.issue")
        assert (seen, card_id, given) == (Seen(READY, 1), "card-h2", Grounds(WHY, WAYS[0]))
        assert drawn(run)
        assert "A code for Bronwen Pryce (100200300402)" in run.text
        assert "a second member of staff has to agree" in run.text
        assert "before 10:47 (15 min left)" in run.text


async def test_without_a_second_member_it_works_at_once() -> None:
    desk = FakeDesk()
    desk.codes.second = False
    async with person("c1", desk) as run:
        await give(run)
        assert "Works until 10:47 (15 min left)." in run.text
        assert "works at every station" in run.text
        assert "second member" not in run.text


async def test_dialog_promises_no_mail_to_who_has_no_address() -> None:
    async with person(READY) as run:
        await run.press("c")
        assert "They are told by mail." in run.text
    desk = FakeDesk()
    record = desk.estate.people[READY]
    record.person = replace(record.person, email="")
    async with person(READY, desk) as run:
        await run.press("c")
        assert "told by mail" not in run.text
        assert "No email address is recorded for them" in run.text


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_a_first_unlock_without_an_address_is_warned_of_before(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    record = desk.estate.people[UNREGISTERED]
    async with person(UNREGISTERED, desk, size) as run:
        await run.press("c")
        assert "! No email" not in run.text
        await run.press("escape")
        record.person = replace(record.person, email="")
        run.app.show_person(UNREGISTERED)
        await run.settle()
        await run.press("c")
        dialog = said(run)
        assert "! No email address is recorded for them: no mail tells them of it" in dialog
        assert "Without one they cannot register there either." in dialog
        assert "First record it: Escape, then “Correct email” on their page." in dialog
        await run.press(*"Ph", "enter")
        assert "! No email" in run.text


async def test_dialog_does_not_claim_that_a_pin_is_blocked() -> None:
    async with person(UNREGISTERED) as run:
        await run.press("c")
        assert "whose PIN is blocked" not in said(run)
        assert "If the PIN of the piv card ending in" in said(run)


async def test_given_code_is_large_and_in_plain_digits() -> None:
    async with person(READY) as run:
        await give(run)
        assert drawn(run)

        assert f"In plain digits: {in_fours(CODE)}" in run.text


async def test_which_of_several_cards_the_code_is_for_is_chosen() -> None:
    async with person(SEVERAL) as run:
        await run.press("c", "enter")
        await grounds(run, identified=True)
        assert run.desk.asked.of("codes.issue") == [], "nobody said which"
        await run.press("down", "down", "enter", "enter")
        await run.send()
        assert run.desk.asked.of("codes.issue")[0][1] == "card-h7-2"


async def test_the_enter_that_made_it_pressed_twice_does_not_close_it() -> None:
    async with person(READY) as run:
        await give(run)
        await run.press("enter", "enter", "space")
        assert drawn(run)


async def test_who_gives_a_first_code_reads_twice_that_registering_has_to_wait() -> None:
    later = "They may not be able to register before 11:30 today: three codes"
    desk = FakeDesk()
    record = desk.estate.people[UNREGISTERED]
    until = NOW.replace(hour=11, minute=30)
    record.person = replace(record.person, registers_later=RegistersLater(until, 3))
    async with person(UNREGISTERED, desk) as run:
        await run.press("c")
        assert later in said(run)
        await grounds(run, identified=True)
        assert f"They choose a new PIN there. {later}" in said(run)
        assert "register there" not in said(run)


async def test_nobody_without_an_address_is_said_to_register_with_the_code() -> None:
    desk = FakeDesk()
    record = desk.estate.people[UNREGISTERED]
    record.person = replace(record.person, email="")
    async with person(UNREGISTERED, desk) as run:
        await run.press("c")
        assert "where they then register" not in said(run)
        await grounds(run, identified=True)
        assert "They choose a new PIN there. They cannot register without an" in said(run)
        assert "register there" not in said(run)


async def test_escape_asks_first_for_it_is_never_shown_again() -> None:
    async with person(READY) as run:
        await give(run)
        await run.press("escape")
        assert drawn(run)
        assert "cannot be shown again" in run.text
        await run.press("escape")
        assert not drawn(run)
        assert "only then it works" in run.text


async def test_any_other_key_takes_the_warning_back() -> None:
    async with person(READY) as run:
        await give(run)
        await run.press("escape", "enter")
        assert "cannot be shown again" not in run.text
        await run.press("escape")
        assert drawn(run)


async def test_logging_out_does_not_lose_it_unawares() -> None:
    async with person(READY) as run:
        await give(run)
        await run.press("ctrl+q")
        assert drawn(run)
        assert "cannot be shown again" in run.text


async def test_a_click_closes_it() -> None:
    async with person(READY) as run:
        await give(run)
        await run.click("Close")
        assert not drawn(run)


async def test_no_repr_holds_it() -> None:
    async with person(READY) as run:
        await give(run)
        everything = [run.app.screen, *run.app.screen.walk_children()]
        assert CODE not in repr(everything)
        assert CODE not in repr([vars(widget) for widget in everything])


async def test_given_code_is_nowhere_once_its_dialog_is_closed() -> None:
    code = str(uuid.uuid4().int)[:8]
    async with person(READY) as run:
        issued = IssuedCode("x", Sensitive(code), NOW + timedelta(minutes=15), False, "R")
        run.app.push_screen(CodeShown(issued, "Bronwen Pryce", run.app.times))
        del issued
        await run.settle()
        assert in_fours(code) == run.app.screen.query_one("Digits").value  # type: ignore[attr-defined]
        await run.press("escape", "escape")
        assert not strings_with(code) + strings_with(in_fours(code))


async def test_a_code_whose_time_is_over_is_taken_away_by_itself() -> None:
    async with person(READY) as run:
        now = [NOW]
        issued = IssuedCode("x", Sensitive(CODE), NOW + timedelta(seconds=90), False, "R")
        dialog = CodeShown(issued, "Bronwen Pryce", Times(lambda: now[0]))
        run.app.push_screen(dialog)
        await run.settle()
        assert drawn(run)
        now[0] += timedelta(seconds=90)
        await still(1.2)
        assert not drawn(run)
        assert "does not work any more" in run.text
        await run.press("escape")
        assert not isinstance(run.app.screen, CodeShown)


# --- the page ------------------------------------------------------------------------------


async def test_codes_that_wait_are_listed_by_what_runs_out_first() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3")
        assert run.text.index("Bronwen Pryce") < run.text.index("Dee Smith")
        assert "Bo Banks" in run.text
        assert "9 min" in run.text


async def test_code_of_a_colleague_is_agreed_to() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3", "g")
        assert "Bo Banks gave Bronwen Pryce a code." in run.text
        await grounds(run)
        assert run.desk.asked.of("proposals.agree") == [("code-h2", Grounds(WHY))]
        assert "The code works now, for 15 minutes." in run.text
        assert "Bronwen Pryce" not in run.text


async def test_ones_own_code_cannot_be_agreed_to() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f3", "down")
        assert "You proposed this yourself" in run.text
        assert "g Agree" not in run.text
        await run.press("g")
        assert "Agree to a code" not in run.text


async def test_a_code_is_withdrawn() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f3", "down", "d")
        await grounds(run)
        assert run.desk.asked.of("proposals.decline") == [("code-c3", Grounds(WHY))]
        assert "Dee Smith" not in run.text


@pytest.mark.parametrize("key", ["p", "enter"])
async def test_the_person_behind_a_code_is_shown(key: str) -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3", key)
        assert "Bronwen Pryce  100200300402" in run.text


async def test_a_code_that_was_used_meanwhile_is_said_and_the_list_is_read_again() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3", "g")
        run.desk.estate.codes.pop(0)
        await grounds(run)
        assert "This does not wait any more." in run.text
        await run.press("escape", "escape")
        assert "Bronwen Pryce" not in run.text


async def test_the_list_is_read_again_by_itself_and_keeps_its_mark() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3", "down")
        line = run.desk.estate.codes[0]
        run.desk.estate.codes.insert(0, replace(line, code_id="new", holder_name="Cai Jones"))
        asked = len(run.desk.asked.of("proposals.waiting"))
        assert ProposalsPage.REFRESH_S == 10.0
        run.app.query_one("ProposalsPage").shown()  # type: ignore[attr-defined]
        await run.settle()
        assert len(run.desk.asked.of("proposals.waiting")) == asked + 1
        assert "Cai Jones" in run.text
        await run.press("p")
        assert "Dee Smith" in run.text


async def test_no_code_waiting_says_so() -> None:
    desk = FakeDesk()
    desk.estate.codes.clear()
    async with running(desk, PAGES) as run:
        await run.press("f3")
        assert "Nothing waits for a second member of staff." in run.text
        await run.press("g", "d", "p", "enter")
        assert "Nothing waits" in run.text


async def test_an_auditor_sees_codes_and_changes_none() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        await run.press("f3")
        assert "Bronwen Pryce" in run.text
        await run.press("g", "d")
        assert "Agree to a code" not in run.text
        assert "Withdraw a code" not in run.text


async def test_a_code_is_agreed_to_and_withdrawn_from_the_persons_page_too() -> None:
    async with person(READY) as run:
        await run.press("g")
        await grounds(run)
        assert run.desk.asked.of("proposals.agree") == [("code-h2", Grounds(WHY))]
        await run.press("w")
        await grounds(run)
        assert run.desk.asked.of("codes.withdraw") == [("code-h2", Grounds(WHY))]


async def test_a_code_that_is_over_meanwhile_is_said_on_the_persons_page() -> None:
    async with person(READY) as run:
        run.desk.asked.raises("proposals.agree", NotFound("This code is over."))
        await run.press("g")
        await grounds(run)
        assert "This code is over." in run.text


async def test_the_code_s_window_says_that_it_was_entered() -> None:
    desk = FakeDesk()
    desk.codes.second = False
    async with person(READY, desk) as run:
        desk.estate.codes.clear()
        await give(run)
        assert in_fours(CODE) in run.text
        await run.refresh_is_due(AboutPerson.REFRESH_S)
        assert in_fours(CODE) in run.text, "it still works"
        run.desk.estate.codes.clear()
        await run.refresh_is_due(AboutPerson.REFRESH_S, 2)
        assert in_fours(CODE) not in run.text
        assert "it was entered at a station, or withdrawn" in said(run)
        assert "left)" not in run.text
        await run.press("escape")
        assert not run.app.screen.is_modal
        assert "w  Withdraw code" not in run.text


async def test_the_code_s_window_says_that_a_colleague_agreed() -> None:
    desk = FakeDesk()
    async with person(READY, desk) as run:
        desk.estate.codes.clear()
        await give(run)
        await run.refresh_is_due(AboutPerson.REFRESH_S)
        assert "a second member of staff has to agree" in said(run)
        (code,) = desk.estate.codes
        agreed = replace(code, waits_for_second=False, expires_at=NOW + timedelta(minutes=20))
        desk.estate.codes[:] = [agreed]
        await run.refresh_is_due(AboutPerson.REFRESH_S, 2)
        assert drawn(run)
        assert "has to agree" not in said(run)
        assert "A second member of staff has agreed: it works until 10:52 (20 min left)" in said(
            run
        )
        assert "It works at every station, once" in said(run)
        await run.press("escape")
        assert drawn(run)
        assert "cannot be shown again" in said(run)
