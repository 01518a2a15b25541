"""A person's page: what it says, and what it offers."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from textual.dom import DOMNode

from kiosk.authority.administration.views import Person
from kiosk.authority.errors import ConcurrentChange, StoreError
from kiosk.authority.facts import (
    AfterRefusal,
    AnswersRegistered,
    Blocked,
    CodesGoTo,
    Do,
    Headline,
    SeenRefused,
    Start,
)
from kiosk.authority.roles import Role
from kiosk.contract.messages import Reason
from screens.admin.person import PERSON_ACTS, AboutPerson, ActLink
from screens.admin.widgets import TextScroll
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.persons import (
    BLOCKED,
    CARDLESS,
    LEFT,
    READY,
    SEVERAL,
    TROUBLED,
    UNREGISTERED,
    grounds,
    person,
)
from tests.screens.admin.pilots import SIZES, PictureApp, Run, said
from tests.screens.idle_app import PATIENCE_S, still
from tests.support import staff_words

EVERYBODY = (BLOCKED, READY, UNREGISTERED, TROUBLED, CARDLESS, LEFT, SEVERAL)


def offered(run: Run) -> str:
    """Return the keys that are offered, in their order."""
    rows = run.text.split("→")[1].split("Registration")[0].splitlines()
    places = {
        (y, row.index(words)): deed.key
        for y, row in enumerate(rows)
        for deed in PERSON_ACTS
        if (words := f"{deed.key}  {deed.label}") in row
    }
    return "".join(key for _place, key in sorted(places.items()))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("holder_id", EVERYBODY)
async def test_the_first_lines_say_who_why_and_what_to_do(
    holder_id: str, size: tuple[int, int]
) -> None:
    async with person(holder_id, size=size) as run:
        shown = run.desk.estate.people[holder_id].person
        at = next(i for i, line in enumerate(run.lines) if shown.number in line)
        head = " ".join(" ".join(run.lines[at : at + 7]).replace("▌", " ").split())
        assert shown.name in head
        assert staff_words.headline(shown) in head
        assert staff_words.advice(shown) in head
        assert ("✓" if shown.can_unlock else "✗") in head


async def test_a_focus_has_little_styled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before: the page's whole text, whenever what scrolls it got the focus or lost it."""
    async with person(BLOCKED) as run:
        styled: list[int] = []
        update = type(run.app).update_styles

        def counted(app: PictureApp, node: DOMNode, animate: bool = True) -> None:
            styled.append(sum(1 for _ in node.walk_children(with_self=True)))
            update(app, node, animate)

        monkeypatch.setattr(type(run.app), "update_styles", counted)
        scrolled = run.app.focused
        for focused in (None, scrolled):
            run.app.screen.set_focus(focused)
            await still()
        assert isinstance(scrolled, TextScroll)
        assert sum(styled) < 5


@pytest.mark.parametrize("holder_id", [BLOCKED, CARDLESS])
async def test_an_act_is_one_line_at_every_width(holder_id: str) -> None:
    """Before: at 100 to 102 columns, and at each further 24 or so, the longest one had two."""
    async with person(holder_id) as run:
        for width in (80, 96, 100, 101, 102, 105, 120, 125, 126, 149, 152, 160):
            await run.resize((width, 30))
            acts = [act for act in run.app.query(ActLink) if act.display]
            assert {act.size.height for act in acts} == {1}, width


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_name_leaves_room_for_the_number(size: tuple[int, int]) -> None:
    """Before: the number and the address were nowhere on the page of such a person."""
    desk = FakeDesk()
    record = desk.estate.people[UNREGISTERED]
    record.person = replace(record.person, name="Wolfeschlegelsteinhausen " * 4)
    async with person(UNREGISTERED, desk, size) as run:
        head = next(line for line in run.lines if "Wolfeschlegelsteinhausen" in line)
        assert f"…  {record.person.number}  " in head
        assert "○ Not registered" in head


async def test_nothing_in_a_record_steers_the_terminal() -> None:
    desk = FakeDesk()
    record, escape = desk.estate.people[READY], "\x1b]0;x\x07\x9b2J"
    registration, (card, *cards) = record.person.registration, record.person.cards
    assert registration is not None
    record.person = replace(
        record.person,
        name=f"Jo{escape}Smith",
        number=f"12{escape}",
        email=f"jo{escape}@nhs.net",
        headline=Headline(
            Blocked(NOW, 3, f"Ward{escape}"),
            Do.LIFT_BLOCK,
        ),
        registration=replace(
            registration,
            enrolled=(
                AnswersRegistered((f"Your{escape}?",)),
                CodesGoTo(f"jo{escape}@nhs.net", True, f"jo{escape}@nhs.net"),
            ),
        ),
        cards=(replace(card, identifier=f"ab{escape}"), *cards),
    )
    async with person(READY, desk, (160, 50)) as run:
        assert "Jo]0;x2JSmith" in run.text
        assert all(line.isprintable() for line in run.lines)


