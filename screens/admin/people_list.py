"""The people that a search found."""

from __future__ import annotations

from textual.content import Content

from kiosk.administration.views.people import PersonLine
from screens.admin.people_standing import WIDEST, standing
from screens.admin.table import Column, Row, Table


class PeopleList(Table):
    """A table whose mark the field above it moves, so that typing goes on: it takes no focus."""

    def __init__(self) -> None:
        super().__init__(
            Column("Number", 12),
            Column("Name", 10, 4),
            Column("Email", 10, 5),
            Column("Standing", WIDEST),
        )
        self._list.can_focus = False

    def show_people(self, people: tuple[PersonLine, ...]) -> None:
        """Show ``people``; whoever had the mark keeps it."""
        self.display = bool(people)
        self.show([Row(one.holder_id, _cells(one)) for one in people])

    def mark_first(self) -> None:
        """Put the mark on the first: what is shown answers another question."""
        self._list.action_first()

    def pick(self) -> None:
        """Open whoever is marked."""
        self._list.action_select()

    def move(self, step: str) -> None:
        """Move the mark: ``cursor_up``, ``cursor_down``, ``page_up`` or ``page_down``."""
        getattr(self._list, f"action_{step}")()


def _cells(one: PersonLine) -> tuple[str | Content, ...]:
    return one.number, one.name, one.email or "–", standing(one.standing)
