"""The bare console: its sixteen colours are those of the page, and switch with its surface."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.theme import Theme

from screens.terminal.colours import ConsoleColours
from screens.theme import Appearance, themes
from screens.words import frame, waiting
from tests.screens.kiosk.test_theme import UNDER
from tests.support.terminal import Terminal

KIOSK = Path(sys.executable).with_name("kiosk")
TEXT = ("ink", "quiet", "brand", "alarm", "done")
SURFACES = themes(Appearance().accent)
PALETTE = re.compile(r"\x1b\]P([0-9A-F])([0-9a-f]{6})")

each_surface = pytest.mark.parametrize("surface", SURFACES, ids=lambda theme: theme.name)


def sgr(front: str, back: str, more: str = "") -> str:
    levels = (";".join(str(int(c[at : at + 2], 16)) for at in (1, 3, 5)) for c in (front, back))
    return f"\x1b[{more}38;2;{next(levels)};48;2;{next(levels)}m"


def shown(colours: ConsoleColours, text: str) -> tuple[str, str]:
    """Return the colours that the kernel takes for text and ground."""
    palette = {int(number, 16): f"#{rgb}" for number, rgb in PALETTE.findall(colours.palette)}
    found = re.fullmatch(r"\x1b\[0;(1;)?3(\d);4(\d)m", colours.recolour(text))
    assert found, colours.recolour(text)
    return palette[int(found[2]) + (8 if found[1] else 0)], palette[int(found[3])]


@each_surface
def test_text_and_what_it_stands_on_keep_their_colours(surface: Theme) -> None:
    colours, named = ConsoleColours(surface), surface.variables
    pairs = [(named[text], named[under]) for text in TEXT for under in UNDER]
    pairs += [(named["on-brand"], named["brand"]), (named["on-done"], named["done"])]
    pairs += [(named["paper"], named["alarm"]), (named["paper"], named["ink"])]
    for pair in pairs:
        for more in ("", "1;", "4;"):
            assert shown(colours, sgr(*pair, more)) == pair


@each_surface
def test_text_without_a_colour_is_legible(surface: Theme) -> None:
    colours, named = ConsoleColours(surface), surface.variables
    only_ground = sgr("#000000", named["paper"]).partition(";48")[2]
    assert shown(colours, f"\x1b[48{only_ground}") == (named["ink"], named["paper"])
    assert shown(colours, "\x1b[0m") == (named["ink"], named["ground"])
    assert shown(colours, sgr(named["paper"], named["paper"])) == (named["ink"], named["paper"])


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Terminal]:
    """A station that finds no authority, on what says that it is a console."""
    config = tmp_path / "station.toml"
    config.write_text(f'[authority]\nsocket = "{tmp_path / "none"}"\n[station]\nmotion = false\n')
    environ = {"PATH": "/usr/bin", "TERM": "linux", "COLORTERM": ""}
    made = Terminal([KIOSK, "station", "--config", config, "--log", tmp_path / "log"], environ)
    yield made
    made.close()


def test_a_station_draws_in_the_consoles_colours_and_switches_them(console: Terminal) -> None:
    console.wait_for(waiting.OUTAGE_TITLE)
    for surface, key in zip(SURFACES, ("\x1bOQ", ""), strict=True):
        wanted = ConsoleColours(surface).palette
        console.wait_until(lambda _, wanted=wanted: wanted.encode() in console.written, "colours")  # type: ignore[misc]
        console.send(key)
    console.wait_for(frame.LIGHT_COLOURS)
    assert b"38;2;" not in console.written
    assert b"48;2;" not in console.written
