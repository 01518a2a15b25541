"""Before: one member logged in until nobody else had memory; here by sshd, to the refusal."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing

import pytest

from kiosk.app.cli.admin import take_place
from tests.e2e.admin.ssh_login import Door

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]


def test_sixth_session_is_refused_and_audited(door: Door) -> None:
    key = door.staff("Asha Okafor", "manager")
    with closing(sqlite3.connect(door.world.state / "kiosk.db")) as connection:
        ((member,),) = connection.execute("SELECT id FROM staff_member").fetchall()
    with ExitStack() as held:
        for _ in range(4):
            place = take_place(member)
            assert place is not None
            held.enter_context(place)
        fifth = door.log_in(key)
        fifth.see("log out")
        sixth = door.log_in(key)
        sixth.wait_for("You are logged in 5 times already", "Log out of one of them first.")
        sixth.process.wait(60)
        assert sixth.process.returncode == 1
        fifth.see("log out")
    assert door.told("staff-logged-out")[-1]["how"] == "too-many"
