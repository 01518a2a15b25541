"""What all pages have in common: the frame, the keys, and one report for one act.

Keys come to the page itself, never to a widget in it: nothing can be focused, so that
focus cannot leave. A page hands what it was given to the station and decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from kiosk.dialogue import VisitId
from kiosk.reference import reference_of
from kiosk.station.events import HolderSide, Left, MisuseNoticed
from kiosk.station.states import State, visit_of
from screens.kiosk.kit import Kit, Shape, shape_of
from screens.kiosk.ring import Ring
from screens.progress import position
from screens.widgets.button import BigButton
from screens.widgets.frame import BottomBar, TopBar
from screens.words import frame as words

REARM_S = 1.0
"""After a report the page is deaf to further ones for so long: one act, one event."""

_FORWARD = frozenset({"tab", "down", "right"})
_BACKWARD = frozenset({"shift+tab", "up", "left"})


class Card(Vertical, inherit_bindings=False):
    """The one card of content."""


class Page(Screen[None], inherit_bindings=False):
    """One page; subclasses give ``content`` and handle what is theirs.

    ``mood`` colours the card: ``-plain``, ``-done`` or ``-refused``. ``drawn`` is set once
    it has been drawn.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[object]] = []  # type: ignore[assignment]
    mood: ClassVar[str] = "-plain"

    def __init__(self, kit: Kit, state: State) -> None:
        super().__init__()
        self.kit = kit
        self.visit = visit_of(state) or VisitId("")
        self.drawn = asyncio.Event()
        self.ring = Ring()
        self.shape = Shape.NORMAL
        self.primary: BigButton | None = None
        self.stop: BigButton | None = None
        self._step = position(state)
        self._reported = False

    # --- what it shows -----------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Frame the content; the demo's strip, where there is one, stands below it."""
        look = self.kit.look
        self._take_shape()
        step = words.step(*self._step) if self._step else ""
        yield TopBar(look, step, lambda: self.kit.comfort.dark, self.kit.toggle_dark)
        yield Vertical(Card(*self.content(), classes=self.mood), classes="middle")
        yield BottomBar(look, reference_of(self.visit) if self.visit else "")
        if look.strip is not None:
            strip = look.strip.widget()
            strip.styles.height = look.strip.rows
            yield strip

    def content(self) -> Iterator[Widget]:
        """Yield what stands in the card."""
        raise NotImplementedError

    def actions(
        self,
        *left: BigButton,
        primary: BigButton | None = None,
        right: BigButton | None = None,
    ) -> Horizontal:
        """Return the row of buttons at the card's foot, the primary or ``right`` one last."""
        self.primary = primary
        last = [button for button in (right, primary) if button is not None]
        self.ring.add(*last, *left)
        return Horizontal(*left, Vertical(classes="gap"), *last, classes="actions")

    def button(self, label: str, press: Callable[[], None], *, primary: bool = False) -> BigButton:
        """Return a button."""
        return BigButton(label, press, self.kit.look.glyphs.pointer, primary=primary)

    def stop_button(self, label: str = words.STOP) -> BigButton:
        """Return the button that ends the visit; Escape chooses it."""
        self.stop = self.button(label, self.leave)
        return self.stop

    def not_me_button(self) -> BigButton:
        """Return the button by which a holder stops what they did not do."""
        return self.button(words.NOT_ME, lambda: self.report(MisuseNoticed(self.visit)))

    def _compositor_refresh(self) -> None:
        """Draw nothing while pages are changed, and forget nothing that is to be drawn.

        The base class forgets it: of the page before, parts then stay for one more picture.
        """
        if not self.app._batch_count:  # noqa: SLF001 - tested, and the version is pinned
            super()._compositor_refresh()
            self.drawn.set()

    def on_resize(self, event: events.Resize) -> None:
        """Take the shape that fits."""
        before = self.shape
        self._take_shape()
        if self.shape is not before:
            self.reshaped()

    def reshaped(self) -> None:
        """React to another shape, where the stylesheet alone does not."""

    def _take_shape(self) -> None:
        rows = self.kit.look.strip.rows if self.kit.look.strip else 0
        self.shape = shape_of(self.app.size.width, self.app.size.height - rows)
        for shape in Shape:
            self.set_class(shape is self.shape, shape)
        self.set_class(self.shape.is_roomy, Shape.ROOMY)

    # --- what it reports ---------------------------------------------------------------

    def report(self, event: HolderSide) -> None:
        """Tell the station, once for one act."""
        if self._reported or not self.visit:
            return
        self._reported = True
        self.set_timer(REARM_S, self.rearm)
        self.kit.report(event)

    def rearm(self) -> None:
        """Be ready to report again: the page stays up, or came back."""
        self._reported = False

    def leave(self) -> None:
        """Stop."""
        self.report(Left(self.visit))

    # --- keys --------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Take a key: the page's own first, then those that every page has."""
        event.stop()
        event.prevent_default()
        if event.key == "f2":
            self.kit.toggle_dark()
        elif self.takes(event) or self._is_for_strip(event.key):
            return
        elif event.key in _FORWARD:
            self.ring.move(1)
        elif event.key in _BACKWARD:
            self.ring.move(-1)
        elif event.key == "enter":
            self.enter()
        elif event.key == "escape" and self.stop is not None:
            self._escape(self.stop)

    def takes(self, event: events.Key) -> bool:
        """Handle a key of the page's own; return whether it was one."""
        return False

    def enter(self) -> None:
        """Press what is chosen, or else what the page is there for."""
        pressed = self.ring.chosen or self.primary
        if pressed is not None:
            pressed.press()

    def _escape(self, stop: BigButton) -> None:
        """Choose the way out at the first Escape and take it at the second."""
        if self.ring.chosen is stop:
            stop.press()
        else:
            self.ring.choose(stop)

    def _is_for_strip(self, key: str) -> bool:
        strip = self.kit.look.strip
        return strip is not None and strip.key(key)
