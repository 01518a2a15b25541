"""The RA application in 256 colours, as a terminal behind SSH shows them, and in sixteen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from rich.color import ColorSystem
from textual.strip import Strip
from textual.theme import Theme

from screens import theme
from screens.admin.app import EVERY_PAGE
from screens.terminal.colours import has_few_colours, has_sixteen_colours
from screens.theme import ENOUGH, Appearance, as_256, contrast
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import PictureApp, Run, app_for
from tests.screens.kiosk.test_theme import TEXT, UNDER, accents
from tests.screens.shown import screen_rows

NOT_TEXT = set("█▄▀▇▆▅▃▂▁▌▐╔╗╚╝═║┤└┬─│▔▁▎▊ ")
"""Lines and bars, which are no text."""


def _weakest(surface: Theme) -> float:
    colours = surface.variables
    pairs = [(colours[text], colours[under]) for text in TEXT for under in UNDER]
    pairs += [(colours["on-brand"], colours["brand"]), (colours["on-done"], colours["done"])]
    pairs += [(colours["paper"], colours["alarm"])]
    return min(contrast(as_256(one), as_256(other)) for one, other in pairs)


@pytest.mark.parametrize("surface", theme.themes(Appearance().accent, few_colours=True))
def test_all_text_is_legible_once_it_is_mapped(surface: Theme) -> None:
    assert _weakest(surface) >= ENOUGH


def test_text_is_not_legible_without_the_mapping() -> None:
    light, _ = theme.themes(Appearance().accent)
    assert _weakest(light) < ENOUGH


@given(accents)
def test_whatever_the_accent(accent: str) -> None:
    for surface in theme.themes(accent, few_colours=True):
        assert _weakest(surface) >= ENOUGH


@pytest.mark.parametrize("surface", theme.themes(Appearance().accent, few_colours=True))
def test_surfaces_can_be_distinguished(surface: Theme) -> None:
    colours = surface.variables
    assert as_256(colours["paper"]) != as_256(colours["ground"])


@pytest.mark.parametrize(
    ("environ", "few"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, True),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False),
        ({"TERM": "xterm-direct", "COLORTERM": "24bit"}, False),
    ],
)
def test_a_terminal_behind_ssh_has_few(environ: dict[str, str], few: bool) -> None:
    assert has_few_colours(environ) is few


@pytest.mark.parametrize(
    ("environ", "sixteen"),
    [
        ({"TERM": "xterm"}, True),  # PuTTY, unless it is told something else
        ({"TERM": "linux"}, True),
        ({"TERM": "vt100"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
    ],
)
def test_a_terminal_that_names_no_number_has_sixteen(
    environ: dict[str, str], sixteen: bool
) -> None:
    """As Rich, by which Textual draws, takes it."""
    assert has_sixteen_colours(environ) is sixteen


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("keys", "marked", "other"),
    [
        ("f4 down", "55 min ago", "41 min ago"),
        ("f8 down", "yesterday 08:32", "today 10:26"),
        ("f8 a enter", "agent: helps people", "manager: may do everything"),
        ("f9 ctrl+p down down", "Go to Today", "Go to Stations"),
    ],
)
async def test_what_is_marked_can_be_seen_in_sixteen_colours(
    keys: str, marked: str, other: str, dark: bool
) -> None:
    """Before: a mark was a ground that these colours do not have, and a bold text was left."""
    app: Any = app_for(FakeDesk(), EVERY_PAGE, dark=dark, few_colours=True, sixteen_colours=True)
    async with app.run_test(size=(100, 36), notifications=True) as pilot:
        run = Run(app, FakeDesk(), pilot, None)  # type: ignore[arg-type]
        await run.settle()
        for key in keys.split():
            await run.press(key)
        ink, ground = _in_sixteen(app, marked)
        assert ground != _in_sixteen(app, other)[1]
        assert contrast(ink, ground) >= ENOUGH


def _in_sixteen(app: PictureApp, text: str) -> tuple[str, str]:
    """Return the colours of ``text`` and of what is under it, where the screen has it last."""
    for row in reversed(screen_rows(app)):
        for words, style, _control in row:
            if text in words and style is not None and style.color and style.bgcolor:
                ink, ground = (
                    colour.downgrade(ColorSystem.STANDARD).get_truecolor().hex
                    for colour in (style.color, style.bgcolor)
                )
                return ink, ground
    raise AssertionError(f"{text!r} is not on the screen")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "keys", ["", "f2 a", "b 6", "f4", "f5", "f7", "f6 a x", "f9 enter", "ctrl+p", "f4 ctrl+c"]
)
async def test_every_word_on_the_screen_is_legible(keys: str, dark: bool) -> None:
    app: Any = app_for(FakeDesk(), EVERY_PAGE, dark=dark, few_colours=True)
    async with app.run_test(size=(100, 36), notifications=True) as pilot:
        run = Run(app, FakeDesk(), pilot, None)  # type: ignore[arg-type]
        await run.settle()
        for key in keys.split():
            await run.press(key)
        for found in _weak(app):
            pytest.fail(found)


def _weak(app: PictureApp) -> list[str]:
    """Return the words of the screen that is up that are not legible in 256 colours."""
    region = (
        app.screen.query(".box, #--container").first().region
        if app.screen.is_modal
        else app.screen.region
    )
    weak = []
    for y, row in enumerate(screen_rows(app)):
        if region.y <= y < region.bottom:
            weak += _weak_of(Strip(row).crop(region.x, region.right))
    return weak


def _weak_of(strip: Strip) -> list[str]:
    weak = []
    for text, style, _control in strip:
        if not set(text) - NOT_TEXT or style is None or style.color is None:
            continue
        if style.bgcolor is None:
            continue
        colours = [
            colour.downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex
            for colour in (style.color, style.bgcolor)
        ]
        ratio = contrast(*colours)
        if ratio < ENOUGH:
            weak.append(f"{text!r}: {colours} {ratio:.2f}")
    return weak
