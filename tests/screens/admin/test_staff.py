"""The staff page: who may log in, and what is asked before that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration.views import Grounds
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from kiosk.contract.families import PROVE_PIN
from kiosk.contract.messages import CardId
from screens.admin.staff import StaffPage
from screens.admin.stations import StationsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, Run, running, said
from tests.screens.admin.record_samples import record_samples

PAGES = (StaffPage, StationsPage)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx2r0m1kz7 asha@ward-7"
WHY = Grounds("New at the desk")


def row(run: Run, name: str) -> str:
    return next(line for line in run.lines[3:] if name in line)


@pytest.mark.parametrize("size", SIZES)
async def test_everybody_is_there_with_role_login_and_keys(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    record_samples()["staff"].arrange(desk)
    async with running(desk, PAGES, size) as run:
        await run.press("f8", "down")
        assert "4 members of staff" in run.text
        assert "today 10:26" in row(run, "Mo Farrow")
        assert "– removed" in row(run, "Gwen Past")
        assert "SHA256:uN7vJ2ab4Xk0uN7vJ2ab4Xk0uN7vJ2ab4Xk0uN7vJ2a" in run.text
        assert "token in the safe, sk-ssh-ed25519@openssh.com, added 1 Mar 2026" in run.text


async def test_who_let_somebody_in_is_said_and_who_agreed() -> None:
    desk = FakeDesk()
    line = desk.estate.staff[0]
    keys = tuple(replace(key, added_by="Mo Farrow", agreed_by="Cy Dunn") for key in line.keys)
    desk.estate.staff = [replace(line, added_by="command line: root", keys=keys)]
    async with running(desk, PAGES) as run:
        await run.press("f8")
        assert f"{line.name}, let in by command line: root, logs in with" in run.text
        assert "by Mo Farrow, agreed by Cy Dunn" in run.text


async def test_single_member_is_written_in_the_singular() -> None:
    desk = FakeDesk()
    del desk.estate.staff[1:]
    async with running(desk, PAGES) as run:
        await run.press("f8")
        assert "1 member of staff" in run.text


async def test_somebody_is_added_with_a_key_that_was_pasted() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8", "a", *"Asha Okafor", "tab", "down", "down", "tab", *KEY)
        await run.press("enter", *WHY.reason, "enter")
        assert run.desk.asked.of("staff.add") == [("Asha Okafor", Role.AUDITOR, KEY, WHY)]
        assert "Asha Okafor can log in as an auditor." in run.text
        assert "5 members of staff" in run.text


async def test_a_key_that_is_none_is_said_at_its_field() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("staff.add", NotTaken("public_key", "This is a private key."))
        await run.press("f8", "a", *"Asha Okafor", "tab", "tab", *"-----BEGIN", "tab")
        await run.press(*WHY.reason, "enter")
        assert "! This is a private key." in run.text
        assert "Asha Okafor" in run.text


async def test_a_role_is_changed_by_keyboard() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8", "o", "down", "enter", *WHY.reason, "enter")
        assert run.desk.asked.of("staff.change_role") == [("staff-agent", Role.MANAGER, 1, WHY)]
        assert "manager" in row(run, "Ann Archer")


async def test_somebody_is_removed_by_mouse() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8")
        await run.click("Bo Banks")
        await run.click("d Remove")
        assert "logged out where they are" in said(run)
        await run.type(WHY.reason)
        await run.click("  Remove  ")
        assert run.desk.asked.of("staff.remove") == [("staff-second", 1, WHY)]
        assert "– removed" in row(run, "Bo Banks")


async def test_keys_come_and_go() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8", "k", *KEY, "enter", *WHY.reason, "enter")
        assert run.desk.asked.of("staff.add_key") == [("staff-agent", KEY, WHY)]
        await run.press("x", "enter", *WHY.reason, "enter")
        assert run.desk.asked.of("staff.remove_key") == [], "nobody said which"
        await run.press("down", "down", "enter", "enter")
        (dropped,) = run.desk.asked.of("staff.remove_key")
        assert dropped[1] != "SHA256:-agentQx7vJ2"
        assert "SHA256:-agentQx7vJ2" in run.text


GUID = "0a1b2c3d" * 4
PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZI\nzj0CAQ==\n-----END PUBLIC KEY-----\n"


async def test_a_technician_is_given_a_card_and_it_is_taken_away() -> None:
    desk = FakeDesk()
    record_samples()["staff-technician"].arrange(desk)
    async with running(desk, PAGES) as run:
        await run.press("f8", *["down"] * 4)
        assert "Add key" not in run.lines[-1], "a technician has none"
        await run.press("c", "tab")
        for family in PROVE_PIN:
            assert f" {family} " in run.text, "each signs something after its PIN"
            await run.press("down")
        await run.press("escape", "c", *f"piv {GUID}", "enter", "enter")
        run.paste(PEM)
        await run.press("enter", *WHY.reason, "enter")
        ((staff_id, card, key, grounds),) = desk.asked.of("staff.add_card")
        assert (staff_id, card, grounds) == ("staff-technician", CardId("piv", GUID), WHY)
        assert str(key).split() == PEM.split(), "a key has several lines, and all are pasted"
        assert "opens stations' maintenance pages." in run.text
        assert "piv 0a1b 2c3d" in run.text
        await run.press("y", "up", "enter", *WHY.reason, "enter")
        assert desk.asked.of("staff.remove_card")[0][1] == CardId("piv", GUID)
        assert "piv 0a1b 2c3d" not in run.text


async def test_a_card_that_is_refused_is_said_at_its_field() -> None:
    async with running(pages=PAGES) as run:
        refused = NotTaken("card", "This is the card of a member of staff already.")
        run.desk.asked.raises("staff.add_card", refused)
        await run.press("f8", "down", "down", "c", *GUID, "tab", "tab", "tab", *WHY.reason, "enter")
        assert "! This is the card of a member of staff already." in run.text
        assert GUID in run.text


async def test_a_card_is_offered_for_those_whose_role_maintains_stations() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8")
        assert "Add card" not in run.lines[-1]
        assert "Drop card" not in run.lines[-1]
        await run.click("Mo Farrow")
        assert "Add card" in run.lines[-1]
        assert "Drop card" not in run.lines[-1]


async def test_nobody_is_offered_to_change_themselves() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8")
        await run.click("Mo Farrow")
        assert "Role" not in run.lines[-1]
        assert "Remove" not in run.lines[-1]
        await run.press("x", *WHY.reason, "enter")
        assert "! The last key of a manager stays." in run.text


async def test_who_is_gone_is_offered_nothing() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8", "end", "o", "d", "k", "x")
        assert not run.app.screen.is_modal
        assert "Gwen Past was removed on 12 Feb 2026" in run.text


async def test_sent_again_it_decides_on_what_is_so_now() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f8", "o", "down", "tab", *WHY.reason)
        ann = run.desk.estate.staff[1]
        run.desk.estate.staff[1] = replace(ann, revision=2)
        await run.press("enter")
        assert "! Somebody changed this member." in run.text
        await run.press("enter")
        assert run.desk.asked.of("staff.change_role")[-1][2] == 2


async def test_an_auditor_reads_and_an_agent_has_no_such_page() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        await run.press("f8", "a")
        assert "4 members of staff" in run.text
        assert not run.app.screen.is_modal
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f8")
        assert "members of staff" not in run.text
        assert "Staff" not in run.lines[1]
