"""Before: an in-band resize took 4.5 GB of the RA application, 5 MB of keys 816 MB, and it outlived
its connection by minutes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from screens.terminal.driver import LAST_S
from tests.e2e.admin.ssh_login import Door
from tests.e2e.station import Station

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

MB = 1 << 20
LIMIT = 200 * MB
IN, STATIONS = "log out", "No station has been heard of yet"
PATIENCE_S = 60.0
ATTACKS = {
    "resize": b"\x1b[48;99999999999;1;1;1t" * 20,
    "resize, offered first": b"\x1b[?2048;1$y" + b"\x1b[48;99999;99999;9999999;9999999t" * 20,
    "typed keys": b"q w e " * (5 * MB // 6),
    "a paste that never ends": b"\x1b[200~" + b"paste " * (5 * MB // 6),
    "keys of a dialog": b"\x10\x1b\x10\x1b2" * 20_000,
    "the mouse": b"\x1b[<35;9;9M\x1b[<65;9;9M\x1b[<0;9;9M\x1b[<0;9;9m" * 20_000,
}


@pytest.fixture
def session(door: Door) -> Station:
    session = door.log_in(door.staff("Asha Okafor", "manager"), 120, 36)
    session.see(IN)
    return session


def program(door: Door) -> psutil.Process:
    (found,) = door.programs()
    return found


def has_ended(process: psutil.Process) -> bool:
    """Return whether it has; its parent, sshd, is gone as well, and another may reap it late."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def pour(session: Station, data: bytes) -> None:
    for start in range(0, len(data), 4096):
        session.send(data[start : start + 4096])


def most_memory(process: psutil.Process) -> int:
    """Return the most bytes that the program ever had resident (VmHWM of proc(5))."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def answers(session: Station) -> float:
    """Close what is open, and go to another page and back; return after how many seconds."""
    begun = time.monotonic()
    _press_until(session, "\x1bOS", lambda shown: STATIONS in shown)
    _press_until(session, "\x1bOP", lambda shown: STATIONS not in shown)
    session.see(IN)
    return time.monotonic() - begun


def _press_until(session: Station, key: str, met: Callable[[str], bool]) -> None:
    end, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not met(session.read):
        assert time.monotonic() < end, session.text
        session.send("\x1b")
        pause.wait(0.2)
        session.send(key)
        pause.wait(0.5)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_flood_takes_little_and_the_next_key_is_answered(
    door: Door, session: Station, attack: str
) -> None:
    staff = program(door)
    before = most_memory(staff)
    pour(session, ATTACKS[attack])
    took = answers(session)
    after = most_memory(staff)
    print(f"{attack}: {before // MB} MB before, {after // MB} MB after; answered in {took:.1f} s")  # noqa: T201
    assert after < LIMIT


@pytest.mark.parametrize("under_way", [b"", ATTACKS["typed keys"]], ids=["idle", "in a flood"])
def test_staffs_program_is_gone_after_hang_up(
    door: Door, session: Station, under_way: bytes
) -> None:
    staff = program(door)
    pour(session, under_way)
    session.process.send_signal(signal.SIGKILL)  # the client; sshd closes the terminal
    begun = time.monotonic()
    while not has_ended(staff):
        assert time.monotonic() < begun + PATIENCE_S + LAST_S, staff
        time.sleep(0.05)
    print(f"gone {time.monotonic() - begun:.1f} s after the connection")  # noqa: T201
    # It was not ended by the last resort, which says nothing.
    assert [each["how"] for each in door.told("staff-logged-out")] == ["hung-up"]
