"""The base of all pages: the frame, the keys, and one report for one act.

The page itself gets the keys, never a widget in it: nothing can be focused, so that focus cannot
leave. A page reports what was entered to the station and decides nothing.
"""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import product
from typing import ClassVar

from msgspec import Struct, field
from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from kiosk.contract.language import ENGLISH, shown_language
from kiosk.contract.messages import NOT_ME, Position, VisitId, reference_of
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import HolderSide, Left, MisuseNoticed, TriedAgain, WentBack
from kiosk.station.states import State, is_unlocked, position_of, visit_of
from screens.terminal.driver import Key
from screens.theme import Appearance
from screens.widgets.keys import BigButton, Pressable
from screens.widgets.prose import Prose, printable, spread
from screens.words import frame, reasons


class FocusOrder:
    """The buttons of a page in order; none is chosen until a key chooses one."""

    def __init__(self) -> None:
        self._items: list[Pressable] = []
        self._at: int | None = None

    def add(self, *items: Pressable, before: Pressable | None = None) -> None:
        at = len(self._items) if before is None else self._items.index(before)
        self._items[at:at] = items

    def replace(self, old: list[Pressable], new: list[Pressable]) -> None:
        self.choose(None)
        kept = [item for item in self._items if item not in old]
        self._items = [*new, *kept]

    @property
    def chosen(self) -> Pressable | None:
        return None if self._at is None else self._items[self._at]

    def choose(self, item: Pressable | None) -> None:
        if self.chosen is not None:
            self.chosen.selected = False
        self._at = None if item is None else self._items.index(item)
        if item is not None:
            item.selected = True

    def go(self, arrow: str) -> None:
        """Choose the nearest enabled button in the direction of ``arrow``.

        At the edge it continues at the opposite one. Where there is none in that direction, and
        where none is chosen yet, the arrows follow the order of the buttons.
        """
        by = 1 if arrow in ("right", "down") else -1
        sideways = arrow in ("left", "right")
        chosen = self.chosen
        others = [item for item in self._items if item.enabled and item is not chosen]
        if chosen is not None:
            others = [item for item in others if _same_row(item, chosen) is sideways]
        if chosen is None or not others:
            self.move(by)
            return

        def place(item: Pressable) -> tuple[int, int]:
            x, y = item.region.x, item.region.y
            along, across = (x, y) if sideways else (y, x)
            return by * along, abs(across - (chosen.region.y if sideways else chosen.region.x))

        here = place(chosen)[0]
        ahead = [item for item in others if place(item)[0] > here]
        self.choose(min(ahead or others, key=place))

    def move(self, by: int) -> None:
        """Choose the next that is enabled, ``by`` forwards (1) or backwards (-1)."""
        size = len(self._items)
        start = self._at if self._at is not None else (-1 if by > 0 else size)
        for distance in range(1, size + 1):
            item = self._items[(start + by * distance) % size]
            if item.enabled:
                self.choose(item)
                return


def _same_row(one: Pressable, other: Pressable) -> bool:
    return one.region.y < other.region.bottom and other.region.y < one.region.bottom


# The steady frame: the place at the top, and help at the bottom.


class HelpBox(Prose, inherit_bindings=False):
    def __init__(self, look: Appearance, reference: str = "") -> None:
        lines = [
            Content.assemble((printable(look.contact), "bold")),
            Content(printable(look.hours)),
        ]
        if reference:
            lines.append(Content.assemble(f"{reasons.YOUR_REFERENCE} ", (reference, "bold")))
        super().__init__(Content("\n").join(lines), "help")


class TopBar(Widget, inherit_bindings=False):
    step = reactive("")

    def __init__(self, context: PageContext, step: str) -> None:
        super().__init__()
        self._page_context = context
        self.step = step

    @property
    def _switch(self) -> str:
        dark = self._page_context.settings.dark
        return str(frame.LIGHT_COLOURS if dark else frame.HIGH_CONTRAST)

    def render(self) -> Content:
        """Fit in what the width allows: the name and the step before everything else."""
        look, width = self._page_context.look, self.content_size.width
        # What a page needs, with the demo's strip below it.
        least = Size(60, 20 + (look.extra_bar.rows if look.extra_bar else 0))
        if self.app.size.width < least.width or self.app.size.height < least.height:
            return Content(frame.too_small(least.width, least.height))
        short = printable(look.service)
        full = f"{short}  ·  {printable(look.trust)}"
        for name, switch in product((full, short), (self._switch, str(frame.CONTRAST_SHORT))):
            tail = f"{self.step}   {switch}" if self.step else switch
            if cell_len(name) + cell_len(tail) + 2 <= width:
                break
        line = spread(name, tail, width)
        return Content(line).stylize("bold", 0, len(line) - len(switch))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.x >= self.size.width - len(self._switch) - 3:
            self._page_context.toggle_dark()


