"""Cards that stations could not serve: not recorded, or not read."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.administration.views import UnknownCard
from kiosk.authority.roles import Action
from screens.admin.page import LinesPage, shell_of
from screens.admin.table import Column, TableLine


class CardsPage(LinesPage[UnknownCard]):
    """The newest come first; below is how the marked one calls itself, and what to do."""

    NAME = "Cards"
    NEEDS = Action.SEE_PEOPLE
    BELOW = "People"
    TITLE = "Cards that no station could serve"
    EMPTY = "No station met a card that it could not serve."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(
            desk,
            Column("When", 12),
            Column("Reference", 9),
            Column("Station", 12, 2),
            Column("What was wrong", 24, 5),
        )

    def shown(self) -> None:
        """Read the list."""
        self.ask(self.desk.cards.unknown, self.show_lines)

    def row_of(self, line: UnknownCard) -> TableLine:
        """When and where, the reference, and what was wrong."""
        when = shell_of(self).times.short(line.at)
        return TableLine(line.reference, (when, line.reference, line.station, line.cause))

    def explained(self, line: UnknownCard) -> str:
        """Say how the card calls itself, whose it nearly is, and what to do."""
        return " ".join((line.said, *line.near, line.advice))

    def action_back(self) -> None:
        """Go back to the search."""
        shell_of(self).go_to("People")
