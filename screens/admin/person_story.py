"""What happened to a person, newest first."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kiosk.administration.views.people import StoryLine
from screens.admin.times import Times
from screens.widgets.prose import Prose, printable

_INDENT = 2
_OLDER = "o  Show what is older"
_ALL = "That is all there is."


class Story(Vertical):
    """The lines that were read so far; ``older`` is called to read more."""

    DEFAULT_CSS = """
    Story {
        height: auto;
        margin: 1 0 0 0;
        & > .heading { color: $brand; text-style: bold; }
        & > StoryLines { height: auto; }
        & > Older { height: 1; color: $brand; text-style: bold; }
        & > Older.-all { color: $quiet; text-style: none; }
    }
    """

    def __init__(self, older: Callable[[], None]) -> None:
        self._lines = StoryLines()
        self._older = Older(older)
        self._read: tuple[StoryLine, ...] = ()
        self.is_whole = False
        super().__init__(Prose("What happened, newest first", "heading"), self._lines, self._older)

    @property
    def oldest(self) -> int | None:
        """The oldest row that was read."""
        return self._read[-1].seq if self._read else None

    def forget(self) -> None:
        """Drop what was read: it is about somebody else."""
        self._read, self.is_whole = (), False

    def show(self, newest: tuple[StoryLine, ...], times: Times) -> None:
        """Show ``newest``; what was read of older lines stays below."""
        oldest = newest[-1].seq if newest else 0
        self._put((*newest, *(line for line in self._read if line.seq < oldest)), times)

    def add(self, older: tuple[StoryLine, ...], times: Times) -> None:
        """Put ``older`` lines below; none means that there are no more."""
        self.is_whole = not older
        self._put((*self._read, *older), times)

    def _put(self, lines: tuple[StoryLine, ...], times: Times) -> None:
        self._read = lines
        self._lines.show(lines, times)
        self._older.show(whole=self.is_whole or not lines)


class Older(Prose, inherit_bindings=False):
    """A row to press for more."""

    def __init__(self, press: Callable[[], None]) -> None:
        super().__init__(_OLDER, "")
        self._press = press

    def show(self, *, whole: bool) -> None:
        """Offer more, or say that there is no more."""
        self.set_class(whole, "-all")
        self.say(_ALL if whole else _OLDER)

    def on_click(self, event: events.Click) -> None:
        """Read more."""
        event.stop()
        self._press()


class StoryLines(Widget, inherit_bindings=False):
    """The lines, each told in full and below that when, where, who and the reference."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[StoryLine, ...] = ()
        self._times = Times()

    def show(self, lines: tuple[StoryLine, ...], times: Times) -> None:
        """Show ``lines``."""
        if (lines, times) != (self._lines, self._times):
            self._lines, self._times = lines, times
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as the texts take."""
        return sum(len(self._told(line, width)) + 1 for line in self._lines)

    def render(self) -> Content:
        """Put one below the other."""
        width = self.content_size.width
        return Content("\n").join(
            Content("\n").join([*self._told(line, width), self._where(line)])
            for line in self._lines
        )

    def _told(self, line: StoryLine, width: int) -> list[Content]:
        sign, style = ("!", "bold $alarm") if line.grave else ("•", "")
        wrapped = textwrap.wrap(printable(line.told), max(8, width - _INDENT)) or [""]
        heads = [sign, *[" "] * (len(wrapped) - 1)]
        return [
            Content.assemble((f"{head} {text}", style))
            for head, text in zip(heads, wrapped, strict=True)
        ]

    def _where(self, line: StoryLine) -> Content:
        parts = (self._times.at(line.at), line.station, line.who, line.reference)
        text = "  ".join(printable(part) for part in parts if part)
        return Content.assemble((" " * _INDENT + text, "$quiet"))