class BottomBar(Widget, inherit_bindings=False):
    reference = reactive("")
    notice = reactive("")
    """Stands in place of all else until the next key."""

    def __init__(self, look: Appearance, reference: str) -> None:
        super().__init__()
        self._look = look
        self.reference = reference

    def render(self) -> Content:
        """Two lines: the contact, then its hours; or the contact on both where it is long.

        Empty where the page has all that in a box.
        """
        if self.notice:
            lines = textwrap.wrap(f"! {printable(self.notice)}", self.content_size.width)
            return Content("\n".join(lines)).stylize("bold $alarm")
        if self.screen.query(HelpBox):
            return Content("")
        width = self.content_size.width
        contact, hours = printable(self._look.contact), printable(self._look.hours)
        question, its_number = str(frame.NEED_HELP), str(frame.REFERENCE)
        asked = f"{question} {contact}"
        if cell_len(asked) > width >= cell_len(contact):
            asked = contact
        if cell_len(asked) <= width:
            reference = f"{its_number} {self.reference}" if self.reference else ""
            lines = [asked.ljust(width), spread(hours, reference, width)]
        else:
            # It stands beside the reference, which takes two lines too.
            right = (its_number, self.reference) if self.reference else ("", "")
            room = max(20, width - max(map(cell_len, right)) - 2)
            wrapped = textwrap.wrap(f"{contact}. {hours}", room)
            if len(wrapped) > len(right):
                wrapped = textwrap.wrap(asked, room)
            first, *rest = wrapped
            left = (first, " ".join(rest))
            lines = [spread(*pair, width) for pair in zip(left, right, strict=True)]
        bold = cell_len(question) if lines[0].startswith(question) else 0
        content = Content("\n".join(lines)).stylize("bold", 0, bold)
        return content.stylize("bold", len(content) - len(self.reference))


# The dependencies of every page: the station, the look, and the settings of this visit.


class Shape(StrEnum):
    """The available room; each value is a class of the stylesheet."""

    COMPACT = "-compact"
    NORMAL = "-normal"
    ROOMY = "-roomy"
    LARGE = "-large"

    @property
    def is_roomy(self) -> bool:
        return self in (Shape.ROOMY, Shape.LARGE)


NARROW = 78
"""With fewer columns, a text beside the keypad has about thirty characters."""


def shape_of(width: int, height: int) -> Shape:
    if width >= 140 and height >= 46:
        return Shape.LARGE
    if width >= 100 and height >= 34:
        return Shape.ROOMY
    return Shape.NORMAL if width >= NARROW and height >= 24 else Shape.COMPACT


class DisplaySettings(Struct):
    """A holder's settings for one visit; ``answers_shown`` is None until they choose."""

    dark: bool
    answers_shown: bool | None = None


class LastKey(Struct):
    """The last Enter or character, on any page, and when; none where another key came since.

    ``at`` is when it was pressed: a busy machine may handle it much later. ``dropped_at`` is when
    the last character of a run that a page dropped came.
    """

    key: str = ""
    at: float = 0.0
    dropped_at: float = float("-inf")

    def __repr__(self) -> str:
        return "LastKey(…)"


class PageContext(Struct, frozen=True):
    """``now`` gives seconds that never go back, ``wall_clock`` the time of day (aware UTC)."""

    look: Appearance
    settings: DisplaySettings
    report: Callable[[HolderSide], None]
    toggle_dark: Callable[[], None]
    now: Callable[[], float]
    wall_clock: Callable[[], datetime]
    last_key: LastKey = field(default_factory=LastKey)


HELD_S = 0.75
"""Longer than a key is held before it repeats (X.Org: 0.66), and than between two presses by a
tremor. Little longer than a sentence has to be read: a PIN may begin with the number of a choice.
"""

_NOTICE_S = 20.0
"""How long a notice stands at the foot of a page where no key follows."""

REARM_S = 1.0
"""How long after a report further ones are ignored: one act, one event."""

_ARROWS = frozenset({"up", "down", "left", "right"})


def _step_at(position: Position | None) -> str:
    return frame.step(position.index, position.count) if position else ""


class ContentPanel(Vertical, inherit_bindings=False):
    pass


