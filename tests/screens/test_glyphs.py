from __future__ import annotations

from dataclasses import fields, replace

from screens.glyphs import PLAIN, RICH, Glyphs
from tests.screens.geometry import screen_lines
from tests.screens.pictures import STILL, app_for
from tests.screens.pilots import type_keys
from tests.screens.samples import samples

_LOW = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
CONSOLE = frozenset(bytes(range(32, 256)).decode("cp437") + _LOW)
"""What a font for the Linux console has (code page 437, its low signs included)."""


def test_every_sign_is_one_cell() -> None:
    for glyphs in (RICH, PLAIN):
        assert all(len(getattr(glyphs, field.name)) == 1 for field in fields(Glyphs))


async def test_a_bare_console_has_every_character() -> None:
    every = samples()
    app = app_for(every["attract"], replace(STILL, glyphs=PLAIN))
    async with app.run_test() as pilot:
        for name, sample in every.items():
            await app.show(sample.state)
            await type_keys(pilot, sample.keys)
            assert not set("".join(screen_lines(app))) - CONSOLE, name
