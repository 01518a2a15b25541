"""People by how they stand: who is blocked, not registered, or has a card that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import MOST_COUNTED, PersonLine
from kiosk.authority.administration.views import PeoplePage as PageOfPeople
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.roles import Action
from screens.admin.dialogs.cards import last_day
from screens.admin.page import Page, shell_of
from screens.admin.people import WIDEST, WORDS
from screens.admin.table import Zone, Zones
from screens.widgets.prose import Prose, printable

TITLES = {
    PeopleGroup.BLOCKED: "Blocked",
    PeopleGroup.NOT_REGISTERED: "Not registered",
    PeopleGroup.NO_CARD: "No card",
    PeopleGroup.EXPIRING: "Card ends this month",
    PeopleGroup.LEFT: "Left",
    PeopleGroup.EVERYBODY: "Everybody",
}
_DATES = {
    PeopleGroup.BLOCKED: "Blocked on",
    PeopleGroup.EXPIRING: "Card ends",
    PeopleGroup.LEFT: "Left on",
}
_NOBODY = "There is nobody in this list."
_CHUNK = 200
"""People that are read at once."""

_NEAR = 50
"""More are read once the mark is so near to the end of what is shown."""

_NUMBER, _DATE, _PAD = 13, 12, 2
_LEAST, _BOTH = 12, 36


class GroupBar(Zones, inherit_bindings=False):
    """The groups with how many each has, in as many rows as that takes."""

    def __init__(self, pick: Callable[[PeopleGroup], None]) -> None:
        super().__init__()
        self._pick = pick
        self._counts: dict[PeopleGroup, int] = {}
        self._now = PeopleGroup.BLOCKED

    def show(self, now: PeopleGroup, counts: dict[PeopleGroup, int] | None = None) -> None:
        """Mark the group that is listed; ``counts`` where they were read anew."""
        self._now = now
        if counts is not None:
            self._counts = counts
        self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as the groups take."""
        return 1 + max(zone.y for zone in self.zones(width))

    def zones(self, width: int) -> Sequence[Zone]:
        """One behind the other, with its number as the key."""
        zones: list[Zone] = []
        x = y = 0
        for number, group in enumerate(PeopleGroup, 1):
            text = f" {number} {TITLES[group]}{self._many(group)} "
            if x and x + len(text) > width:
                x, y = 0, y + 1
            style = "bold $on-brand on $brand" if group is self._now else "$ink"
            zones.append(Zone(x, y, ((text, style),), partial(self._pick, group)))
            x += len(text)
        return zones

    def _many(self, group: PeopleGroup) -> str:
        return f": {many(self._counts[group])}" if group in self._counts else ""


class PeopleTable(DataTable[Text]):
    """A row for each person; Enter and a click on the marked row open them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Open"),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, write: Callable[[PersonLine], str]) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, cell_padding=1)
        self._write = write
        self._group = PeopleGroup.BLOCKED
        self._people: list[PersonLine] = []
        self._order, self._descending = PeopleOrder.NAME, False

    @property
    def marked(self) -> str:
        """The holder's id of the marked row; empty where there is none."""
        at = self.cursor_row
        return self._people[at].holder_id if 0 <= at < len(self._people) else ""

    def begin(self, group: PeopleGroup, order: PeopleOrder, *, descending: bool) -> None:
        """Show another list, as yet without rows."""
        self._group, self._order, self._descending = group, order, descending
        self._people = []
        self._lay_out()

    def add(self, people: Sequence[PersonLine]) -> None:
        """Show more rows."""
        self._people += people
        for line in people:
            self.add_row(*self._cells(line))

    def on_resize(self, _event: events.Resize) -> None:
        """Share the new width; the address gives way where there is little."""
        self._lay_out()

    def _lay_out(self) -> None:
        people, at = self._people, self.cursor_row
        columns = self._columns()
        self.clear(columns=True)
        for title, order, width in columns:
            sign = (" ▼" if self._descending else " ▲") if order is self._order else ""
            self.add_column(Text(title + sign), width=width, key=order.value if order else title)
        for line in people:
            self.add_row(*self._cells(line))
        if people:
            self.move_cursor(row=min(at, len(people) - 1))

    def _columns(self) -> list[tuple[str, PeopleOrder | None, int]]:
        """Return title, what it sorts by, and width of each column."""
        date = _DATES.get(self._group)
        fixed = [("Number", PeopleOrder.NUMBER, _NUMBER)]
        last: list[tuple[str, PeopleOrder | None, int]] = [("Standing", None, WIDEST)]
        if date:
            last.insert(0, (date, PeopleOrder.DATE, _DATE))
        taken = sum(width for *_, width in (*fixed, *last))
        rest = max(_LEAST, self.size.width - taken - _PAD * (len(last) + 3) - 2)
        if rest < _BOTH:
            return [*fixed, ("Name", PeopleOrder.NAME, rest), *last]
        name = rest * 2 // 5
        both = ("Name", PeopleOrder.NAME, name), ("Email", None, rest - name)
        return [*fixed, *both, *last]

    def _cells(self, line: PersonLine) -> list[Text]:
        sign, word, _colour = WORDS[line.standing]
        texts = {
            "Number": line.number,
            "Name": line.name,
            "Email": line.email or "–",
            "Standing": f"{sign} {word}",
        }
        dated = self._write(line)
        cells = (texts.get(title, dated) for title, _order, _width in self._columns())
        return [Text(printable(text), no_wrap=True) for text in cells]


