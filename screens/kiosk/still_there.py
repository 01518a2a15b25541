"""Nobody touched anything for a while: ask, over the page that waits below."""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from kiosk.station.events import Stayed
from kiosk.station.states import StillThere
from screens.kiosk.kit import Kit
from screens.kiosk.page import Page
from screens.widgets.prose import Prose
from screens.widgets.waiting import Fuse
from screens.words import frame
from screens.words import waiting as words

_TICK_S = 0.5


class StillTherePage(Page, ModalScreen[None], inherit_bindings=False):
    """Any key and any touch says yes, and does nothing else."""

    def __init__(self, kit: Kit, state: StillThere) -> None:
        super().__init__(kit, state)
        self._since = kit.now()
        self._left = Prose("", "strong")
        self._fuse = Fuse()

    def compose(self) -> ComposeResult:
        """Lay a box over the page."""
        yield Vertical(*self.content(), classes="box")

    def content(self) -> Iterator[Widget]:
        """Ask, and count down."""
        yield Prose(words.STILL_THERE_TITLE, "title")
        yield Prose(words.STILL_THERE_TEXT, "text paragraph")
        yield self._left
        yield self._fuse
        self._count_down()

    def on_mount(self) -> None:
        """Begin to count down."""
        self.set_interval(_TICK_S, self._count_down)

    def on_key(self, event: events.Key) -> None:
        """Take any key as a yes."""
        event.stop()
        event.prevent_default()
        self._stay()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take any touch as a yes."""
        event.stop()
        self._stay()

    def _stay(self) -> None:
        self.report(Stayed(self.visit))

    def _count_down(self) -> None:
        whole = self.kit.look.still_s
        left = max(0.0, whole - (self.kit.now() - self._since))
        self._left.say(f"{words.STILL_THERE_END} {frame.seconds(round(left))}.")
        self._fuse.burn(left / whole)