@pytest.mark.parametrize("can_unlock", [True, False])
async def test_no_tick_stands_beside_what_speaks_against_an_unlock(*, can_unlock: bool) -> None:
    reason = Reason.CARD_UNREADABLE
    doubt = SeenRefused(Start.MAY_NOT_UNLOCK, reason, "77aa", NOW, "Ward 7")
    desk = FakeDesk()
    record = desk.estate.people[READY]
    headline = Headline(doubt, AfterRefusal(reason), may_fail=can_unlock)
    record.person = replace(record.person, headline=headline, can_unlock=can_unlock)
    async with person(READY, desk) as run:
        head = next(line for line in run.lines if "They may not be able" in line)
        assert f"{'!' if can_unlock else '✗'} They may not be able to unlock." in head
        assert "! See below" in run.text
        assert "✓ Ready" not in run.text


@pytest.mark.parametrize(
    ("holder_id", "role", "keys"),
    [
        (BLOCKED, Role.MANAGER, "biemnapskrlx"),
        (BLOCKED, Role.AGENT, "biemnapskrl"),
        (BLOCKED, Role.AUDITOR, ""),
        (READY, Role.AGENT, "cgwiemnapskrl"),
        (LEFT, Role.AGENT, "t"),
        (LEFT, Role.MANAGER, "tx"),
        (CARDLESS, Role.AGENT, "ienal"),
    ],
)
async def test_only_what_makes_sense_now_and_the_role_may_is_offered(
    holder_id: str, role: Role, keys: str
) -> None:
    async with person(holder_id, FakeDesk(role)) as run:
        assert offered(run) == keys


async def test_a_key_that_is_not_offered_does_nothing() -> None:
    async with person(BLOCKED, FakeDesk(Role.AUDITOR)) as run:
        before = run.text
        for deed in PERSON_ACTS:
            await run.press(deed.key)
            assert run.text == before, deed.label


async def test_what_is_offered_is_in_the_list_of_actions_too() -> None:
    async with person(BLOCKED) as run:
        await run.press("ctrl+p", *"lift the")
        assert "Lift the block" in run.text
        await run.press("enter")
        assert "Identified by" in run.text


async def test_data_is_never_read_as_markup() -> None:
    async with person(LEFT) as run:
        assert "Farida Khan [bold]" in run.text


async def test_facts_are_in_plain_words() -> None:
    async with person(SEVERAL, size=SIZES[1]) as run:
        text = run.text
        assert "Since 6 Aug 2025; codes go to" in text
        assert "piv 0123 4567 89ab cdef 0123 4567 89ab cdef" in text
        assert "expires 4 Dec 2027, unblock secret set" in text
        assert "ffff, revoked" in text
    async with person(TROUBLED) as run:
        assert "no unblock secret" in run.text
        assert "No unblock secret is recorded for it." in run.text
    async with person(CARDLESS) as run:
        assert "Not registered." in run.text
        assert "Without a card there is nothing to unlock." in run.text


async def test_an_address_that_is_not_confirmed_says_so() -> None:
    desk = FakeDesk()
    record = desk.estate.people[READY]
    assert record.person.registration is not None
    enrolled = (CodesGoTo(record.person.email, confirmed=False),)
    record.person = replace(
        record.person, registration=replace(record.person.registration, enrolled=enrolled)
    )
    async with person(READY, desk) as run:
        assert "not confirmed yet" in run.text


async def test_a_recorded_address_to_which_no_codes_go_is_shown() -> None:
    """Before: an import changed it, and nobody saw it on the page."""
    desk = FakeDesk()
    record = desk.estate.people[READY]
    registration = record.person.registration
    assert registration is not None
    goes_to = CodesGoTo(record.person.email, confirmed=True, recorded="asha@other.example")
    other = replace(registration, enrolled=(goes_to,))
    record.person = replace(record.person, registration=other)
    async with person(READY, desk) as run:
        said = " ".join(run.text.split())
        assert "asha@other.example" in said
        assert "no codes" in said


@pytest.mark.parametrize(
    ("status", "because"),
    [
        ("5.1.1", "there is no such address"),
        ("5.2.2", "the mailbox takes nothing"),
        ("5.5.0", "it was refused"),
    ],
)
async def test_address_from_which_mail_came_back_is_named_with_why(
    status: str, because: str
) -> None:
    desk = FakeDesk()
    record = desk.estate.people[READY]
    registration, email = record.person.registration, record.person.email
    assert registration is not None
    goes_to = CodesGoTo(email, True, failing=((email, status),), late=("asha@other.example",))
    record.person = replace(record.person, registration=replace(registration, enrolled=(goes_to,)))
    async with person(READY, desk) as run:
        said = " ".join(run.text.split())
        assert f"Mail to {email} came back ({status}: {because}" in said
        assert "Mail to asha@other.example was late within a day." in said


