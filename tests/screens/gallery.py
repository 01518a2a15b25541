"""Looks at the pages without a station.

``python -m tests.screens.gallery [NAME...]`` shows samples in this terminal, all of them or
those whose names begin with NAME: Page Down and Page Up turn, F12 ends.
``python -m tests.screens.gallery --picture NAME FILE.svg [COLUMNSxROWS]`` draws one sample.
``python -m tests.screens.gallery --pictures DIRECTORY`` draws the README's pictures.

With ``TEXTUAL=debug`` in the environment a page takes up its stylesheet when that is saved.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from textual import events

from screens.kiosk.app import KioskApp
from screens.theme import Look
from tests.screens.desks import StillDesk
from tests.screens.pictures import SIZES, pictures
from tests.screens.samples import Sample, samples
from tests.screens.svg import stretched

README = {"attract": "attract", "code": "code", "new-pin": "new-pin-half"}
"""The README's pictures, and the samples that they show."""


class Gallery(KioskApp):
    """Turns from sample to sample."""

    def __init__(self, chosen: Sequence[Sample]) -> None:
        super().__init__(StillDesk(chosen[0].state), Look(), lambda error: None)
        self._chosen = chosen
        self._at = 0

    async def on_event(self, event: events.Event) -> None:
        """Take the keys that turn; all others go to the page."""
        if isinstance(event, events.Key) and event.key in ("pageup", "pagedown"):
            self._at = (self._at + (1 if event.key == "pagedown" else -1)) % len(self._chosen)
            await self.show(self._chosen[self._at].state)
        elif isinstance(event, events.Key) and event.key == "f12":
            self.exit(0)
        else:
            await super().on_event(event)


def draw(directory: Path) -> None:
    """Draw the README's pictures."""
    chosen = {name: samples()[name] for name in README.values()}
    taken = asyncio.run(pictures(chosen, SIZES[0]))
    for name, sample in README.items():
        (directory / f"{name}.svg").write_text(stretched(taken[sample].svg))


def draw_one(name: str, file: Path, size: str = "80x24") -> None:
    """Draw one sample."""
    columns, rows = map(int, size.split("x"))
    taken = asyncio.run(pictures({name: samples()[name]}, (columns, rows)))
    file.write_text(taken[name].svg)


def main(arguments: Sequence[str]) -> None:
    """Draw, or show."""
    if arguments[:1] == ["--pictures"]:
        draw(Path(arguments[1]))
        return
    if arguments[:1] == ["--picture"]:
        draw_one(arguments[1], Path(arguments[2]), *arguments[3:])
        return
    every = samples()
    wanted = tuple(arguments) or ("",)
    chosen = [sample for name, sample in every.items() if name.startswith(wanted)]
    if not chosen:
        sys.exit(f"no page begins with {' or '.join(wanted)}; there are: {' '.join(every)}")
    Gallery(chosen).run()


if __name__ == "__main__":
    main(sys.argv[1:])
