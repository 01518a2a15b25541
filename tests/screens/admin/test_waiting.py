"""What waits for a second member of staff: on Today, on its own page, on a person's page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kiosk.authority.administration.views import Grounds, ProposalLine
from kiosk.authority.errors import ConcurrentChange, NotPermitted
from kiosk.authority.roles import Role
from screens.admin.person import AboutPerson
from screens.admin.today import TodayPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.persons import PAGES, READY, WHY, grounds, person
from tests.screens.admin.pilots import SIZES, running, said
from tests.screens.admin.proposals import EMAIL, LET_IN, STAFF
from tests.screens.admin.service_desks import LINE


def waiting(role: Role = Role.MANAGER, *lines: ProposalLine) -> FakeDesk:
    desk = FakeDesk(role)
    desk.estate.codes.clear()
    desk.estate.proposals = list(lines or (EMAIL, STAFF))
    return desk


async def test_today_says_what_waits_and_leads_there() -> None:
    async with running(waiting(), (TodayPage, *PAGES)) as run:
        assert "Waits for a second member, proposed by" in run.text
        assert "And 1 more." in run.text
        await run.press("w")
        assert "What waits for a second member of staff" in run.text


async def test_today_says_nothing_where_nothing_waits() -> None:
    desk = waiting()
    desk.estate.proposals.clear()
    async with running(desk, (TodayPage, *PAGES)) as run:
        assert "second member" not in run.text
        assert "What waits" not in run.text


async def test_the_page_says_who_proposed_what_and_why() -> None:
    async with running(waiting(), PAGES) as run:
        await run.press("f3")
        shown = " ".join(run.text.split())
        for words in ("Bronwen Pryce", "Bo Banks", "Reason: “Asked for it in person”."):
            assert words in shown
        assert "Identified by: “Photo ID, in person”." in shown


async def test_who_corrects_a_name_first_reads_what_that_spoils() -> None:
    """Before: an address that waited was refused for the new name, which nothing had said."""
    for lines, is_said in ((EMAIL,), True), ((STAFF,), False):
        async with person("h2", waiting(Role.MANAGER, *lines)) as run:
            await run.press("n")
            assert "Correct the name" in said(run)
            assert ("has to be proposed anew" in said(run)) is is_said


async def test_a_persons_page_says_how_they_were_identified() -> None:
    async with person("h2", waiting(), SIZES[1]) as run:
        assert "Identified by: “Photo ID, in person”." in " ".join(run.text.split())


async def test_what_the_command_line_proposed_names_whom_to_speak_to() -> None:
    typed = replace(STAFF, proposed_by="command line: kiosk")
    async with running(waiting(Role.MANAGER, typed), PAGES) as run:
        await run.press("f3")
        shown = " ".join(run.text.split())
        assert "Speak to the machine's administrator (command line: kiosk) first: is it" in shown


async def test_proposal_is_agreed_to_with_a_reason() -> None:
    async with running(waiting(), PAGES) as run:
        await run.press("f3", "g")
        assert "Bo Banks proposed: Correct the email address" in run.text
        await grounds(run)
        assert run.desk.asked.of("proposals.agree") == [("proposal-1", Grounds(WHY))]
        assert "The address is corrected." in run.text


async def test_who_agrees_to_a_station_is_shown_its_line_once() -> None:
    async with running(waiting(Role.MANAGER, LET_IN), PAGES) as run:
        await run.press("f3", "g")
        await grounds(run)
        assert "A line for Level 7" in run.text
        code = LINE.split()[1]
        assert code in run.text
        await run.press("escape", "escape")
        assert code not in run.text
        assert "The address is corrected." in run.text


async def test_what_is_about_no_person_opens_none() -> None:
    async with running(waiting(Role.MANAGER, STAFF), PAGES) as run:
        await run.press("f3")
        assert "Open the person" not in run.text
        await run.press("p", "enter")
        assert "What waits for a second member of staff" in run.text


async def test_ones_own_is_taken_back_and_not_agreed_to() -> None:
    mine = replace(EMAIL, proposed_by="Mo Farrow")
    async with running(waiting(Role.MANAGER, mine), PAGES) as run:
        await run.press("f3")
        assert "You proposed this yourself" in run.text
        await run.press("g")
        assert "Speak to" not in run.text
        assert "d Take back" in run.text
        assert "Decline" not in run.text
        await run.press("d")
        assert "Take back" in run.text
        await grounds(run)
        assert run.desk.asked.of("proposals.decline") == [("proposal-1", Grounds(WHY))]


async def test_agents_do_not_see_what_is_for_managers() -> None:
    async with running(waiting(Role.AGENT), PAGES) as run:
        await run.press("f3")
        assert "Bronwen Pryce" in run.text
        assert "Cy Dunn" not in run.text


async def test_people_of_one_name_are_distinguished_by_their_number() -> None:
    async with running(waiting(), PAGES) as run:
        await run.press("f3")
        assert "About: Bronwen Pryce (100200300402)." in run.text
        await run.press("g")
        shown = " ".join(" ".join(re.findall("║(.*)║", run.text)).split())
        assert "About: Bronwen Pryce (100200300402). It is done once you agree." in shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (NotPermitted("Bo Banks let you in here."), "Bo Banks let you in here."),
        (
            ConcurrentChange("This person was changed.", ("Bo Banks corrected the name.",)),
            "Bo Banks corrected the name.",
        ),
    ],
)
async def test_why_it_was_not_done_is_said(error: Exception, shown: str) -> None:
    async with running(waiting(), PAGES) as run:
        run.desk.asked.raises("proposals.agree", error)
        await run.press("f3", "g")
        await grounds(run)
        assert shown in run.text


async def test_the_persons_page_shows_it_and_decides_on_it() -> None:
    async with person(READY, waiting()) as run:
        assert "Waits for a second member of staff" in run.text
        assert "Correct the email address from bronwen.pryce@nhs.net to bronwen@nhs.uk." in run.text
        assert "Reason: “Asked for it in person”." in run.text
        await run.press("d")
        await grounds(run)
        assert run.desk.asked.of("proposals.decline") == [("proposal-1", Grounds(WHY))]
        assert "Waits for a second member of staff" not in run.text


async def test_the_persons_page_shows_by_itself_that_a_colleague_agreed() -> None:
    async with person(READY, waiting()) as run:
        run.desk.estate.proposals.clear()
        await run.press("e")
        await run.refresh_is_due(AboutPerson.REFRESH_S)
        await run.press("escape")
        assert "Waits for a second member of staff" in run.text, "it changed under a dialog"
        await run.refresh_is_due(AboutPerson.REFRESH_S, 2)
        assert "Waits for a second member of staff" not in run.text


async def test_proposal_is_agreed_to_on_the_persons_page() -> None:
    async with person(READY, waiting()) as run:
        await run.press("g")
        await grounds(run)
        assert run.desk.asked.of("proposals.agree") == [("proposal-1", Grounds(WHY))]
