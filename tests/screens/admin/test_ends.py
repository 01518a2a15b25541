"""The application in a real terminal: how it ends, and what cannot be got out of it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from screens.admin.app import FAREWELLS, End
from tests.screens.terminal.outside import ForkedOutside, Outside
from tests.screens.terminal.program import SECRET

pytestmark = pytest.mark.terminal

CTRL_C, CTRL_P, CTRL_Q, CTRL_Z, CTRL_BACKSLASH = b"\x03", b"\x10", b"\x11", b"\x1a", b"\x1c"
F4, ENTER = b"\x1bOS", b"\r"


PROGRAM = "tests.screens.admin.program"


class FreshSession(Outside):
    """Somebody who logged in a moment ago: the program has to be loaded yet."""

    PROGRAM = PROGRAM


class Session(ForkedOutside):
    """Somebody who logged in."""

    PROGRAM = PROGRAM


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def session(notes: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    outside = Session(getattr(request, "param", "plain"), notes)
    try:
        outside.wait_for("Unlocked today")
        yield outside
    finally:
        outside.close()


def afterwards(session: Session) -> str:
    """Return what stands on the terminal once the application has left its own screen."""
    _, left, after = session.written.rpartition(b"\x1b[?1049l")
    assert left
    return re.sub(rb"\x1b\[[^a-zA-Z]*[a-zA-Z]", b"", after).decode().strip()


def retire(session: Session) -> None:
    session.type(F4)
    session.wait_for("stations up")
    session.type(b"rBroken reader" + ENTER)


def test_every_end_has_a_farewell() -> None:
    assert set(FAREWELLS) == {*End, None}


def test_logging_out_puts_the_terminal_back_and_says_so(session: Session) -> None:
    session.type(CTRL_Q)
    assert session.wait_for_end() == 0
    assert afterwards(session) == "You are logged out."
    assert session.notes == ["end logged-out"]


def test_keys_that_end_or_stop_other_programs_do_neither(session: Session) -> None:
    session.type(CTRL_C)
    session.wait_for("Ctrl+Q logs you out")
    session.type(CTRL_Z + CTRL_BACKSLASH + CTRL_C + CTRL_C)
    session.type(F4)
    session.wait_for("stations up")
    assert session.child.isalive()
    assert session.notes == []


def test_a_burst_with_a_dialog_s_key_in_it_goes_where_it_belongs(session: Session) -> None:
    retire(session)
    session.wait_for("is retired")
    assert session.notes == ["begun", "Eye Clinic is retired. It serves nobody any more."]


def test_what_is_typed_while_it_comes_up_is_not_lost(notes: Path) -> None:
    session = FreshSession("plain", notes)
    try:
        session.type(CTRL_P + b"stations" + ENTER)  # the terminal makes a line feed of Enter
        session.wait_for("stations up")
    finally:
        session.close()


def test_what_is_typed_for_a_dialog_while_it_comes_up_goes_into_it(notes: Path) -> None:
    session = FreshSession("plain", notes)
    try:
        session.type(F4 + b"aNorth Door")
        session.wait_for("North Door")
    finally:
        session.close()


def test_alt_and_a_number_is_a_page_and_a_paste_is_text(session: Session) -> None:
    session.type(b"\x1b4")
    session.wait_for("stations up")
    session.type(b"r")
    session.wait_for("Reason")
    session.type(b"\x1b[200~Broken\r\x1b[201~")
    session.wait_for("Broken")
    session.type(b"lamp")
    session.wait_for("lamp")
    assert session.notes == []  # what ends a pasted line sends nothing


@pytest.mark.parametrize(
    "junk",
    [
        bytes(range(0x80, 0x100)),
        b"\x1b[999999;999999H\x1b[<35;99999;99999M\x1b[?1;2c\x1b]52;c;eA==\x07\x1bP+q\x1b\\",
        b"\x1b[" * 200,
        b"\x1b[M\xff\xff\xff\x1b[200~\x1b[200~\x1b[201~\x00\x00",
    ],
)
def test_what_is_no_key_ends_nothing(session: Session, junk: bytes) -> None:
    def answers() -> bool:
        for key in (b"\x1b", b"\x1b4"):
            session.type(key)
            session.read()
        return "stations up" in session.picture

    session.type(junk)
    session.wait_until(answers)
    assert session.notes == []


def test_program_asks_for_nothing_that_a_terminal_could_leak(session: Session) -> None:
    session.type(CTRL_P)
    session.wait_for("What do you want to do?")
    for asked in (b"\x1b]52", b"\x1b]0;", b"\x1b]2;", b"\x1b[>", b"\x1b[?1004h"):
        assert asked not in session.written


def test_a_lost_connection_ends_it(session: Session) -> None:
    session.hang_up()
    # Python itself says 120 where the last of what it wrote found no terminal any more.
    assert session.wait_for_end() in (0, 120)
    assert session.notes == ["end hung-up"]


@pytest.mark.parametrize("how", ["hang up", signal.SIGHUP, signal.SIGTERM])
def test_a_lost_connection_loses_nothing_half_done(
    session: Session, how: str | signal.Signals
) -> None:
    retire(session)
    session.wait_until(lambda: "begun" in session.notes)
    if isinstance(how, signal.Signals):
        session.child.kill(how)
    else:
        session.hang_up()
    session.wait_for_end()
    assert session.notes == [
        "begun",
        "Eye Clinic is retired. It serves nobody any more.",
        "end hung-up",
    ]


@pytest.mark.parametrize("session", ["late signals"], indirect=True)
def test_signals_that_come_after_the_end_leave_it_to_be_noted(session: Session) -> None:
    session.type(CTRL_Q)
    assert session.wait_for_end() == 0
    assert session.notes == ["end logged-out"]


@pytest.mark.parametrize("session", ["broken"], indirect=True)
def test_a_fault_ends_it_with_a_plain_sentence(session: Session) -> None:
    retire(session)
    assert session.wait_for_end() == 1
    assert afterwards(session).startswith("Something went wrong on our side")
    assert session.notes == ["fault RuntimeError", "end None"]
    assert SECRET.encode() not in session.written
    assert b"Traceback" not in session.written


@pytest.mark.parametrize("session", ["idle"], indirect=True)
def test_a_session_that_nobody_sits_at_ends_by_itself(session: Session) -> None:
    session.wait_for("Are you still there?")
    assert session.wait_for_end() == 0
    assert "nobody touched a key" in afterwards(session)
    assert session.notes == ["end idle"]
