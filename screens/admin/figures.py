"""The numbers of the first page, one in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import events
from textual.content import Content
from textual.widget import Widget

from kiosk.administration.views.service import Today
from kiosk.people_groups import PeopleGroup
from screens.admin.page import shell_of
from screens.admin.people_lists import many
from screens.admin.times import span, took
from screens.widgets.prose import printable

Line = tuple[str, str, str]
"""Words, number, and how both look."""

BLOCKED = "Blocked: only staff can help"
NOT_REGISTERED = "Not registered"
EXPIRING = "Card ends this month"
STATIONS = "Stations up"
GROUPS = {
    BLOCKED: PeopleGroup.BLOCKED,
    NOT_REGISTERED: PeopleGroup.NOT_REGISTERED,
    EXPIRING: PeopleGroup.EXPIRING,
}
"""The rows that open a list of people."""

_FIXED = 10
_IN = "  "
_STRONG, _PLAIN, _QUIET, _GRAVE, _OPENS = "bold", "", "$quiet", "bold $alarm", "$brand"


class Figures(Widget, inherit_bindings=False):
    """Shows as much as there is room for: what is cut away is said to be."""

    def __init__(self) -> None:
        super().__init__()
        self._today: Today | None = None

    def show(self, today: Today) -> None:
        """Show other numbers; nothing is drawn where they are the same."""
        if today != self._today:
            self._today = today
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Open what is behind the row."""
        place = event.get_content_offset(self)
        if place is None or self._today is None:
            return
        shown = lines(self._today, self.content_size.height)
        words = shown[place.y][0] if place.y < len(shown) else ""
        if words in GROUPS:
            shell_of(self).show_group(GROUPS[words])
        elif words == STATIONS:
            shell_of(self).go_to("Stations")

    def render(self) -> Content:
        """Words at the left, numbers at the right."""
        if self._today is None:
            return Content("")
        width, height = self.content_size
        return Content("\n").join(_row(line, width) for line in lines(self._today, height))


def lines(today: Today, height: int) -> list[Line]:
    """Return what fits into ``height`` rows; the lists give way, never the numbers."""
    silent = [(f"{_IN}✗ {name}", "silent", _GRAVE) for name in today.stations_down]
    refused = [(f"{_IN}{reason}", str(count), _QUIET) for reason, count in today.refusals]
    room = max(0, height - _FIXED)
    silent_room = min(len(silent), max(room // 3, room - len(refused)))
    return [
        ("Unlocked today", str(today.unlocked), _STRONG),
        ("Registered today", str(today.registered), _STRONG),
        ("Refused today", str(sum(count for _, count in today.refusals)), _STRONG),
        *_cut(refused, room - silent_room, "other reasons"),
        ("Typical time to unlock", _median(today), _PLAIN),
        ("Wait for a code by mail", str(today.waiting_for_code), _PLAIN),
        (BLOCKED, many(today.blocked), _OPENS),
        (NOT_REGISTERED, many(today.not_registered), _OPENS),
        (EXPIRING, many(today.expiring), _OPENS),
        _stations(today),
        *_cut(silent, silent_room, "others"),
        _mail(today),
    ]


def _median(today: Today) -> str:
    return "–" if today.median_s is None else took(today.median_s)


def _stations(today: Today) -> Line:
    every = today.stations_up + len(today.stations_down)
    look = _GRAVE if today.stations_down else _PLAIN
    return (STATIONS, f"{today.stations_up} of {every}", look)


def _mail(today: Today) -> Line:
    oldest = f", oldest {span(today.mail_oldest_s)}" if today.mail_waiting else ""
    return ("Mail waiting to leave", f"{today.mail_waiting}{oldest}", _PLAIN)


def _cut(found: Sequence[Line], room: int, others: str) -> Iterator[Line]:
    """Yield what fits, and how many do not."""
    if len(found) <= room:
        yield from found
    elif room > 0:
        yield from found[: room - 1]
        yield f"{_IN}and {len(found) - room + 1} {others}", "", _QUIET


def _row(line: Line, width: int) -> Content:
    words, number, look = line
    room = max(1, width - len(number) - 1)
    left = Content(printable(words)).truncate(room, ellipsis=True, pad=True)
    return Content.assemble(left, " ", number).stylize(look)
