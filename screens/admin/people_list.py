"""The people that a search found."""

from __future__ import annotations

from textual.content import Content

from kiosk.administration.views.people import PersonLine
from screens.admin.people_standing import WIDEST, standing
from screens.admin.table import Column, LedTable, Row


class PeopleList(LedTable):
    """A table that the search field leads."""

    def __init__(self) -> None:
        super().__init__(
            Column("Number", 12),
            Column("Name", 10, 4),
            Column("Email", 10, 5),
            Column("Standing", WIDEST),
        )

    def show_people(self, people: tuple[PersonLine, ...]) -> None:
        """Show ``people``; whoever had the mark keeps it."""
        self.display = bool(people)
        self.show([Row(one.holder_id, _cells(one)) for one in people])


def _cells(one: PersonLine) -> tuple[str | Content, ...]:
    return one.number, one.name, one.email or "–", standing(one.standing)
