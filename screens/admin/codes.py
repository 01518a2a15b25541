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
from screens.admin.codes_list import CodesList
from screens.admin.dialogs import codes
from screens.admin.dialogs.form import Form
from screens.admin.page import Page, shell_of
from screens.widgets.prose import Prose

REFRESH_S = 10.0
"""Seconds after which the list is read anew by itself."""

_WHAT = (
    "A code that a colleague gave works only once somebody else agrees. Speak to them first: "
    "how did they make sure who it was?"
)
_NONE = "No code waits for a second member of staff."
_OWN = "You gave this code yourself: somebody else has to agree."


class CodesPage(Page):
    """Oldest first; it is read anew by itself while it shows."""

    NAME = "Codes"
    NEEDS = Action.SEE_PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "agree", "Agree"),
        Binding("w", "withdraw", "Withdraw"),
        Binding("enter,p", "person", "Open the person"),
    ]
    DEFAULT_CSS = """
    CodesPage {
        padding: 1 1 0 1;
        & > .what { margin: 0 0 1 0; }
        & > .own { color: $quiet; margin: 1 0 0 0; }
    }
    """

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._list = CodesList(desk.me.name)
        self._state = Prose("", "state")
        self._own = Prose(_OWN, "own")

    def compose(self) -> ComposeResult:
        """What it is about, the codes, and what there is to know of the one that is marked."""
        yield Prose(_WHAT, "what")
        yield self._list
        yield self._state
        yield self._own

    def on_mount(self) -> None:
        """Read anew from time to time."""
        self._own.display = False
        self.set_interval(REFRESH_S, self._again)

    def shown(self) -> None:
        """Read the codes."""
        self.ask(self.desk.codes.waiting, self._show)

    def _again(self) -> None:
        if self.is_up:
            self.shown()

    def _show(self, waiting: tuple[CodeLine, ...]) -> None:
        self._list.show(waiting, shell_of(self).times)
        self._state.say("" if waiting else _NONE)
        self._state.display = not waiting
        if self.screen.focused is None:
            self.take_focus()  # the list took no focus while it was empty
        self._marked()

    def on_codes_list_marked(self) -> None:
        """Offer what fits the one that is marked now."""
        self._marked()

    def _marked(self) -> None:
        code = self._list.marked
        self._own.display = code is not None and code.issued_by == self.desk.me.name
        self.refresh_bindings()

    # --- what is done ------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what makes sense for the code that is marked."""
        code = self._list.marked
        if action == "agree":
            return code is not None and code.issued_by != self.desk.me.name
        if action == "withdraw":
            return code is not None and self.permits(Action.ISSUE_CODE)
        return code is not None

    def action_agree(self) -> None:
        """Ask on what grounds."""
        self._ask_about(codes.agree)

    def action_withdraw(self) -> None:
        """Ask why."""
        self._ask_about(codes.withdraw)

    def action_person(self) -> None:
        """Show whose code it is."""
        if self._list.marked is not None:
            shell_of(self).show_person(self._list.marked.holder_id)

    def on_codes_list_picked(self) -> None:
        """Show whose code was clicked twice, or confirmed with Enter."""
        self.action_person()

    def _ask_about(self, form: Callable[[AdminDesk, CodeLine], Form[Done]]) -> None:
        if self._list.marked is not None:
            self.put(form(self.desk, self._list.marked))