async def test_the_end_of_a_pause_is_rounded_up_to_the_minute() -> None:
    desk = FakeDesk()
    record = desk.estate.people[READY]
    assert record.person.registration is not None
    until = datetime(2031, 3, 4, 9, 41, 7, tzinfo=UTC)
    record.person = replace(
        record.person, registration=replace(record.person.registration, paused_until=until)
    )
    async with person(READY, desk) as run:
        assert "cannot prove itself until 4 Mar 2031 09:42" in run.text


async def test_a_pause_without_a_block_is_lifted_by_one_member_with_four_eyes() -> None:
    """The desk asks for no second one, so the dialog says nothing of one."""
    for failures, words in (0, "Lift the pause"), (3, "Lift the block"):
        desk = FakeDesk()
        desk.estate.four_eyes = True
        record = desk.estate.people[BLOCKED]
        assert record.person.registration is not None
        registration = replace(
            record.person.registration,
            paused_until=NOW + timedelta(hours=1),
            blocked_at=None,
            failures=failures,
            failures_allowed=3,
        )
        record.person = replace(record.person, registration=registration)
        async with person(BLOCKED, desk) as run:
            await run.press("b")
            assert words in said(run)
            assert ("second member" in " ".join(said(run).split())) is bool(failures)


async def test_a_card_works_until_the_end_of_the_day_that_stands_on_it() -> None:
    desk = FakeDesk()
    record = desk.estate.people[READY]
    midnight = record.person.cards[0].expires_at
    assert midnight is not None
    midnight = midnight.replace(month=4, day=1, hour=0, minute=0)
    record.person = replace(
        record.person, cards=(replace(record.person.cards[0], expires_at=midnight),)
    )
    async with person(READY, desk) as run:
        assert "expires 31 Mar 2027" in run.text


async def test_an_empty_story_says_where_an_import_stands() -> None:
    """Before: "Nothing yet", of somebody whom colleagues had imported a moment ago."""
    desk = FakeDesk()
    record = desk.estate.people[READY]
    record.person = replace(record.person, story=())
    async with person(READY, desk, size=(120, 200)) as run:
        assert "Who comes by an import has no line for it" in " ".join(run.text.split())


async def test_the_story_is_newest_first_and_goes_on_on_demand() -> None:
    async with person(SEVERAL, size=(120, 200)) as run:
        assert run.text.index("Registered.") < run.text.index("time 60.")
        assert "time 43." in run.text
        assert "time 42." not in run.text
        await run.press("o")
        assert "time 1." in run.text
        await run.press("o")
        assert "That is all there is." in run.text
        await run.press("o")
        assert len(run.desk.asked.of("people.story")) == 2


async def test_a_click_reads_on_too() -> None:
    async with person(SEVERAL, size=(120, 200)) as run:
        await run.click("Show what is older")
        assert "time 1." in run.text


async def test_what_was_read_of_the_story_stays_when_the_person_is_read_again() -> None:
    async with person(SEVERAL, size=(120, 200)) as run:
        await run.press("o", "l")
        await grounds(run)
        assert "marked them as a leaver" in run.text
        assert "time 1." in run.text


async def test_the_page_scrolls_by_keys_alone() -> None:
    async with person(SEVERAL) as run:
        assert "time 60." not in run.text
        async with asyncio.timeout(10):
            while not run.app.query_one("AboutPerson VerticalScroll").max_scroll_y:
                await run.settle()  # it is laid out some time after it was read
        await run.press("pagedown")
        assert "time 60." in run.text
        await run.press("home")
        assert "Gwen Tudor" in run.text


async def test_next_person_begins_at_the_top_and_leaves_nothing_of_the_last() -> None:
    async with person(SEVERAL) as run:
        await run.press("end")
        run.app.show_person(CARDLESS)
        await run.settle()
        assert "Eoin Gallagher" in run.text
        assert "Unlocked their card" not in run.text


async def test_who_is_opened_again_begins_at_the_top() -> None:
    async with person(SEVERAL) as run:
        await run.press("end")
        assert "Gwen Tudor" not in run.text
        await run.press("escape")
        run.app.show_person(SEVERAL)
        await run.settle()
        assert "Gwen Tudor" in run.text


async def test_somebody_erased_meanwhile_is_shown_no_more() -> None:
    async with person(READY) as run:
        del run.desk.estate.people[READY]
        await run.press("f2")
        run.app.show_person(READY)
        await run.settle()
        assert "There is nobody to show any more." in run.text
        assert "not recorded any more" in run.text
        assert "Bronwen" not in run.text


