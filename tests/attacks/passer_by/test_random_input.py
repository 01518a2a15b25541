"""Before: only known sequences were tried at a station. Here they are random, with a seed, and so
are the keys: nothing is echoed, no process ends, and a key is heard afterwards."""

from __future__ import annotations

import itertools
import random
import struct
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import psutil
import pytest

from screens.words import frame, maintenance, waiting
from tests.e2e import records
from tests.e2e.processes import StationAlone
from tests.e2e.station import KEYS, Station
from tests.e2e.test_maintenance import Maintained, make_officer, open_page
from tests.e2e.test_two_processes import machine, world
from tests.e2e.visitor import Visitor
from tests.e2e.world import World
from tests.support.system_bus import system_bus

__all__ = ["machine", "world"]

pytestmark = [pytest.mark.hardware, pytest.mark.terminal, pytest.mark.usefixtures("authority")]

SEED = 20261126
SILENCE_S = 1.0
"""More than a decoder waits for the rest of a frame."""
SEQUENCES, PRESSES = 10_000, 100_000
MB = 1 << 20
INTRODUCERS = (
    b"\x1b[",
    b"\x1b]",
    b"\x1bO",
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    b"\x9b",
    b"\x90",
    b"\x1b",
)
UNKNOWN = "\x1b[99;7z"
FINALS = (b"\x07", b"\x1b\\", b"\x18", b"")
MODIFIED = [
    f"\x1b[{key};{held}{end}"
    for key in (1, 2, 5, 15, 17, 24)
    for held in range(2, 17)
    for end in "ABCDFHPQRS~u"
]
PRESSED = [*map(chr, range(128)), *KEYS.values(), *MODIFIED]


def sequences(chance: random.Random) -> Iterator[bytes]:
    """Yield control sequences as they might come: whole, torn, with absurd numbers or bytes."""
    for _ in range(SEQUENCES):
        numbers = ";".join(str(chance.choice((0, 1, 9, 1004, 2026, 10**11))) for _ in range(4))
        middle = chance.choice((numbers.encode(), b"?" + numbers.encode(), chance.randbytes(9)))
        end = chance.choice((*FINALS, bytes([chance.randrange(64, 127)])))
        yield chance.choice(INTRODUCERS) + middle + end


def pour(station: Station, data: bytes) -> None:
    for start in range(0, len(data), 1024):
        station.send(data[start : start + 1024])


def is_heard(station: Station) -> None:
    """Press the key for the other surface until it is drawn.

    What begins a scanner's frame takes each key, up to some silence.
    """
    before = frame.LIGHT_COLOURS in station.read
    station.press("escape")
    while (frame.LIGHT_COLOURS in station.read) == before:
        station.press("f2")
        silent_until = time.monotonic() + SILENCE_S
        while (frame.LIGHT_COLOURS in station.read) == before and time.monotonic() < silent_until:
            time.sleep(0.02)


def peak(station: Station) -> int:
    """Return the most that a process of the station had in memory (VmHWM of proc(5))."""
    parent = psutil.Process(station.process.pid)
    statuses = (Path(f"/proc/{one.pid}/status") for one in (parent, *parent.children()))
    return max(int(each.read_text().partition("VmHWM:")[2].split()[0]) << 10 for each in statuses)


def resize(station: Station, columns: int, rows: int) -> None:
    with station.tty.open("rb", buffering=0) as tty:
        ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.mark.parametrize("during_a_visit", [False, True], ids=["idle", "during a visit"])
def test_random_input_reaches_nothing(
    world: World, machine: StationAlone, during_a_visit: bool
) -> None:
    chance = random.Random(SEED)
    station = machine.start()
    if during_a_visit:
        visitor = Visitor(world, world.ada, station)
        visitor.comes()
        station.see(world.ada.name)
    children = {one.pid for one in psutil.Process(station.process.pid).children()}
    mark = len(station.written)
    pour(station, b"".join(sequences(chance)))
    is_heard(station)
    pour(station, "".join(chance.choices(PRESSED, k=PRESSES)).encode())
    is_heard(station)
    pour(station, b"\x1b[200~" + b"zq! " * (5 * MB // 4))
    is_heard(station)
    for columns, rows in ((1, 1), (500, 1), (1, 500), (80, 24)):
        resize(station, columns, rows)
    is_heard(station)
    written = bytes(station.written[mark:])
    assert not any(one in written for one in (b"\x1b]52", b"\x1b]99", b"zq!", b"^[", b"Traceback"))
    assert peak(station) < 150 * MB
    assert "fault" not in machine.log.read_text()
    if during_a_visit:
        visitor.goes()
    else:
        station.see(waiting.ATTRACT_TITLE)
        # Nobody pressed a process to its end: those that were there are there.
        assert {one.pid for one in psutil.Process(station.process.pid).children()} >= children
    assert station.close() == 0


def test_random_input_on_the_maintenance_page_confirms_nothing(
    world: World, tmp_path: Path
) -> None:
    """Each page of an officer is reached; only Enter and a touch confirm, and neither is sent."""
    chance = random.Random(SEED)
    make_officer(world, world.ada)
    with system_bus(tmp_path) as logind:
        machine = Maintained(world, f'[authority]\nsocket = "{world.folder.parent / "a.sock"}"\n')
        machine.bus = logind.bus
        station = machine.start()
        mark = len(station.written)
        for keys in ("", "3", "5", "2"):
            visitor = open_page(world, world.ada, station)
            station.press(*keys)
            after = (maintenance.SURE_TITLE, "The authority answers")
            station.see_any(*(after if keys else (maintenance.MENU_TITLE,)))
            # As slow as a hand: what comes faster is dropped as a whole, and shows nothing of this.
            station.press("right", UNKNOWN)
            is_heard(station)
            sent = b"".join(itertools.islice(sequences(chance), SEQUENCES // 4))
            pressed = "".join(chance.choices(PRESSED, k=PRESSES // 10)).encode()
            pour(station, (sent + pressed).translate(None, b"\r\n"))
            is_heard(station)
            visitor.goes()
        assert logind.asked == []
        written = bytes(station.written[mark:])
        assert not any(one in written for one in (b"\x1b]52", b"\x1b]99", b"^[", b"Traceback"))
        acts = {row.detail["act"] for row in records.events(world, "maintained")}
        assert acts <= {"test-reader", "show-network"}
        assert "fault" not in machine.log.read_text()
        assert station.close() == 0
