"""The codes by word of mouth that wait for a second member of staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import CodeLine
from kiosk.roles import Action
from screens.admin.dialogs import codes
from screens.admin.dialogs.form import Form
from screens.admin.page import Page, shell_of
from screens.admin.table import Column, Row, Table
from screens.widgets.prose import Prose

REFRESH_S = 10.0
"""Seconds between looks while the page is up."""

_WHAT = (
    "A code that a colleague gave works only once somebody else agrees. Speak to them first: "
    "how did they make sure who it was?"
)
_NONE = "No code waits for a second member of staff. One appears here as soon as it is given."
_OWN = "You gave this code yourself, so somebody else has to agree."


class CodesPage(Page):
    """Oldest first; it is read anew by itself while it shows."""

    NAME = "Codes"
    NEEDS = Action.SEE_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "agree", "Agree"),
        Binding("w", "withdraw", "Withdraw"),
        Binding("p", "person", "Open the person"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._codes: dict[str, CodeLine] = {}
        self._table = Table(
            Column("For", 12, 3),
            Column("Given by", 10, 2),
            Column("At", 15),
            Column("Runs out in", 11),
            empty=_NONE,
        )
        self._words = Prose("", "explained")

    def compose(self) -> ComposeResult:
        """The codes, and what there is to know of the one that is marked."""
        yield Prose("Codes that wait for a second member of staff", "title")
        yield self._table
        yield self._words

    def on_mount(self) -> None:
        """Read anew from time to time."""
        self.set_interval(REFRESH_S, self._again)

    def shown(self) -> None:
        """Read the codes."""
        self.ask(self.desk.codes.waiting, self._show)

    def _again(self) -> None:
        if self.is_up:
            self.shown()

    def _show(self, waiting: tuple[CodeLine, ...]) -> None:
        self._codes = {code.code_id: code for code in waiting}
        self._table.show([self._row(code) for code in waiting])
        self._explain()

    def _row(self, code: CodeLine) -> Row:
        times = shell_of(self).times
        by = "you" if self._is_own(code) else code.issued_by
        cells = (code.holder_name, by, times.at(code.issued_at), times.left(code.expires_at))
        return Row(code.code_id, cells)

    def _is_own(self, code: CodeLine) -> bool:
        return code.issued_by == self.desk.me.name

    # --- the marked one ----------------------------------------------------------------

    @property
    def _marked(self) -> CodeLine | None:
        return self._codes.get(self._table.marked)

    def on_table_marked(self, event: Table.Marked) -> None:
        """Offer what fits it."""
        event.stop()
        self._explain()

    def on_table_picked(self, event: Table.Picked) -> None:
        """Show whose code it is."""
        event.stop()
        self.action_person()

    def _explain(self) -> None:
        own = self._marked is not None and self._is_own(self._marked)
        self._words.say(_OWN if own else _WHAT)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense for the code that is marked."""
        if self._marked is None:
            return action not in ("agree", "withdraw", "person")
        if action == "agree":
            return self.permits(Action.AGREE_CODE) and not self._is_own(self._marked)
        if action == "withdraw":
            return self.permits(Action.WITHDRAW_CODE)
        return True

    def action_agree(self) -> None:
        """Ask on what grounds."""
        self._ask_about(codes.agree)

    def action_withdraw(self) -> None:
        """Ask why."""
        self._ask_about(codes.withdraw)

    def action_person(self) -> None:
        """Show whose code it is."""
        if self._marked is not None:
            shell_of(self).show_person(self._marked.holder_id)

    def _ask_about(self, form: Callable[[AdminDesk, CodeLine], Form[Done]]) -> None:
        if self._marked is not None:
            self.put(form(self.desk, self._marked))
