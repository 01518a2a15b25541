"""The reader asks for a PIN on keys of its own: say so, and wait; or say why it stopped.

While it asks there is nothing to press here. What is under way cannot be called back from
the station, only with the reader's own Cancel key or by taking the card out.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from kiosk.dialogue import OnPad
from kiosk.station.commands import ChangePin, Command, UnblockPin
from kiosk.station.events import TriedAgain
from kiosk.station.states import PadNotice, PadPaused, PinTrouble, Work, Working
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.pad import PadDrawing
from screens.widgets.prose import Prose
from screens.widgets.waiting import Marching
from screens.words import frame, pad, waiting

_ABOUT_THE_PIN = (PadNotice.LENGTH, *PinTrouble)
"""What leads to another PIN, so that its rules are wanted before the reader asks again."""


class PadPage(Page, inherit_bindings=False):
    """What to enter on the reader, and a picture of it."""

    def __init__(self, kit: Kit, state: Working) -> None:
        super().__init__(kit, state)
        self._state = state

    def content(self) -> Iterator[Widget]:
        """Say it; squares march while the reader waits."""
        title, asks = waiting.work(self._state.work)
        lines = (*_rules(self._state.command), asks, *self._ways())
        said = (Prose(line, "text paragraph") for line in lines)
        marching = Marching(self.kit.look.glyphs.empty, motion=self.kit.look.motion)
        left = Vertical(*said, marching, classes="beside")
        yield Prose(title, "title")
        yield Horizontal(left, PadDrawing(self.kit.look.glyphs), classes="columns")

    def _ways(self) -> Iterator[str]:
        yield pad.WHEN if self._state.work is Work.PIN_ON_PAD else pad.LEAVE_IN
        yield pad.CANCEL


class PadPausedPage(Page, inherit_bindings=False):
    """What became of it, and the two ways on; nobody waits meanwhile."""

    def __init__(self, kit: Kit, state: PadPaused) -> None:
        super().__init__(kit, state)
        self._state = state

    def content(self) -> Iterator[Widget]:
        """Say it."""
        typed = self._state.why is PadNotice.NOT_TAKEN
        title, text = pad.paused(self._state.why, self._state.tries_left)
        yield Prose(title, "title")
        yield Prose(text, "text paragraph")
        if self._state.why in _ABOUT_THE_PIN:
            yield from (Prose(line, "text paragraph") for line in _rules(self._state.command))
        yield Prose(pad.TYPED if typed else pad.AGAIN)
        label = frame.CONTINUE if typed else frame.TRY_AGAIN
        on = self.button(label, self._go_on, primary=True)
        yield self.actions(self.stop_button(), primary=on)

    def _go_on(self) -> None:
        self.report(TriedAgain(self.visit))


def _rules(command: Command) -> Iterator[str]:
    match command:
        case UnblockPin(new=OnPad() as new) | ChangePin(new=OnPad() as new):
            yield pad.rule(new)