class PeopleLists(Page):
    """One group at a time; rows are read as the mark comes near to the last of them."""

    NAME = "Lists"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("s", "sort", "Sort"),
        Binding("r", "reverse", "Reverse"),
        *(
            Binding(str(number), f"group('{group.value}')", TITLES[group], show=False)
            for number, group in enumerate(PeopleGroup, 1)
        ),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._group = PeopleGroup.BLOCKED
        self._order, self._descending = PeopleOrder.NAME, False
        self._more: PagePosition | None = None
        self._reading = False
        self._bar = GroupBar(self._turn_to)
        self._table = PeopleTable(self._date)
        self._empty = Prose(_NOBODY, "quiet")
        self._shown = 0
        self._count = Prose("", "count")

    def compose(self) -> ComposeResult:
        """Groups, rows, and how many are shown."""
        yield self._bar
        yield self._table
        yield self._empty
        yield self._count

    def look_at_group(self, group: PeopleGroup) -> None:
        """Turn to a group; ``shown`` is called next."""
        if group is not self._group:
            self._group = group
            self._order, self._descending = PeopleOrder.NAME, False

    def shown(self) -> None:
        """Read the list from its beginning."""
        self._bar.show(self._group)
        self.ask(self.desk.people.counts, self._show_counts, group="counts")
        self._read_first()

    def _show_counts(self, counts: Mapping[PeopleGroup, int]) -> None:
        self._bar.show(self._group, dict(counts))
        self._say_count()

    # --- reading -------------------------------------------------------------------------

    def _read_first(self) -> None:
        self._more, self._reading = None, True
        self.ask(
            partial(
                self.desk.people.listed,
                self._group,
                self._order,
                descending=self._descending,
                limit=_CHUNK,
            ),
            partial(self._show_first, self._group, self._order, self._descending),
            group="list",
        )

    def _show_first(
        self, group: PeopleGroup, order: PeopleOrder, descending: bool, page: PageOfPeople
    ) -> None:
        marked = self._table.cursor_row
        self._table.begin(group, order, descending=descending)
        self._shown = 0
        self._show_page(page)
        if self._shown:
            self._table.cursor_coordinate = Coordinate(min(marked, self._shown - 1), 0)

    def _read_on(self) -> None:
        if self._more is None or self._reading:
            return
        self._reading = True
        self.ask(
            partial(
                self.desk.people.listed,
                self._group,
                self._order,
                descending=self._descending,
                after=self._more,
                limit=_CHUNK,
            ),
            self._show_page,
            group="list",
        )

    def _show_page(self, page: PageOfPeople) -> None:
        self._reading = False
        self._more = page.more
        self._shown += len(page.people)
        self._table.add(page.people)
        self._table.display = bool(self._shown)
        self._empty.display = not self._shown
        self._say_count()
        self.refresh_bindings()

    def _date(self, line: PersonLine) -> str:
        if line.date is None:
            return ""
        ends = self._group is PeopleGroup.EXPIRING
        return last_day(line.date) if ends else shell_of(self).times.day(line.date)

    def _say_count(self) -> None:
        if not self._shown:
            self._count.say("")
        elif self._more is None:
            self._count.say("1 person" if self._shown == 1 else f"{self._shown:,} people")
        else:
            self._count.say(f"The first {self._shown:,}; more are read as you go down.")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Read on where the mark is near to the end."""
        event.stop()
        if event.cursor_row >= self._shown - _NEAR:
            self._read_on()

    # --- what the keys do ----------------------------------------------------------------

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the person."""
        event.stop()
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column, or turn it round."""
        event.stop()
        key = event.column_key.value
        if key in {order.value for order in PeopleOrder}:
            self._sort(PeopleOrder(key))

    def action_open(self) -> None:
        """Show the marked person."""
        if self._table.marked:
            shell_of(self).show_person(self._table.marked)

    def action_group(self, group: str) -> None:
        """Turn to another group."""
        self._turn_to(PeopleGroup(group))

    def _turn_to(self, group: PeopleGroup) -> None:
        self.look_at_group(group)
        self._table.move_cursor(row=0)
        self.shown()

    def action_sort(self) -> None:
        """Sort by the next column that sorts."""
        orders = [PeopleOrder.NUMBER, PeopleOrder.NAME]
        if self._group in _DATES:
            orders.append(PeopleOrder.DATE)
        at = orders.index(self._order) + 1
        self._order, self._descending = orders[at % len(orders)], False
        self._read_first()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._descending = not self._descending
        self._read_first()

    def _sort(self, order: PeopleOrder) -> None:
        self._descending = order is self._order and not self._descending
        self._order = order
        self._read_first()

    def action_back(self) -> None:
        """Go back to the search."""
        shell_of(self).go_to("People")


def many(count: int) -> str:
    """Write how many people there are; at the limit of counting there may be more."""
    return f"{count:,} or more" if count >= MOST_COUNTED else f"{count:,}"
