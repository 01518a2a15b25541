"""What happened to a person, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from textual import events
from textual.containers import Vertical

from kiosk.administration.views.people import StoryLine
from screens.admin.person_facts import GRAVE, QUIET
from screens.admin.points import Point, Points
from screens.admin.times import Times
from screens.widgets.prose import Prose

_HEADING = "What happened, newest first"
_OLDER = "o  Show what is older"
_NONE = "Nothing yet."
_ALL = "That is all there is."


class Story(Vertical):
    """The lines that were read so far; ``older`` is called to read more."""

    def __init__(self, older: Callable[[], None]) -> None:
        self._points = Points()
        self._older = Older(older)
        self._read: tuple[StoryLine, ...] = ()
        self.is_whole = False
        super().__init__(Prose(_HEADING, "heading"), self._points, self._older)

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
        self._points.show([point for line in lines for point in _told(line, times)])
        self._older.show(_NONE if not lines else _ALL if self.is_whole else _OLDER)


class Older(Prose, inherit_bindings=False):
    """A row to press for more."""

    def __init__(self, press: Callable[[], None]) -> None:
        super().__init__(_OLDER, "older")
        self._press = press

    def show(self, text: str) -> None:
        """Offer more, or say that there is no more."""
        self.set_class(text != _OLDER, "-all")
        self.say(text)

    def on_click(self, event: events.Click) -> None:
        """Read more."""
        event.stop()
        self._press()


def _told(line: StoryLine, times: Times) -> Iterator[Point]:
    """Yield what happened, and below it when, where, who and the reference."""
    yield Point(line.told, "!", GRAVE) if line.grave else Point(line.told, "•")
    parts = (times.at(line.at), line.station, line.who, line.reference)
    yield Point("  ".join(part for part in parts if part), style=QUIET)
