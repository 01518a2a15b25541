"""Each way out of the screen, tried on the installed program in a real terminal.

``tests/screens/terminal`` tries them one by one on the display alone. Here one ``kiosk run``
has to stand all of them in turn, from its first milliseconds to its end in order.
"""

from __future__ import annotations

import csv
import os
import pty
import signal
import subprocess
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.contract.messages import Purpose
from screens.words import choices, email, frame, questions, waiting
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import DOMAIN, Person, person
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import PROGRAM, SECONDS, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

MB = 1 << 20
PASTE = 5 * MB
CHUNK = 1024
NAME = "[@click=app.quit]Eve[/x] [b"
EMAIL = f"eve@{DOMAIN}"
LFLAG = 3
CONTROL_KEYS = b"\x11\x03\x10\x1a\x1c\x13\x04\x0c"
ATTACKS = {
    "control keys": CONTROL_KEYS,
    "control keys as kitty sends them": b"\x1b[113;5u\x1b[99;5u\x1b[112;5u\x1b[122;5u\x1b[92;5u",
    "malformed kitty keys": b"\x1b[1:u\x1b[:u\x1b[;;u\x1b[99999999999999;5u" * 20,
    "not UTF-8": bytes(range(128, 256)) * 20,
    "resize to nothing": b"\x1b[48;0;0;0;0t" * 50,
    "resize to everything": b"\x1b[?2048;1$y\x1b[48;9999;9999;9999;9999t",
    "reports": b"\x1b[24;80R\x1b[?62;c\x1b[I\x1b[O\x1b]52;c;Y2FuYXJ5\x07",
    "an action": b"[@click=app.quit]quit[/x]",
    "a paste that never ends": b"\x1b[200~" + b"5" * 200,
}


def test_every_way_out_is_closed(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world()
    eve = _eve(world)
    station = world.station(environ=_evil_environment(tmp_path), ready=False)
    _type_in_the_first_second(station)
    for attack in ATTACKS.values():
        _pour(station, attack)
        _still_works(station, waiting.ATTRACT_TITLE)
    _register_as(Visitor(world, eve, station))
    for attack in ATTACKS.values():
        _pour(station, attack)
        _still_works(station, questions.lead(1, 4))
    before = _memory(station)
    _pour(station, b"\x1b[200~" + b"5 [/x] " * (PASTE // 7))
    _still_works(station, questions.lead(1, 4))
    assert _memory(station) - before < 24 * MB
    world.remove(eve)
    station.see(waiting.ATTRACT_TITLE)

    assert not (tmp_path / "evil.was.here").exists()
    assert not list(tmp_path.glob("*.svg"))
    written = bytes(station.written)
    assert b"Traceback" not in written
    assert b"\x1b]52" not in written, "the clipboard was written"
    _ends_in_order(station)


def test_a_terminal_that_hangs_up_ends_the_program(world: World) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "run", "--config", world.config, "--log", world.log],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**world.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    ) as process:
        os.close(slave)
        try:
            drawn = b""
            while waiting.ATTRACT_TITLE.encode() not in drawn:
                drawn += os.read(master, 65536)
            os.close(master)
            assert process.wait(SECONDS) == 1
        finally:
            process.kill()
    assert "ended with code 1" in world.log.read_text()


# --- before ----------------------------------------------------------------------------


def _eve(world: World) -> Person:
    """Bring somebody into the estate whose name is an attack."""
    eve = person("900100200377", NAME, "73915480", "73918264")
    file = world.folder / "eve.csv"
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["holder_number", "name", "email", "card_id", "unblock_secret"])
        rows.writerow([eve.number, NAME, EMAIL, eve.card.state.guid.hex(), eve.puk])
    world.kiosk("import", str(file), check=True)
    return eve


