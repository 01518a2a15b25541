"""The station as people meet it: on a Wayland compositor, in the real terminal, by key or touch."""

from __future__ import annotations

import html
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.display import FONT, Display, TextSize, text_size
from kiosk.app.cli.display import terminal_command
from kiosk.contract.messages import Purpose
from screens.terminal.closed_app import FAULT_CODE
from screens.terminal.driver import TokenBucket
from screens.words import choices, waiting
from tests.e2e.input_methods import Fingers, Hands, Keys
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.station import Station
from tests.e2e.test_two_processes import machine, world
from tests.e2e.visitor import Visitor
from tests.e2e.world import PROGRAM, World
from tests.support.compositor import Compositor

__all__ = ["machine", "world"]

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"
DISPLAYS = ((1920, 1080), (1280, 1024), (1366, 768), (1280, 720), (1024, 600))
NAMES = {
    "enter": "Return",
    "escape": "Escape",
    "tab": "Tab",
    "backspace": "BackSpace",
    "f2": "F2",
    "f3": "F3",
}
"""Of keys, as xkbcommon has them."""

FOOT_DEFAULTS = Path("/etc/xdg/foot/foot.ini")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path that is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="kiosk-"))
    yield made
    shutil.rmtree(made)


class DisplayedStation(Station):
    """``kiosk station`` in the terminal of ``kiosk display``; ``script`` in it keeps what is drawn.

    As no display is connected, ``kiosk display`` takes it for one of 1920 by 1080 pixels.
    """

    def __init__(self, machine: StationAlone, folder: Path) -> None:
        width, height = 1920, 1080
        self.size = text_size(Display("", width, height), 60)
        self._command, self._environ = machine.command, machine.environ
        drawn = folder / "drawn"
        os.mkfifo(drawn)
        self._socket = folder / "terminal.sock"
        self.compositor = Compositor(
            [PROGRAM, "display", "--config", machine.config, "--socket", self._socket],
            {**os.environ, **machine.environ},
            folder / "run",
            (width, height),
            runtime=folder / "compositor",
            drawn=drawn,
        )
        self.process = self.compositor.process
        self._master = os.open(drawn, os.O_RDONLY)
        cell = self.size.cell_px
        self.columns, self.rows = width // cell[0], height // cell[1]
        self._left = (width - self.columns * cell[0]) // 2
        # What a station that stood still for a second then finds must not be more than it takes.
        self._pace = TokenBucket(time.monotonic, rate=12, burst=6)
        self._watch(self.columns, self.rows)
        self.start_station()

    def start_station(self) -> None:
        self.station = subprocess.Popen(
            [*self._command, "--terminal", self._socket],
            env={**self._environ, "TERM": "foot", "COLORTERM": "truecolor"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self._press_another_before(key)
            self._last_key = key
            if key in NAMES:
                self.compositor.press(NAMES[key])
            else:
                self.compositor.type(key)

    def type(self, text: str) -> None:
        self._press_another_before(text[:1])
        self._last_key = text[-1:]
        self.compositor.type(text)

    def _press_another_before(self, key: str) -> None:
        if key == self._last_key:
            self.compositor.press("F1")  # see Station.press

    def enter(self, text: str) -> None:
        self.type(text)
        self.press("enter")

    def touch_at(self, x: int, y: int) -> None:
        for _ in ("down", "up"):  # each counts for the station
            self._wait_for_pace()
        width, height = self.size.cell_px
        self.compositor.click(self._left + x * width + width // 2, y * height + height // 2)

    def close(self) -> int:
        self.station.terminate()
        self.station.wait()
        self.compositor.close()
        return self._reap()

    def _answer_queries(self, data: bytes) -> None:
        """The real terminal answers."""


@pytest.fixture
def display(
    world: World, authority: Authority, machine: StationAlone, folder: Path
) -> Iterator[DisplayedStation]:
    world.register(world.ada)
    world.block(world.ada)
    shown = DisplayedStation(machine, folder)
    shown.see(waiting.ATTRACT_TITLE)
    yield shown
    shown.close()


@pytest.mark.parametrize("hands", [Keys(), Fingers()], ids=["keys", "touches"])
def test_a_whole_unlock_on_the_compositor(
    world: World, display: DisplayedStation, hands: Hands, tmp_path: Path
) -> None:
    visitor = Visitor(world, world.ada, display, hands)
    display.compositor.picture(tmp_path / "attract.png")
    visitor.comes()
    display.see(choices.OWNER_TITLE)
    display.compositor.picture(tmp_path / "owner.png")
    visitor.unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    display.compositor.picture(tmp_path / "code.png")
    visitor.enters_code(world.read_code(world.ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    display.compositor.picture(tmp_path / "done.png")
    assert world.verified_by_others(world.ada, NEW_PIN)
    visitor.goes()


def test_a_station_that_is_killed_leaves_a_quiet_page_and_the_next_takes_the_terminal(
    world: World, display: DisplayedStation
) -> None:
    world.insert(world.ada)
    display.see(choices.OWNER_TITLE)
    for number in (signal.SIGKILL, signal.SIGTERM):
        display.station.send_signal(number)
        display.station.wait()
        display.see("One moment, please.")
        assert "Ada" not in display.text
        display.press("a", "ctrl")
        display.type("nobody reads this")
        display.start_station()
        display.see(choices.OWNER_TITLE)
    assert display.process.poll() is None


def test_the_station_ends_with_the_display(display: DisplayedStation, folder: Path) -> None:
    # Who reaches the compositor may take pictures and type.
    assert stat.S_IMODE((folder / "compositor").stat().st_mode) == 0o700
    display.compositor.close()
    assert display.station.wait(60) == FAULT_CODE


def test_the_shortcuts_of_terminal_and_compositor_do_nothing(display: DisplayedStation) -> None:
    for key in ("n", "r", "u", "c", "v", "o", "x", "z"):
        display.compositor.press(key, "ctrl", "shift")
    for key in ("plus", "minus", "0"):
        display.compositor.press(key, "ctrl")
    for key in ("F1", "F4", "F12", "Tab", "Escape", "BackSpace"):
        display.compositor.press(key, "alt")
        display.compositor.press(key, "ctrl", "alt")
        display.compositor.press(key, "logo")
    display.press("f2")  # the next key is heard by the station, which draws the other surface
    display.see("F2 Light colours")
    display.see(waiting.ATTRACT_TITLE)
    terminals = subprocess.run(
        ["pgrep", "-c", "-s", str(display.process.pid), "foot"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert terminals.stdout.strip() == "1"


@pytest.mark.parametrize(("width", "height"), DISPLAYS)
def test_the_terminal_has_the_cells_that_the_size_of_text_was_chosen_for(
    folder: Path, width: int, height: int
) -> None:
    size = text_size(Display("", width, height), 60)
    said = folder / "said"
    again = f"while :; do (stty size; env) > {said}.new; mv {said}.new {said}; sleep 0.1; done"
    shown = Compositor(
        ["cage", "-d", "--", *terminal_command(size.pixels, ["sh", "-c", again])],
        dict(os.environ),
        folder / "run",
        (width, height),
    )
    cell = size.cell_px
    columns, rows = width // cell[0], height // cell[1]
    assert columns >= size.columns
    assert rows >= size.rows
    # The terminal comes up in a smaller window, and is full-screen a moment later.
    while not (said.exists() and said.read_text().startswith(f"{rows} {columns}\n")):
        assert shown.process.poll() is None
        time.sleep(0.05)
    environment = said.read_text()
    shown.close()
    assert "WAYLAND_DISPLAY" not in environment
    assert "XDG_RUNTIME_DIR" not in environment


def test_the_font_has_every_sign_that_a_page_draws() -> None:
    pages = list((Path(__file__).parents[1] / "screens/kiosk/__snapshots__").rglob("*.svg"))
    assert len(pages) > 50
    texts = (html.unescape(each.read_text()) for each in pages)
    drawn = {sign for text in texts for sign in text if sign.isprintable()}
    font = subprocess.check_output(["fc-match", "-f", "%{file}", FONT], text=True)
    listed = subprocess.check_output(["fc-query", "-f", "%{charset}\n", font], text=True)
    has = set()
    for piece in listed.split():
        first, _, last = piece.partition("-")
        has |= {chr(one) for one in range(int(first, 16), int(last or first, 16) + 1)}
    assert "DejaVuSansMono" in font
    assert drawn - has == set()


def test_no_binding_of_the_terminal_is_left() -> None:
    """A later version with more of them is found by its own list."""
    offered, closed = (bindings(Path(each).read_text()) for each in (FOOT_DEFAULTS, our_settings()))
    kept = {("key-bindings", "noop"), ("mouse-bindings", "selection-override-modifiers")}
    assert {
        each for each in offered if not each[1].startswith(("pipe-", "regex-"))
    } - closed == kept


def test_the_terminal_takes_its_settings_and_none_leads_to_another_program() -> None:
    subprocess.run(["foot", "--check-config", "--config", our_settings()], check=True)
    settings = Path(our_settings()).read_text().splitlines()
    closed = ["osc52=disabled", "selection-target=none", "system=no", "notify=no"]
    assert {*closed, "command=/bin/true", "launch=/bin/true"} <= set(settings)


def our_settings() -> str:
    return terminal_command(20, [])[1].removeprefix("--config=")


def bindings(text: str) -> set[tuple[str, str]]:
    found, section = set(), ""
    for line in text.splitlines():
        if heading := re.match(r"#?\s*\[([\w-]+)\]", line):
            section = heading[1]
        elif section in ("key-bindings", "mouse-bindings") and (
            binding := re.match(r"#?\s*([a-z][a-z-]+)\s*=", line)
        ):
            found.add((section, binding[1]))
    return found


def test_a_size_of_text_is_what_the_font_is_drawn_with() -> None:
    assert TextSize(38, 80, 24).cell_px == (23, 45)
