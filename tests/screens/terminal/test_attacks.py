"""Each way out, tried from the outside on the real program in a real terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.screens.terminal.outside import ForkedOutside, Outside
from tests.screens.terminal.program import SECRET

pytestmark = pytest.mark.terminal

MB = 1 << 20
Start = Callable[..., Outside]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a way to start the program, ``fresh`` or forked; each is ended after the test."""
    running: list[Outside] = []

    def begin(scenario: str = "pin", *, fresh: bool = False, **environment: str) -> Outside:
        kind = Outside if fresh else ForkedOutside
        running.append(kind(scenario, tmp_path / "notes", **environment))
        return running[-1]

    yield begin
    for outside in running:
        outside.close()


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Return one station that has to survive every attack of this module in turn."""
    outside = Outside("pin", tmp_path_factory.mktemp("station") / "notes")
    outside.wait_for("Enter your PIN")
    yield outside
    outside.close()


def assert_still_works(outside: Outside) -> None:
    """Switch the surface by its key: the keyboard lives, and the page is the same.

    The key is pressed until it is heard, as the bucket may be empty after a flood.
    """
    outside.read()
    before = "F2 Light colours" in outside.picture

    def switched() -> bool:
        outside.type(b"\x1bOQ")
        outside.read()
        return ("F2 Light colours" in outside.picture) != before

    outside.wait_until(switched)
    assert "Enter your PIN" in outside.picture
    assert "PinEntered" not in outside.notes


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(b"\x11\x03\x10\x1a\x1c\x13\x04\x0c", id="control-keys"),
        pytest.param(b"\x1b[113;5u\x1b[99;5u\x1b[112;5u", id="control-keys-as-kitty-sends-them"),
        pytest.param(b"\x1b[1:u" * 50, id="kitty-malformed"),
        pytest.param(b"\x1b[99999999999999;5u" * 50, id="kitty-beyond-unicode"),
        pytest.param(bytes(range(128, 256)) * 20, id="not-utf-8"),
        pytest.param(b"\x1b[48;0;0;0;0t" * 50, id="resize-to-nothing"),
        pytest.param(b"\x1b[?2048;1$y\x1b[48;9999;9999;9999;9999t", id="resize-to-everything"),
        pytest.param(b"\x1b[200~" + b"5" * 200, id="paste-that-never-ends"),
        pytest.param(b"\x1b[<0;2;2M" * 5 + b"\x1b[<35;9;9M" * 300, id="mouse"),
        pytest.param(b"\x1b[24;80R\x1b[?62;c\x1b[I\x1b[O", id="reports"),
        pytest.param(b"\x1b]52;c;Y2FuYXJ5\x07\x1b]11;?\x07", id="clipboard-and-colour-reports"),
        pytest.param(b"\x1bP+q544e\x1b\\", id="device-control"),
        pytest.param(b"\x1b[[[[[[[[\x1bO\x1bO\x1b[", id="unfinished"),
    ],
)
def test_station_survives_the_attack(station: Outside, attack: bytes) -> None:
    station.type(attack)
    assert_still_works(station)
    assert "Traceback" not in station.written.decode(errors="replace")


def test_a_flood_costs_neither_memory_nor_the_keyboard(station: Outside) -> None:
    before = station.memory
    station.type(b"\x1b[200~" + b"5 [@click=app.quit]x " * 20_000)
    assert_still_works(station)
    assert station.memory - before < 24 * MB


def test_nothing_reaches_the_clipboard(station: Outside) -> None:
    assert_still_works(station)
    station.type(b"\x1b[<0;8;10M\x1b[<32;30;10M\x1b[<0;30;10m\x03")
    assert_still_works(station)
    assert b"\x1b]52" not in station.written


def test_the_terminal_is_asked_for_little(station: Outside) -> None:
    asked_for = (
        b"\x1b[?2004h",
        b"\x1b[?1003h",
        b"\x1b[?1004h",
        b"\x1b[?2048",
        b"\x1b[>",
        b"\x1b[6n",
    )
    assert not [request for request in asked_for if request in station.written]


def test_typing_is_heard(start: Start) -> None:
    outside = start()
    outside.wait_for("Enter your PIN")
    outside.type(b"604918")
    outside.wait_for("│ ● │ ● │ ● │ ● │  │ ● │ ● │ _ │   │")
    outside.type(b"\r")
    outside.wait_until(lambda: "PinEntered" in outside.notes)
    assert b"604918" not in outside.written


def test_no_touch_is_asked_for_where_there_is_none(start: Start) -> None:
    outside = start("keys-only")
    outside.wait_for("Enter your PIN")
    outside.type(b"604918\x1b[<0;55;18M\x1b[<0;55;18m")
    outside.wait_until(lambda: outside.picture.count("●") == 6)
    outside.type(b"\x7f")
    outside.wait_until(lambda: outside.picture.count("●") == 5)
    assert b"\x1b[?1000h" not in outside.written
    assert "PinEntered" not in outside.notes


def test_the_first_second_is_locked(start: Start) -> None:
    outside = start("attract", fresh=True)
    outside.wait_until(lambda: "locked" in outside.notes)
    outside.type(b"\x03\x1c\x1aechoed")
    outside.wait_for("Put your smartcard into the reader")
    assert b"echoed" not in outside.written
    assert outside.notes == ["locked"]


def test_the_environment_changes_nothing(start: Start, tmp_path: Path) -> None:
    keys, picture = tmp_path / "keys.log", tmp_path / "picture.svg"
    outside = start(
        "pin",
        fresh=True,
        TEXTUAL="debug",
        TEXTUAL_LOG=str(keys),
        TEXTUAL_DRIVER="evil:Driver",
        TEXTUAL_SCREENSHOT="0",
        TEXTUAL_SCREENSHOT_LOCATION=str(tmp_path),
        TEXTUAL_PRESS="6,0,4,9,1,8,enter",
        ESCDELAY="99999",
        COLUMNS="20",
        LINES="5",
    )
    outside.wait_for("Enter your PIN")
    outside.type(b"7")
    outside.wait_until(lambda: "●" in outside.picture)
    assert outside.picture.count("●") == 1
    assert "PinEntered" not in outside.notes
    assert not keys.exists()
    assert not picture.exists()


def test_an_error_shows_nothing_and_ends_the_program(start: Start) -> None:
    outside = start("broken")
    outside.wait_for("Enter your PIN")
    outside.type(b"604918\r")
    assert outside.wait_for_end() == 1
    said = outside.written.decode(errors="replace")
    assert SECRET not in said
    assert "Traceback" not in said
    assert "RuntimeError" not in said
    assert outside.notes == ["locked", "PinEntered", "fault RuntimeError", "code 1"]


def test_station_ends_in_order_on_a_signal(start: Start) -> None:
    outside = start()
    outside.wait_for("Enter your PIN")
    outside.child.kill(signal.SIGTERM)
    assert outside.wait_for_end() == 0
    assert outside.notes == ["locked", "stopped", "code 0"]


def test_station_ends_when_the_terminal_hangs_up(start: Start) -> None:
    outside = start()
    outside.wait_for("Enter your PIN")
    outside.hang_up()
    outside.wait_until(lambda: "code 1" in outside.notes)
    assert "stopped" in outside.notes


def test_signals_of_the_keyboard_do_nothing(start: Start) -> None:
    outside = start()
    outside.wait_for("Enter your PIN")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        outside.child.kill(number)
    assert_still_works(outside)
