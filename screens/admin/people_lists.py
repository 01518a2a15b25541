"""People by their standing, such as blocked, and the cards that no station could serve."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable, Tab

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import (
    MOST_COUNTED,
    ListedPeople,
    PersonLine,
    UnknownCard,
)
from kiosk.authority.people_groups import PagePosition, PeopleGroup, PeopleOrder
from kiosk.authority.roles import Action
from kiosk.authority.wording import numbered
from screens.admin.dialogs.cards import last_day
from screens.admin.page import IN_DIALOG, AdminPage, LinesPage, app_of
from screens.admin.people import STANDINGS, WIDEST, add_to_person
from screens.admin.widgets import Cell, Column, TabBar, Table, TableLine
from screens.widgets.prose import Prose
from screens.words.staff.found import card_words, fault_words, near_lines

TITLES = {
    PeopleGroup.BLOCKED: "Blocked",
    PeopleGroup.NOT_REGISTERED: "Not registered",
    PeopleGroup.NO_CARD: "No card",
    PeopleGroup.EXPIRING: "Card ends this month",
    PeopleGroup.CARD_IN_DOUBT: "Card in doubt",
    PeopleGroup.MAIL_FAILS: "Mail fails",
    PeopleGroup.LEFT: "Left",
    PeopleGroup.EVERYBODY: "Everybody",
}
_DATES = {
    PeopleGroup.BLOCKED: "Blocked on",
    PeopleGroup.EXPIRING: "Card ends",
    PeopleGroup.CARD_IN_DOUBT: "In doubt",
    PeopleGroup.MAIL_FAILS: "Came back",
    PeopleGroup.LEFT: "Left on",
}
_CHUNK = 200
"""People that are read at once."""

_NEAR = 50
"""More are read once the mark is so close to the end."""


class PeopleListsPage(AdminPage):
    """One group at a time; more rows are read as the mark comes close to the last one."""

    NAME = "Lists"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.go_back", "Back"),
        Binding("enter", "open", "Open"),
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
        self._bar = TabBar(
            {group.value: f"{at} {TITLES[group]}" for at, group in enumerate(PeopleGroup, 1)},
            self.action_group,
        )
        self._table = Table()
        self._people: list[PersonLine] = []
        self._count = Prose("", "count")

    def compose(self) -> ComposeResult:
        yield self._bar
        yield self._table
        yield self._count

    def look_at(self, group: PeopleGroup, /) -> None:
        if group is not self._group:
            self._group = group
            self._order, self._descending = PeopleOrder.NAME, False

    def shown(self) -> None:
        self._bar.active = self._group.value
        self.ask(self.desk.people.counts, self._show_counts, group="counts")
        self._read_first()

    def _show_counts(self, counts: Mapping[PeopleGroup, int]) -> None:
        for at, group in enumerate(PeopleGroup, 1):
            tab = self._bar.query_one(f"#{group.value}", Tab)
            tab.label = Content(f"{at} {TITLES[group]}: {many(counts[group])}")
        self._say_count()

    def _read_first(self) -> None:
        self._more = None
        self._read()

    def _read(self) -> None:
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

    def _show_page(self, page: ListedPeople) -> None:
        self._reading = False
        before = [] if self._more is None else self._people
        self._people = [*before, *page.people]
        self._more = page.more
        self._show_table()
        self._say_count()
        self.refresh_bindings()

    def on_desk_refused(self) -> None:
        """Let the list be read on later."""
        self._reading = False

    def _show_table(self) -> None:
        def sorting(title: str, order: PeopleOrder, share: int = 0) -> Column:
            sign = (" ▼" if self._descending else " ▲") if order is self._order else ""
            return Column(f"{title}{sign}", 12, share, order=order.value)

        date = _DATES.get(self._group)
        columns = (
            sorting("Number", PeopleOrder.NUMBER),
            sorting("Name", PeopleOrder.NAME, 2),
            Column("Email", 20, 3, optional=True),
            *([sorting(date, PeopleOrder.DATE)] if date else []),
            Column("Standing", WIDEST),
        )
        words = last_day if self._group is PeopleGroup.EXPIRING else self.times.day
        lines = []
        for one in self._people:
            cells: list[Cell] = [one.number, one.name, one.email or "–"]
            if date:
                cells.append(words(one.date) if one.date else "")
            cells.append(STANDINGS[one.standing])
            lines.append(TableLine(one.holder_id, tuple(cells)))
        self._table.show(lines, columns)

    def _say_count(self) -> None:
        shown = len(self._people)
        if not shown:
            self._count.say("There is nobody in this list.")
        elif self._more is None:
            self._count.say(numbered(shown, "person", "people"))
        else:
            self._count.say(f"The first {shown:,}; more are read as you go down.")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        near = self._table.cursor_row >= len(self._people) - _NEAR
        if near and self._more is not None and not self._reading:
            self._read()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        event.stop()
        key = event.column_key.value
        if key in {order.value for order in PeopleOrder}:
            order = PeopleOrder(key)
            self._descending = order is self._order and not self._descending
            self._order = order
            self._read_first()

    def action_open(self) -> None:
        if self._table.marked:
            app_of(self).show_person(self._table.marked)

    def action_group(self, group: str) -> None:
        self.look_at(PeopleGroup(group))
        self._table.move_cursor(row=0)
        self.shown()

    def action_sort(self) -> None:
        orders = [PeopleOrder.NUMBER, PeopleOrder.NAME]
        if self._group in _DATES:
            orders.append(PeopleOrder.DATE)
        at = orders.index(self._order) + 1
        self._order, self._descending = orders[at % len(orders)], False
        self._read_first()

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self._read_first()


def many(count: int) -> str:
    """Format a number of people; at the limit of counting there may be more."""
    return f"{count:,}+" if count >= MOST_COUNTED else f"{count:,}"


class CardsPage(LinesPage[UnknownCard]):
    """Cards that stations could not serve: not recorded, or not read; the newest first."""

    NAME = "Cards"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    TITLE = "Cards that no station could serve"
    EMPTY = "No station met a card that it could not serve."
    COLUMNS = (
        Column("When", 12),
        Column("Reference", 9),
        Column("Station", 12, 2),
        Column("What was wrong", 24, 5),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.go_back", "Back"),
        Binding("a", "add", "Add to a person"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.cards.unknown, self.show_lines)

    def row_of(self, line: UnknownCard) -> TableLine:
        when = self.times.short(line.at)
        return TableLine(
            line.reference, (when, line.reference, line.station, fault_words(line).cause)
        )

    def explained(self, line: UnknownCard) -> str:
        return " ".join((card_words(line), *near_lines(line), fault_words(line).advice))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to add a card that was read and belongs to nobody."""
        if action != "add":
            return True
        line = self.marked
        return self.permits(Action.ADD_CARD) and line is not None and line.can_be_added

    @work(group=IN_DIALOG)
    async def action_add(self) -> None:
        if self.marked is not None:
            await add_to_person(self, self.marked)
