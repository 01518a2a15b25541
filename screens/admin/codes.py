"""The codes by word of mouth that wait for a second member of staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done
from kiosk.administration.views.people import CodeLine
from kiosk.roles import Action
from screens.admin.dialogs import codes
from screens.admin.dialogs.form import Form
from screens.admin.lines import LinesPage
from screens.admin.page import shell_of
from screens.admin.table import Column, Row, Table

_WHAT = (
    "A code that a colleague gave works only once somebody else agrees. Speak to them first: "
    "how did they make sure who it was?"
)
_NONE = "No code waits for a second member of staff. One appears here as soon as it is given."
_OWN = "You gave this code yourself, so somebody else has to agree."


class CodesPage(LinesPage[CodeLine]):
    """Oldest first; it is read anew by itself while it shows."""

    NAME = "Codes"
    TITLE = "Codes that wait for a second member of staff"
    UNMARKED = _WHAT
    NEEDS = Action.SEE_PEOPLE
    REFRESH_S = 10.0
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "agree", "Agree"),
        Binding("w", "withdraw", "Withdraw"),
        Binding("p", "person", "Open the person"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(
            desk,
            Column("For", 12, 3),
            Column("Given by", 10, 2),
            Column("At", 15),
            Column("Runs out in", 11),
            empty=_NONE,
        )

    def shown(self) -> None:
        """Read the codes."""
        self.ask(self.desk.codes.waiting, self.show_lines)

    def row_of(self, code: CodeLine) -> Row:
        """For whom it is, who gave it, when, and until when."""
        times = shell_of(self).times
        by = "you" if self._is_own(code) else code.issued_by
        cells = (code.holder_name, by, times.at(code.issued_at), times.left(code.expires_at))
        return Row(code.code_id, cells)

    def _is_own(self, code: CodeLine) -> bool:
        return code.issued_by == self.desk.me.name

    def explained(self, code: CodeLine) -> str:
        """Say what agreeing means."""
        return _OWN if self._is_own(code) else _WHAT

    # --- what is done ------------------------------------------------------------------

    def on_table_picked(self, event: Table.Picked) -> None:
        """Show whose code it is."""
        event.stop()
        self.action_person()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense for the code that is marked."""
        if self.marked is None:
            return action not in ("agree", "withdraw", "person")
        if action == "agree":
            return self.permits(Action.AGREE_CODE) and not self._is_own(self.marked)
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
        if self.marked is not None:
            shell_of(self).show_person(self.marked.holder_id)

    def _ask_about(self, form: Callable[[AdminDesk, CodeLine], Form[Done]]) -> None:
        if self.marked is not None:
            self.put(form(self.desk, self.marked))
