"""The policy: every setting with its limits, the source of its value, and the reason."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.binding import Binding, BindingType

from kiosk.authority.administration.views import PolicyLine
from kiosk.authority.roles import Action
from screens.admin.dialogs.form import REASON, REPLACES, Entry, Form, grounds_of, waits
from screens.admin.page import LinesPage, app_of
from screens.admin.widgets import Column, TableLine

_MOST = 1000


class PolicyPage(LinesPage[PolicyLine]):
    """A table, and below it everything about the marked setting."""

    NAME = "Policy"
    TITLE = "Policy: a change counts at every station within a minute"
    NEEDS = Action.SEE_POLICY
    COLUMNS = (
        Column("What is decided", 40, 3, wraps=True),
        Column("", 1),
        Column("Value", 12, 2, wraps=True),
        Column("Setting", 25, optional=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "change", "Change"),
        Binding("b", "reset", "Back to the file's"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.policy.every, self.show_lines)

    def row_of(self, line: PolicyLine) -> TableLine:
        changed = ("*", "brand") if line.changed_at is not None else ""
        sign = ("!", "alarm") if line.trouble else changed
        return TableLine(
            line.name, (in_words(line), sign, _shown(line.value), (line.name, "quiet"))
        )

    def explained(self, line: PolicyLine) -> str:
        times = app_of(self).times
        about = f"{line.help} Allowed: {line.allowed}. Setting: {line.name}."
        if line.changed_at is None:
            return f"{about}\nIt stands as the settings file has it."
        who = f"{line.changed_by} set it {times.at(line.changed_at)}: {line.reason}"
        if line.trouble:
            return f"{about}\n{who}\n! Not in force: {line.trouble}."
        return f"{about}\n{who}\nThe settings file says {_shown(line.in_file)}."

    # --- acts ----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        line = self.marked
        if line is None or not self.permits(Action.CHANGE_POLICY):
            return False
        return action != "reset" or line.changed_at is not None

    def action_change(self) -> None:
        line = self.marked
        if line is None:
            return
        words = tuple(word.strip('"') for word in line.allowed.split(" or "))
        are_values = len(words) > 1 and all(" " not in word for word in words)
        choices, is_number = words if are_values else (), line.value.isdecimal()
        limits = f"Allowed: {line.allowed}."
        entry = Entry(
            "value",
            "Value",
            line.value,
            f"{limits} {REPLACES}" if is_number else limits,
            most=_MOST,
            choices=choices,
            closed=bool(choices),
            required=bool(choices),
            replaces=is_number,
        )
        self.put(
            Form(
                in_words(line),
                f"{_further(line)}The setting {line.name}; the settings file says "
                f"{_shown(line.in_file)}.",
                (entry, REASON),
                lambda values: self.desk.policy.change(
                    line.name, values["value"], self._lines[line.name].revision, grounds_of(values)
                ),
                button="Change",
                ahead=waits(self.desk, Action.CHANGE_POLICY),
            )
        )

    def action_reset(self) -> None:
        line = self.marked
        if line is not None:
            self.put(
                Form(
                    f"Put back: {in_words(line)}",
                    f"The setting {line.name} is {_shown(line.value)} now. The settings file says "
                    f"{_shown(line.in_file)}, and counts from then on, also where it is changed "
                    "later.",
                    (REASON,),
                    lambda values: self.desk.policy.reset(
                        line.name, self._lines[line.name].revision, grounds_of(values)
                    ),
                    button="Put back",
                    ahead=waits(self.desk, Action.CHANGE_POLICY),
                )
            )


def in_words(line: PolicyLine) -> str:
    """Return what a setting decides in a few words: the beginning of its explanation."""
    return re.split(r"[.;:] |\.$", line.help, maxsplit=1)[0]


def _further(line: PolicyLine) -> str:
    """Return the rest of the explanation as sentences, with a space after them, or nothing."""
    rest = line.help.removeprefix(in_words(line)).lstrip(".;: ")
    return f"{rest[:1].upper()}{rest[1:]} " if rest else ""


def _shown(value: str) -> str:
    return value or "(none)"
