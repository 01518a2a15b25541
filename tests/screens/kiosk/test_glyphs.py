from __future__ import annotations

from dataclasses import fields, replace

from screens.theme import PLAIN, RICH, Glyphs
from tests.screens.kiosk.pictures import STILL, app_for
from tests.screens.kiosk.samples import one_of_each, samples
from tests.screens.pilots import type_keys
from tests.screens.shown import screen_lines

_LOW = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
CONSOLE = frozenset(bytes(range(32, 256)).decode("cp437") + _LOW)
"""What a font for the Linux console has (code page 437, its low signs included)."""


def test_every_sign_is_one_cell() -> None:
    for glyphs in (RICH, PLAIN):
        assert all(len(getattr(glyphs, field.name)) == 1 for field in fields(Glyphs))


async def test_a_bare_console_has_every_character() -> None:
    every = samples()
    states = [*one_of_each(), every["new-pin-half"].state, every["success-unlock"].state]
    app = app_for(every["attract"], replace(STILL, glyphs=PLAIN))
    async with app.run_test() as pilot:
        for state in states:
            await app.show(state)
            await type_keys(pilot, (*"1234567", "down"))
            assert not set("".join(screen_lines(app))) - CONSOLE, state
