"""The frame of every page: who is logged in, the pages, and the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widgets import Footer, Input, Tab, Tabs

from kiosk.authority.administration.views import Actor
from screens.widgets.prose import Prose

T = TypeVar("T")

LEAST = Size(80, 24)
"""Columns and rows that the pages need."""


class Heading(Horizontal):
    """The service's name, who is logged in, and the log-out."""

    def __init__(self, service: str, me: Actor, log_out: Callable[[], None]) -> None:
        self._log_out = log_out
        super().__init__(
            Prose(service, "service"),
            Prose(f"{me.name} · {me.role.value}", "who"),
            Prose("Ctrl+Q log out", "log-out"),
        )

    def on_click(self, event: events.Click) -> None:
        if event.widget is not None and event.widget.has_class("log-out"):
            self._log_out()


class TooSmall(Prose):
    """Shown while the terminal is smaller than the pages need."""

    def __init__(self) -> None:
        super().__init__("", "too-small")

    def look_at(self, size: Size) -> None:
        self.display = size.width < LEAST.width or size.height < LEAST.height
        self.say(
            f"This terminal is {size.width} by {size.height}. It is too small: "
            f"make it {LEAST.width} by {LEAST.height}."
        )


class TabBar(Tabs, can_focus=False):
    """Tabs for the mouse, also for the present one; the keyboard has separate keys.

    They take no focus: typing belongs to the page below them.
    """

    def __init__(self, labels: Mapping[str, str], turn_to: Callable[[str], None]) -> None:
        super().__init__(*(Tab(Content(label), id=name) for name, label in labels.items()))
        self._turn_to = turn_to

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, Tab):
            self._turn_to(event.widget.id or "")


class KeyBar(Footer):
    """Textual's footer, composed again only after a change, and not below a dialog.

    Textual composes it again at each focus or refresh of its bindings, which costs more than the
    page above it, and a row over the line. When a dialog closes, the bindings are refreshed.
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: list[tuple[Binding, bool]] | None = None

    def compose(self) -> ComposeResult:
        """Make each key compact at once: otherwise it is styled twice."""
        for part in super().compose():
            yield part.add_class("-compact", update=False)

    async def recompose(self) -> None:
        if not self.screen.is_active:
            return
        keys = self.screen.active_bindings.values()
        to_show = [(key.binding, key.enabled) for key in keys if key.binding.show]
        if to_show != self._shown:
            self._shown = to_show
            await super().recompose()


# Each screen is styled and laid out once.

WIDTHS: Final = [(0, "-narrow"), (72, "-usual"), (116, "-wide")]
HEIGHTS: Final = [(0, "-tiny"), (16, "-usual-height"), (30, "-tall")]


def size_classes(size: Size) -> Iterator[str]:
    """Yield the classes that Textual gives a screen of this size, only later."""
    for points, length in ((WIDTHS, size.width), (HEIGHTS, size.height)):
        yield next(name for least, name in reversed(points) if length >= least)


class AdminScreen(Screen[T]):
    """A screen whose widgets are styled when they are mounted, and laid out once for each size.

    Textual styles them again when the screen comes up, and lays them out again when its first
    layout is reported to it.
    """

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        event.refresh_styles = False

    def on_resize(self, event: events.Resize) -> None:
        if event.size == self.outer_size:
            event.prevent_default()
            now = set(size_classes(event.size))
            self.update_classes({name: name in now for _, name in (*WIDTHS, *HEIGHTS)})


class LineInput(Input):
    """One row to type into, which is drawn again as it fills; nothing is laid out anew."""

    virtual_size = Reactive(Size(0, 0))

    def __init__(
        self,
        value: str = "",
        *,
        max_length: int,
        password: bool = False,
        select_on_focus: bool = True,
    ) -> None:
        super().__init__(
            value,
            max_length=max_length,
            password=password,
            select_on_focus=select_on_focus,
            compact=True,
        )
        self.cursor_blink = False


class TextScroll(VerticalScroll):
    """Scrolls what it holds by its keys; its focus changes the look of nothing.

    Textual would style all that it holds again whenever it gets the focus, or loses it.
    """

    def watch_has_focus(self, _has_focus: bool) -> None:
        pass
