"""The policy: every setting with its limits, where its value comes from, and why."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from kiosk.administration.desk import AdminDesk
from kiosk.administration.views.acting import Done, Grounds
from kiosk.administration.views.service import PolicyLine
from kiosk.roles import Action
from screens.admin.dialogs.entry import Entry
from screens.admin.dialogs.form import Form
from screens.admin.dialogs.grounds import AskGrounds, grounds_entries, grounds_of
from screens.admin.lines import LinesPage
from screens.admin.page import shell_of
from screens.admin.table import Column, Row
from screens.admin.times import Times

_MOST = 1000


class PolicyPage(LinesPage[PolicyLine]):
    """A table, and below it all about the marked setting."""

    NAME = "Policy"
    TITLE = "Policy: a change counts at every station within a minute"
    NEEDS = Action.SEE_POLICY
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "change", "Change"),
        Binding("b", "reset", "Back to the file's"),
    ]

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(
            desk, Column("Setting", 22), Column("Value", 22, 1), Column("Set by", 22, 1)
        )

    def shown(self) -> None:
        """Read the settings."""
        self.ask(self.desk.policy.every, self.show_lines)

    def row_of(self, line: PolicyLine) -> Row:
        """Name, value, and who set it."""
        return _row(line)

    def explained(self, line: PolicyLine) -> str:
        """Say what it means, its limits, and why it was set."""
        return _explained(line, shell_of(self).times)

    # --- what is done --------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer managers what can be done now."""
        line = self.marked
        if line is None or not self.permits(Action.CHANGE_POLICY):
            return False
        return action != "reset" or line.changed_at is not None

    def action_change(self) -> None:
        """Ask for the value, and why."""
        line = self.marked
        if line is None:
            return
        entry = Entry(
            "value",
            "Value",
            line.value,
            f"Allowed: {line.allowed}.",
            most=_MOST,
            choices=_choices(line.allowed),
            required=False,
        )
        self.put(
            Form(
                f"Change {line.name}",
                f"{line.help} The settings file says {_said(line.in_file)}.",
                (entry, *grounds_entries(identifies=False)),
                lambda values: self._change(line.name, values["value"], grounds_of(values)),
                button="Change",
            )
        )

    def _change(self, name: str, value: str, grounds: Grounds) -> Done:
        return self.desk.policy.change(name, value, self._lines[name].revision, grounds)

    def action_reset(self) -> None:
        """Ask why."""
        line = self.marked
        if line is not None:
            self.put(
                AskGrounds(
                    f"Put {line.name} back",
                    f"It is {_said(line.value)} now. The settings file says {_said(line.in_file)}, "
                    "and counts from then on, also where it is changed later.",
                    lambda grounds: self._reset(line.name, grounds),
                    button="Put back",
                )
            )

    def _reset(self, name: str, grounds: Grounds) -> Done:
        return self.desk.policy.reset(name, self._lines[name].revision, grounds)


def _row(line: PolicyLine) -> Row:
    if line.trouble:
        by = Content.assemble(("! does not count", "$alarm"))
    elif line.changed_at is not None:
        by = Content.assemble((f"* {line.changed_by}", "$brand"))
    else:
        by = Content.assemble(("  settings file", "$quiet"))
    return Row(line.name, (line.name, _said(line.value), by))


def _said(value: str) -> str:
    return value or "(none)"


def _choices(allowed: str) -> tuple[str, ...]:
    """Return what can be chosen, where the limits name single words."""
    words = tuple(word.strip('"') for word in allowed.split(" or "))
    return words if len(words) > 1 and all(" " not in word for word in words) else ()


def _explained(line: PolicyLine, times: Times) -> str:
    about = f"{line.help} Allowed: {line.allowed}."
    if line.changed_at is None:
        return f"{about}\nIt stands as the settings file has it."
    who = f"{line.changed_by} set it {times.at(line.changed_at)}: {line.reason}"
    if line.trouble:
        return f"{about}\n{who}\n! Not in force: {line.trouble}."
    return f"{about}\n{who}\nThe settings file says {_said(line.in_file)}."