async def test_a_store_that_fails_keeps_what_is_shown() -> None:
    async with person(READY) as run:
        run.desk.asked.raises("people.person", StoreError("gone"))
        run.app.show_person(READY)
        await run.settle()
        assert "database does not answer" in run.text
        assert "Bronwen Pryce" in run.text


async def test_a_person_who_could_not_be_read_at_all_is_said() -> None:
    desk = FakeDesk()
    desk.asked.raises("people.person", StoreError("gone"))
    async with person(READY, desk) as run:
        assert "could not be read" in run.text


async def test_form_names_what_a_colleague_did_and_acts_on_the_present() -> None:
    async with person(BLOCKED, size=SIZES[1]) as run:
        await run.press("n", "end", *" Smith", "tab", *"married")
        run.desk.estate.people[BLOCKED].change("Bo Banks", "corrected the email address")
        await run.press("enter")
        assert "Bo Banks corrected the email address" in run.text
        assert "Amara Okafor Smith" in run.text  # what was typed is still there
        await run.press("enter")
        assert run.desk.estate.people[BLOCKED].person.name == "Amara Okafor Smith"
        assert "Bo Banks" in run.text  # the story was read again, too


async def test_a_reading_that_was_under_way_changes_nothing_under_a_dialog() -> None:
    """What came in after the dialog was opened was seen by nobody, so it is not overwritten."""
    async with person(BLOCKED, size=SIZES[1]) as run:
        read, go_on = run.desk.people.person, threading.Event()

        def read_late(holder_id: str) -> Person:
            assert go_on.wait(PATIENCE_S)
            return read(holder_id)

        run.desk.people.person = read_late  # type: ignore[method-assign]
        run.post("ctrl+r", "b")
        async with asyncio.timeout(PATIENCE_S):
            while "Identified by" not in run.text:
                await still()
        run.desk.estate.people[BLOCKED].change("Bo Banks", "reported misuse of their card")
        go_on.set()
        await run.settle()
        await grounds(run, identified=True)
        assert "Bo Banks reported misuse of their card" in said(run)
        assert run.desk.estate.people[BLOCKED].person.can_unlock is False
        await run.press("enter")
        assert "The block is lifted." in run.text


async def test_what_makes_no_sense_any_more_is_refused_by_the_desk_in_words() -> None:
    async with person(BLOCKED) as run:
        await run.press("b", "down", "enter", *"sure")
        run.desk.asked.raises("people.lift_block", ConcurrentChange("Not blocked any more.", ()))
        await run.press("enter")
        assert "Not blocked any more." in run.text
        await run.press("escape", "escape")
        assert "Lift the block" in run.text


async def test_act_is_announced_and_the_person_is_read_again() -> None:
    async with person(BLOCKED) as run:
        await run.press("b")
        await grounds(run, identified=True)
        assert "The block is lifted." in run.text
        assert "K7QH-2M9T" in run.text
        assert "✓ They can unlock at every station." in run.text


def with_a_code_that_works() -> FakeDesk:
    desk = FakeDesk()
    desk.estate.codes = [replace(code, waits_for_second=False) for code in desk.estate.codes]
    return desk


def unlocks(run: Run, holder_id: str) -> None:
    """Let the holder enter the code that staff gave at a station."""
    run.desk.estate.codes.clear()
    run.desk.estate.people[holder_id].change("", "unlocked their card at West Wing 1")


async def test_the_page_follows_what_happens_at_a_station() -> None:
    async with person(READY, with_a_code_that_works()) as run:
        assert "w  Withdraw code" in run.text
        unlocks(run, READY)
        await run.refresh_is_due(AboutPerson.REFRESH_S)
        assert "w  Withdraw code" not in run.text
        assert "unlocked their card at West Wing 1" in run.text


async def test_looking_again_keeps_the_place_on_the_page() -> None:
    async with person(SEVERAL) as run:
        await run.press("pagedown")
        place = run.app.query_one("AboutPerson VerticalScroll").scroll_y
        assert place > 0
        unlocks(run, SEVERAL)
        await run.refresh_is_due(AboutPerson.REFRESH_S)
        assert run.app.query_one("AboutPerson VerticalScroll").scroll_y == place


async def test_a_key_looks_again_at_once() -> None:
    async with person(READY, with_a_code_that_works()) as run:
        assert "Ctrl+R Refresh" in run.lines[-1]
        unlocks(run, READY)
        await run.press("ctrl+r")
        assert "w  Withdraw code" not in run.text
        await run.press("?", "end")
        assert "Refresh" in run.text


async def test_escape_goes_back_to_what_was_found() -> None:
    async with person(READY) as run:
        await run.press("escape")
        assert "Find a person" in run.text
