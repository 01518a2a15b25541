from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from msgspec.structs import replace

from hardware.display import CONSOLE_FONTS, ConsoleFont
from screens.theme import PLAIN, RICH, Glyphs
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import one_of_each, samples
from tests.screens.pilots import type_keys
from tests.screens.shown import screen_lines

FONTS = Path("/usr/share/consolefonts")
NAMES = "Siân O’Brien Łukasz Wiśniewski Åse Bjørnstad Ŵyn ŷ Zoë Çelik Şahin Dvořák Þór"


def signs_of(font: ConsoleFont) -> set[str]:
    """Read a font of PC Screen Font 2; sequences of several signs count for nothing."""
    data = gzip.decompress((FONTS / f"{font.name}.psf.gz").read_bytes())
    magic, _, header, flags, count, each, height, width = struct.unpack_from("<8I", data)
    assert (magic, flags & 1) == (0x864AB572, 1)
    double = 1 + font.doubled
    assert (width * double, height * double) == (font.width_px, font.height_px)
    table = data[header + count * each :].split(b"\xff")[:count]
    return {sign for entry in table for sign in entry.split(b"\xfe")[0].decode()}


def test_every_sign_is_one_cell() -> None:
    for glyphs in (RICH, PLAIN):
        assert all(len(getattr(glyphs, name)) == 1 for name in Glyphs.__struct_fields__)


async def test_the_consoles_fonts_have_every_sign_of_every_page() -> None:
    every = samples()
    states = [*one_of_each(), every["new-pin-half"].state, every["success-unlock"].state]
    app = app_for(every["attract"], replace(STILL, glyphs=PLAIN))
    drawn: set[str] = set()
    async with app.run_test() as pilot:
        for state in states:
            await app.show(state)
            drawn |= set("".join(screen_lines(app)))
            await type_keys(pilot, (*"1234567", "down"))
            drawn |= set("".join(screen_lines(app)))
    assert set("█▀▄─═→←√") < drawn
    for font in CONSOLE_FONTS:
        assert drawn - signs_of(font) == set(), font.name


@pytest.mark.parametrize("font", CONSOLE_FONTS, ids=lambda font: f"{font.name}-{font.doubled}")
def test_the_consoles_fonts_have_the_letters_of_names(font: ConsoleFont) -> None:
    assert set(NAMES) - signs_of(font) == set()
