"""The people that a search found, one in a row, in columns that take the room there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from kiosk.administration.views.people import PersonLine
from screens.admin.people_standing import WIDEST, standing
from screens.widgets.prose import Prose, printable

_GAP = 2
_NUMBER_LEAST, _NUMBER_MOST = 8, 16
_NAME_SHARE = 0.45


@dataclass(frozen=True, slots=True)
class Columns:
    """The cells that each column takes."""

    number: int
    name: int
    email: int

    def row(self, number: str, name: str, email: str, last: Content | str) -> Content:
        """Return one row; what is too long ends in a mark."""
        cells = ((number, self.number), (name, self.name), (email, self.email))
        fitted = [
            Content(printable(text)).truncate(width, ellipsis=True, pad=True)
            for text, width in cells
        ]
        return Content(" " * _GAP).join([*fitted, last])


def columns_for(people: Sequence[PersonLine], width: int) -> Columns:
    """Share ``width`` cells: numbers and standings are shown whole, the rest is divided."""
    longest = max((len(person.number) for person in people), default=0)
    number = min(max(longest, _NUMBER_LEAST), _NUMBER_MOST)
    rest = max(2, width - number - WIDEST - 3 * _GAP)
    name = max(1, round(rest * _NAME_SHARE))
    return Columns(number, name, rest - name)


class PeopleList(Vertical):
    """A heading and the rows; the search field above moves the mark, so it takes no focus."""

    DEFAULT_CSS = """
    PeopleList {
        height: auto;
        max-height: 1fr;
        & > .heading { height: 1; color: $quiet; text-style: bold; padding: 0 1; }
        & > OptionList {
            border: none;
            padding: 0;
            max-height: 100%;
            background: $paper;
            color: $ink;
            scrollbar-size-vertical: 1;
            & > .option-list--option { padding: 0 1; }
            & > .option-list--option-highlighted {
                background: $brand;
                color: $on-brand;
                text-style: bold;
            }
            & > .option-list--option-hover { background: $ground; }
        }
    }
    """

    class Picked(Message):
        """One of them was clicked, or confirmed with Enter."""

        def __init__(self, holder_id: str) -> None:
            super().__init__()
            self.holder_id = holder_id

    def __init__(self) -> None:
        self._heading = Prose("", "heading")
        self._rows = OptionList(markup=False)
        self._rows.can_focus = False
        self._people: tuple[PersonLine, ...] = ()
        super().__init__(self._heading, self._rows)

    def show(self, people: tuple[PersonLine, ...]) -> None:
        """Show ``people``; the mark stays on whoever had it, else it is on the first."""
        marked = self._marked_id()
        self._people = people
        self.display = bool(people)
        self._lay_out(marked)

    def pick(self) -> None:
        """Open the one that is marked."""
        self._rows.action_select()

    def move(self, step: str) -> None:
        """Move the mark: ``cursor_up``, ``cursor_down``, ``page_up`` or ``page_down``."""
        if self._people:
            getattr(self._rows, f"action_{step}")()

    def _marked_id(self) -> str | None:
        option = self._rows.highlighted_option
        return option.id if option else None

    def _lay_out(self, marked: str | None) -> None:
        columns = columns_for(self._people, self._width())
        self._heading.say(columns.row("Number", "Name", "Email", "Standing").plain)
        self._rows.set_options(
            Option(
                columns.row(one.number, one.name, one.email, standing(one.standing)), one.holder_id
            )
            for one in self._people
        )
        ids = [one.holder_id for one in self._people]
        self._rows.highlighted = ids.index(marked) if marked in ids else (0 if ids else None)

    def _width(self) -> int:
        return max(0, self.size.width - 3)  # a cell at both ends, and the scroll bar

    def on_resize(self, event: events.Resize) -> None:
        """Share the new width."""
        self._lay_out(self._marked_id())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell the page who it was."""
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Picked(event.option_id))