class Page(Screen[None], inherit_bindings=False):
    """One page; subclasses give ``content`` and handle their input.

    They narrow the type of ``state``. ``panel_class`` colours the card: ``-plain``, ``-done`` or
    ``-refused``. ``drawn`` is set once it has been drawn.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[object]] = []  # type: ignore[assignment]
    panel_class: ClassVar[str] = "-plain"

    def __init__(self, context: PageContext, state: State) -> None:
        super().__init__()
        self.context = context
        self.state = state
        self.visit = visit_of(state) or VisitId("")
        self.drawn = asyncio.Event()
        self.focus_order = FocusOrder()
        self.shape = Shape.NORMAL
        self.primary: BigButton | None = None
        self.stop: BigButton | None = None
        self._built_for = "", Size(), ENGLISH
        self._reported = False
        self._untouched = True

    def on_unmount(self) -> None:
        """Forget the state, which may hold what was typed: a page lives until it is collected."""
        del self.state

    # --- what it shows -----------------------------------------------------------------

    def compose(self) -> ComposeResult:
        look = self.context.look
        self._built_for = self.app.theme, self.app.size, shown_language()
        self._take_shape()
        yield TopBar(self.context, _step_at(position_of(self.state)))
        yield Vertical(ContentPanel(*self.content(), classes=self.panel_class), classes="middle")
        yield BottomBar(look, reference_of(self.visit) if self.visit else "")
        if look.extra_bar is not None:
            extra_bar = look.extra_bar.widget()
            extra_bar.styles.height = look.extra_bar.rows
            yield extra_bar

    def content(self) -> Iterator[Widget]:
        raise NotImplementedError

    def try_to_show(self, state: State) -> bool:
        """Show ``state`` on a page that was built ahead of its visit; False where it cannot.

        A page that was built for another surface or size is not styled anew, and one that was
        built in another language has its sentences.
        """
        if self._built_for != (self.app.theme, self.app.size, shown_language()):
            return False
        self.state, self.visit = state, visit_of(state) or VisitId("")
        self.query_one(TopBar).step = _step_at(position_of(state))
        bar = self.query_one(BottomBar)
        bar.reference, bar.notice = reference_of(self.visit), ""
        return True

    def actions(
        self, *left: BigButton, primary: BigButton | None = None, right: BigButton | None = None
    ) -> Horizontal:
        """Return the row of buttons at the card's foot, the primary or ``right`` one at its end."""
        self.primary = primary
        last = [button for button in (right, primary) if button is not None]
        self.focus_order.add(*last, *left)
        return Horizontal(*left, Vertical(), *last, classes="actions")

    def button(
        self, label: str, press: Callable[[], object], *, primary: bool = False
    ) -> BigButton:
        return BigButton(label, press, self.context.look.glyphs.pointer, primary=primary)

    def stop_button(self, label: str = "") -> BigButton:
        """Return the button that ends the visit; Escape chooses it.

        It says "Not now" once the card is unlocked: "Stop" would seem to undo that.
        """
        usual = frame.NOT_NOW if is_unlocked(self.state) else frame.STOP
        self.stop = self.button(label or usual, self.leave)
        return self.stop

    def finish_button(self) -> BigButton:
        return self.button(frame.FINISH, self.leave, primary=True)

    def back_button(self, label: str = frame.BACK, *, primary: bool = False) -> BigButton:
        return self.button(label, lambda: self.report(WentBack(self.visit)), primary=primary)

    def try_again_button(self, label: str = frame.TRY_AGAIN) -> BigButton:
        return self.button(label, lambda: self.report(TriedAgain(self.visit)), primary=True)

    def not_me_button(self) -> BigButton:
        return self.button(NOT_ME, lambda: self.report(MisuseNoticed(self.visit)))

    def _compositor_refresh(self) -> None:
        """Draw nothing while pages are changed, but keep what has to be drawn.

        The base class drops it: parts of the previous page then stay for one more frame.
        """
        if not self.app._batch_count:  # noqa: SLF001 - tested, and the version is pinned
            super()._compositor_refresh()
            if self.is_current:
                self.drawn.set()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Leave the widgets as they were styled when they were mounted.

        To style them all again is an eighth of what a new page costs, and changes nothing.
        """
        event.refresh_styles = False

    def on_resize(self, event: events.Resize) -> None:
        """Take the shape; lay nothing out that is laid out for this size, but draw it now.

        Textual reports each first layout to the screen itself, and does it again for that.
        """
        if event.size == self.outer_size:
            event.prevent_default()
            self._compositor_refresh()
        before = self.shape
        self._take_shape()
        for bar in self.query(TopBar):
            bar.refresh()  # it says whether the display is too small, at the same width, too
        if self.shape is not before:
            self.reshaped()

    def reshaped(self) -> None:
        """React to another shape, where the stylesheet alone does not."""

    def _take_shape(self) -> None:
        rows = self.context.look.extra_bar.rows if self.context.look.extra_bar else 0
        self.shape = shape_of(self.app.size.width, self.app.size.height - rows)
        for shape in Shape:
            self.set_class(shape is self.shape, shape)
        self.set_class(self.shape.is_roomy, Shape.ROOMY)
        self.set_class(self.app.size.width < NARROW, "-narrow")

    # --- reports -----------------------------------------------------------------------

    def report(self, event: HolderSide) -> None:
        """Report to the station, once for one act."""
        if self._reported or not self.visit:
            return
        self._reported = True
        self.set_timer(REARM_S, self.rearm)
        self.context.report(event)

    def rearm(self) -> None:
        """Allow another report: the page stays, or came back."""
        self._reported = False
        self._untouched = True

    def leave(self) -> None:
        self.report(Left(self.visit))

    # --- keys --------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self.is_held(event) or self.is_scanned(event):
            return
        bar = self.context.look.extra_bar
        if event.key == "f2":
            self.context.toggle_dark()
        elif self.handles(event) or (bar is not None and bar.key(event.key)):
            return
        elif not self.visit:
            return  # nobody is here: it may be a page that is being built ahead
        elif event.key in _ARROWS:
            self.focus_order.go(event.key)
        elif event.key in ("tab", "shift+tab"):
            self.focus_order.move(1 if event.key == "tab" else -1)
        elif event.key == "enter":
            self.enter()
        elif event.key == "escape" and self.stop is not None:
            # The first Escape chooses the stop button, the second presses it.
            if self.focus_order.chosen is self.stop:
                self.stop.press()
            else:
                self.focus_order.choose(self.stop)

    def is_held(self, event: events.Key) -> bool:
        """Return whether it is of a key that is still held, or was pressed, on an earlier page.

        It does nothing here: an Enter would press what the holder has not read yet, and the number
        of a question would be written into its answer.
        """
        last = self.context.last_key
        key = event.key if event.key == "enter" or event.is_printable else ""
        held = self._untouched and key == last.key != "" and event.time - last.at < HELD_S
        last.key, last.at = key, event.time
        self._untouched = held
        return held

    def is_scanned(self, event: events.Key) -> bool:
        """Return whether it is of a run that the page does not take; drop the run then as a whole.

        A scanner is a keyboard: it types all that it reads within a moment, and Enter. A hand does
        not type as fast, but a slow machine may read several of its keys at once. What fits is
        therefore taken however fast it came: no PIN, code or answer is longer than what it goes
        into. Nothing of a run that does not fit is right, so that dropping it costs nobody
        anything. An Enter soon after it does nothing either.
        """
        last = self.context.last_key
        if isinstance(event, Key) and event.run:
            if self.is_too_much(event):
                last.dropped_at = event.time
                self.drop_run()
                return True
            if event.run == 1:
                self.run_begins()
        if event.key == "enter" and event.time - last.dropped_at < HELD_S:
            return True
        self.query_one(BottomBar).notice = ""
        return False

    def is_too_much(self, run: Key) -> bool:
        """Return whether no entry on this page has as many characters as ``run``."""
        return run.run > 1

    def run_begins(self) -> None:
        """Prepare for ``drop_run``: the first character of a run comes next."""

    def drop_run(self) -> None:
        """Take back what came of the run so far, and say so; called again for each key of it."""
        bar = self.query_one(BottomBar)
        if not bar.notice:
            self.set_timer(_NOTICE_S, partial(setattr, bar, "notice", ""))
        bar.notice = frame.SCANNED

    def run_over(self) -> None:
        """React to the end of a run: a digit may act now that it stayed the only one."""

    def scanned(self, text: Sensitive) -> None:
        """React to what a scanner read; the pages that take it do."""

    def handles(self, event: events.Key) -> bool:
        """Handle one of the page's keys; return whether it was one."""
        return False

    def keys_lost(self) -> None:
        """React to keys that came too fast and were dropped."""

    def enter(self) -> None:
        pressed = self.focus_order.chosen or self.primary
        if pressed is not None:
            pressed.press()
