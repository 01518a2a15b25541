"""Looks at the pages without a station.

``python -m tests.screens.kiosk.gallery [NAME...]`` shows samples in this terminal, all of them or
those whose names begin with NAME: Page Down and Page Up turn, F12 ends.
``python -m tests.screens.kiosk.gallery --picture NAME FILE.svg [COLUMNSxROWS]`` draws one sample.
``python -m tests.screens.kiosk.gallery --pictures DIRECTORY`` draws the README's picture.

With ``TEXTUAL=debug`` in the environment a page takes up its stylesheet when that is saved.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from textual import events

from screens.kiosk.app import KioskApp
from screens.theme import Appearance
from tests.screens import idle_app
from tests.screens.kiosk.pictures import SIZES, pictures
from tests.screens.kiosk.samples import Sample, samples
from tests.screens.recording_station import StillStation
from tests.screens.svg import moving, stretched

UNLOCK = (
    ("attract", "", 2.5),
    ("reading", "", 0.8),
    ("confirm-owner-locked", "", 2.0),
    ("ask-question", "", 1.5),
    ("ask-question", "Ell", 0.4),
    ("ask-question", "wood", 1.2),
    ("working-checking-answers", "", 0.8),
    ("working-sending-code", "", 0.8),
    ("code", "", 1.5),
    ("code", "4071", 0.5),
    ("code", "8263", 1.0),
    ("new-pin", "", 1.5),
    ("new-pin", "604", 0.5),
    ("new-pin", "918", 1.2),
    ("repeat-pin", "604918", 1.0),
    ("working-setting-pin", "", 0.8),
    ("success-unlock", "", 3.0),
)
"""The README's picture: samples, keys that are typed on what is there, and seconds."""


class Gallery(KioskApp):
    """Turns from sample to sample."""

    def __init__(self, chosen: Sequence[Sample]) -> None:
        super().__init__(StillStation(chosen[0].state), Appearance(), lambda error: None)
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


def unlock() -> str:
    """Draw one unlock as a picture that moves."""
    every = samples()
    chosen = {f"{name} {keys}": replace(every[name], keys=tuple(keys)) for name, keys, _ in UNLOCK}
    taken = idle_app.run(pictures(chosen, SIZES[0]))
    return moving(
        [(stretched(taken[f"{name} {keys}"].svg), seconds) for name, keys, seconds in UNLOCK]
    )


def draw_one(name: str, file: Path, size: str = "80x24") -> None:
    """Draw one sample."""
    columns, rows = map(int, size.split("x"))
    taken = idle_app.run(pictures({name: samples()[name]}, (columns, rows)))
    file.write_text(taken[name].svg)


def main(arguments: Sequence[str]) -> None:
    """Draw, or show."""
    if arguments[:1] == ["--pictures"]:
        (Path(arguments[1]) / "unlock.svg").write_text(unlock())
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
