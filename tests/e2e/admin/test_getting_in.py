"""Who gets in, to what, and that nobody gets anything else: a real sshd, real keys."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.admin.ssh_login import Door, Session
from tests.e2e.world import SECONDS
from tests.support.fresh_root import CHECKOUT

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

IN = "log out"
"""The heading shows it on every page."""

F8 = "\x1b[19~"
F4, STATIONS = "\x1bOS", "No station has been heard of yet"


@pytest.fixture
def door(front: Door) -> Iterator[Door]:
    """The one door; nobody is inside when a test begins, or ends."""
    yield front
    front.close_sessions()


@pytest.mark.parametrize(
    ("role", "sees", "never"),
    [
        ("manager", ("Today", "People", "Policy", "Staff", "Import"), ()),
        ("agent", ("Today", "People", "Policy"), ("Staff", "Import")),
        ("auditor", ("Today", "People", "Audit", "Staff"), ("Import",)),
    ],
)
def test_staff_see_what_their_role_may(
    door: Door, role: str, sees: tuple[str, ...], never: tuple[str, ...]
) -> None:
    session = door.log_in(door.named(role), 120, 36)
    shown = session.see(IN, f"{role.title()} Okafor", *sees)
    bar = "\n".join(session.text.split("\n")[:3])
    assert not [name for name in never if name in bar], shown
    session.send("\x11")
    assert _ended(session.process.poll), "Ctrl+Q did not log out"
    session.wait_for("You are logged out.")
    assert session.process.returncode == 0
    assert door.told("staff-logged-in")[-1]["key"] == _fingerprint(door, role)
    assert door.told("staff-logged-out")[-1]["how"] == "logged-out"


def test_the_terminals_cursor_is_where_the_focus_is(door: Door) -> None:
    """A screen reader or a magnifier follows it."""
    session = door.log_in(door.named("manager"), 120, 36)
    session.see(IN)
    session.send(F8)
    session.see("members of staff")
    _await_cursor_at(session, "Agent Okafor")
    session.press("down")
    _await_cursor_at(session, "Auditor Okafor")
    session.press("f2")
    session.see("Find a person")
    session.type("okaf")
    _await_cursor_at(session, "okaf")


def _await_cursor_at(session: Session, text: str) -> None:
    session.wait_until(lambda _shown: text in session.at_cursor, f"the cursor at {text}")


def test_a_stranger_is_refused_by_sshd(door: Door) -> None:
    before = door.told("staff-logged-in")
    tried = door.try_to(door.key("nobody"))
    assert tried.returncode == 255
    guide = CHECKOUT / "docs" / "ra-guide.md"
    (answer,) = re.findall(r"If the answer is `(.+?)`", guide.read_text())
    assert answer in tried.stderr, "the guide quotes it"
    assert door.told("staff-logged-in") == before


def test_a_stranger_that_sshd_lets_in_is_turned_away_and_audited(door: Door) -> None:
    session = door.log_in(door.named("stranger"))
    session.wait_for("This key belongs to no member of staff")
    assert _ended(session.process.poll)
    assert session.process.returncode == 1
    told = door.told("staff-turned-away")[-1]
    assert (told["key"], told["from"]) == (_fingerprint(door, "stranger"), "127.0.0.1")


def test_a_key_that_was_removed_works_no_more(door: Door) -> None:
    key = door.staff("Ben Nowak", "agent")
    session = door.log_in(key)
    session.see(IN)
    door.kiosk("staff", "remove", "Ben Nowak", "--reason", "left the trust")
    session.press("f2")
    session.see("Find a person")
    session.type("ada")
    assert _ended(session.process.poll), "it stays open"
    session.wait_for("Your key does not let you in any more")
    assert session.process.returncode == 0
    assert door.told("staff-logged-out")[-1]["how"] == "removed"
    assert "Permission denied" in door.try_to(key).stderr


@pytest.mark.parametrize(
    ("command", "terminal"),
    [
        ("id", ()),
        ("sh -i", ("-tt",)),
        ("kiosk staff list", ("-tt",)),
        ("internal-sftp", ()),
        ("", ("-tt",)),
        ("", ()),
    ],
)
def test_no_command_runs_but_the_application(
    door: Door, command: str, terminal: tuple[str, ...]
) -> None:
    key = door.named("manager")
    before = len(door.told("staff-turned-away"))
    mark = door.world.folder / "mark"
    wanted = f"{command}; touch {mark}" if command else f"touch {mark}"
    tried = door.try_to(key, wanted, options=terminal)
    assert tried.returncode == 1
    assert "Only the RA application runs here." in tried.stdout + tried.stderr
    assert "uid=" not in tried.stdout
    assert not mark.exists()
    assert len(door.told("staff-turned-away")) == before + 1


def test_no_file_goes_in_or_out(door: Door) -> None:
    key = door.named("manager")
    target = door.world.folder / "taken"
    client = door.sshd.client(key)
    options = client[1:-1]
    options[options.index("-p")] = "-P"
    for program in (["sftp", *options], ["scp", *options], ["scp", "-O", *options]):
        command = [*program, f"{client[-1]}:{door.world.state}/keys.json", str(target)]
        tried = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
        assert tried.returncode != 0, command
        assert not target.exists()


def test_nothing_is_forwarded(door: Door) -> None:
    key = door.named("manager")
    with socket.create_server(("127.0.0.1", 0)) as inside:
        goal = f"127.0.0.1:{inside.getsockname()[1]}"
        inside.settimeout(0.2)
        through = door.try_to(key, options=("-W", goal))
        assert through.returncode != 0
        back = door.try_to(key, options=("-o", "ExitOnForwardFailure=yes", "-N", "-R", f"0:{goal}"))
        assert back.returncode != 0
        with pytest.raises(TimeoutError):
            inside.accept()


def test_no_environment_and_no_agent_come_in(door: Door) -> None:
    key = door.named("manager")
    given = "KIOSK_SETTINGS=/tmp/other.toml PYTHONINSPECT=1 LC_ALL=C.UTF-8 KIOSK_ADMIN__IDLE_S=9"
    with _agent(key) as socket_path:
        options = ("-A", "-X", "-o", f"SetEnv={given}", "-o", f"IdentityAgent={socket_path}")
        door.log_in(key, options=options).see(IN)
        (program,) = door.programs()
        found = program.environ()
    assert "kiosk" in " ".join(program.cmdline()) or found
    names = {pair.split("=")[0] for pair in given.split()} | {"SSH_AUTH_SOCK", "DISPLAY"}
    assert not names & set(found)
    assert "SSH_USER_AUTH" in found


def test_no_chord_gives_a_shell(door: Door) -> None:
    session = door.log_in(door.named("manager"))
    session.see(IN)
    for keys in ("\x03", "\x1a", "\x1c", "\x03\x1a\x1c\x04\x03\x03"):
        session.send(keys)
        session.send("id\r")
        session.send(F4)
        session.see(STATIONS)
        assert "uid=" not in session.text
        assert session.process.poll() is None
        session.see(IN)
        (program,) = door.programs()
        assert _is_the_program(program), program.cmdline()
        session.press("f2")
        session.see_gone(STATIONS)


@pytest.mark.parametrize("chord", ["\x03", "\x1a", "\x1c"])
def test_no_chord_gives_a_shell_while_it_comes_up(door: Door, chord: str) -> None:
    key = door.named("manager")
    session = door.log_in(key)

    def is_decided() -> int | None:
        if session.process.poll() is not None or IN in session.text or _is_stopped(door):
            return 0
        session.send(chord)
        return None

    assert _ended(is_decided), session.text
    if session.process.poll() is None:
        session.send("id\r")
    if IN in session.text:
        session.send(F4)
        session.see(STATIONS)
    assert "uid=" not in session.text
    assert "Traceback" not in session.text
    # A chord in the first milliseconds may stop the shell before it has become the program:
    # the session then hangs, and reads nothing.
    for one in door.programs():
        shells = [one, *one.parents()]  # it may be reading the account's own start-up files
        assert _is_the_program(one) or any(map(_is_the_forced_command, shells)), one.cmdline()


def test_a_lost_connection_leaves_nothing_behind(door: Door) -> None:
    key = door.named("manager")
    session = door.log_in(key)
    session.see(IN)
    (program,) = door.programs()
    session.process.send_signal(signal.SIGKILL)
    assert _ended(lambda: None if program.is_running() else 0), "the session lives on"
    assert door.told("staff-logged-out")[-1]["how"] == "hung-up"


def test_what_keeps_it_closed_is_said_in_the_log_alone(door: Door) -> None:
    keys = door.world.state / "keys.json"
    away = keys.rename(keys.with_name("away.json"))
    try:
        session = door.log_in(door.named("agent"))
        session.wait_for("The service cannot be opened now")
        assert _ended(session.process.poll)
    finally:
        away.rename(keys)
    assert session.process.returncode == 1
    assert str(keys) not in session.text
    log = door.sshd.sessions_log
    told = log.read_text()
    assert "the RA application cannot be opened" in told
    assert str(keys) in told
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_database_of_another_version_is_not_worked_on(door: Door) -> None:
    database = door.world.state / "kiosk.db"
    current = _revision(database, "0000")
    try:
        session = door.log_in(door.named("agent"))
        session.wait_for("The service cannot be opened now")
        assert _ended(session.process.poll)
    finally:
        _revision(database, current)
    assert "does not fit this program" in door.sshd.sessions_log.read_text()


def test_connection_has_one_session(door: Door) -> None:
    key = door.named("manager")
    control = door.keys / "control"
    session = door.log_in(key, options=("-M", "-S", str(control)))
    session.see(IN)
    second = door.try_to(key, options=("-S", str(control), "-o", "ControlMaster=no"))
    assert second.returncode != 0
    assert len(door.programs()) == 1


def _revision(database: Path, put: str) -> str:
    """Say that the schema is another one; return which it was."""
    with closing(sqlite3.connect(database)) as connection:
        (was,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", (put,))
        connection.commit()
    return str(was)


def _is_the_program(program: psutil.Process) -> bool:
    words: list[str] = program.cmdline()
    return words[1:5] == ["-I", "-m", "kiosk", "admin"]


def _is_stopped(door: Door) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any(one.status() == psutil.STATUS_STOPPED for one in door.programs())
    return False


def _is_the_forced_command(program: psutil.Process) -> bool:
    words = program.cmdline()
    return words[1:2] == ["-c"] and " admin --config " in words[2]


def _ended(code: Callable[[], int | None], seconds: float = SECONDS) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if code() is not None:
            return True
        time.sleep(0.05)
    return False


def _fingerprint(door: Door, name: str) -> str:
    command = ["ssh-keygen", "-lf", str(door.keys / f"{name}.pub")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]


class _agent:  # noqa: N801 - used as a function
    """Runs an ssh-agent that holds ``key``; gives the path of its socket."""

    def __init__(self, key: Path) -> None:
        self._key = key
        self._socket = key.parent / "agent.sock"

    def __enter__(self) -> Path:
        command = ["ssh-agent", "-D", "-a", str(self._socket)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert _ended(lambda: 0 if self._socket.exists() else None)
        environ = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(self._socket)}
        subprocess.run(["ssh-add", "-q", str(self._key)], env=environ, check=True)
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