def _evil_environment(folder: Path) -> dict[str, str]:
    """Return variables that would log keys, load code or open a prompt."""
    evil = folder / "evil" / "textual"
    evil.mkdir(parents=True)
    mark = folder / "evil.was.here"
    (evil / "__init__.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    return {
        "PYTHONPATH": str(evil.parent),
        "PYTHONINSPECT": "1",
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_LOG": str(mark),
        "TEXTUAL_DRIVER": "evil:Driver",
        "TEXTUAL_PRESS": "ctrl+q,f2",
        "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_SCREENSHOT_LOCATION": str(folder),
        "TEXTUAL_ALLOW_SIGNALS": "1",
        "ESCDELAY": "99999",
        "COLUMNS": "20",
        "LINES": "5",
    }


def _type_in_the_first_second(station: Station) -> None:
    """Type as soon as the program has the terminal, long before it draws on it."""
    pause = threading.Event()
    while _flags(station) & termios.ECHO:
        pause.wait(0.001)
    station.send(CONTROL_KEYS + b"echoed")
    assert not station.text.strip(), "it was too late: something is drawn"
    station.see(waiting.ATTRACT_TITLE)
    assert b"echoed" not in station.written
    assert not _flags(station) & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)


# --- in between ------------------------------------------------------------------------


def _register_as(visitor: Visitor) -> None:
    """Go as far as a page with a text on it; the name is shown as it is."""
    visitor.comes()
    shown = visitor.station.see(choices.MENU_TITLE, choices.greeting(NAME))
    label = choices.OFFERS[Purpose.REGISTER][0]
    assert label in shown
    visitor.station.touch("Eve")
    visitor.station.press(str(visitor.station.number_of(label)))
    visitor.proves_pin().station.see(email.code_title(None, proves_owner=True))
    visitor.enters_code(visitor.world.read_code(EMAIL))
    visitor.station.see(questions.pick_title(1, 4))
    visitor.station.press("1")
    visitor.station.see(questions.lead(1, 4))


def _pour(station: Station, data: bytes) -> None:
    """Send bytes as fast as the terminal takes them."""
    for start in range(0, len(data), CHUNK):
        station.send(data[start : start + CHUNK])


def _still_works(station: Station, page: str) -> None:
    """Switch the surface by its key: the keyboard lives, and the page is the same.

    After a flood the station is deaf for a moment: the key is pressed until it is heard.
    """
    labels = frame.HIGH_CONTRAST, frame.LIGHT_COLOURS
    before = labels[1] in station.read
    _press_until(station, "f2", lambda: (labels[1] in station.read) != before)
    shown = station.see(page, frame.NEED_HELP)
    assert "Too small" not in shown
    assert len(station.text.split("\n")[-1].strip()) > 0, "the picture is not as high as before"


def _press_until(station: Station, key: str, met: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(200):
        station.press(key)
        for _ in range(20):
            if met():
                return
            pause.wait(0.02)
    raise AssertionError(f"{key} was not heard; on the display:\n{station.text}")


def _memory(station: Station) -> int:
    """Return the most bytes that the program ever had resident (VmHWM of proc(5))."""
    status = Path(f"/proc/{station.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


# --- and after -------------------------------------------------------------------------


def _flags(station: Station) -> int:
    """Return the local flags of the terminal: echo, line editing, signals."""
    flags: int = termios.tcgetattr(station._master)[LFLAG]
    return flags


def _ends_in_order(station: Station) -> None:
    """End it as a service manager does; the terminal is what it was."""
    terminal = os.dup(station._master)
    try:
        station.process.send_signal(signal.SIGTERM)
        assert station.process.wait(SECONDS) == 0
        after = termios.tcgetattr(terminal)[LFLAG]
    finally:
        os.close(terminal)
    assert after & termios.ECHO
    assert after & termios.ISIG
    assert after & termios.ICANON
    assert station.close() == 0
    left = bytes(station.written)
    assert left.rfind(b"\x1b[?1049l") > left.rfind(b"\x1b[?1049h")
    assert left.rfind(b"\x1b[?25h") > left.rfind(b"\x1b[?25l")
    assert left.rfind(b"\x1b[?1000l") > left.rfind(b"\x1b[?1000h")
