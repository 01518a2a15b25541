"""The policy, every setting with its limits, and the security questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from kiosk.authority.administration.policy import (
    LONGEST_QUESTION,
    LONGEST_VALUE,
    STOP_CARDS,
    VERIFICATION,
    ways_of,
)
from kiosk.authority.administration.views import Done, PolicyLine, QuestionLine
from kiosk.authority.errors import NotTaken
from kiosk.authority.refusals import StopsManyCards
from kiosk.authority.roles import Action
from kiosk.authority.wording import numbered
from screens.admin.dialogs.form import REASON, REPLACES, Entry, Form, grounds_of, waits
from screens.admin.page import LinesPage
from screens.admin.widgets import Column, TableLine
from screens.words.staff.ways import ways_in_short


class PolicyPage(LinesPage[PolicyLine]):
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
        times = self.times
        about = f"{line.help} Allowed: {_allowed(line)}. Setting: {line.name}."
        if line.changed_at is None:
            return f"{about}\nIt stands as the settings file has it."
        who = f"{line.changed_by} set it {times.at(line.changed_at)}: {line.reason}"
        if line.trouble:
            return f"{about}\n{who}\n! Not in force: {line.trouble}."
        return f"{about}\n{who}\nThe settings file says {_shown(line.in_file)}."

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        if self.permits(Action.CHANGE_POLICY):
            self.action_change()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.marked is not None and self.permits(Action.CHANGE_POLICY)

    def action_change(self) -> None:
        line = self.marked
        if line is None:
            return
        words = tuple(word.strip('"') for word in line.allowed.split(" or "))
        are_values = len(words) > 1 and all(" " not in word for word in words)
        values = {_shown(word): word for word in words} if are_values else {}
        choices, is_number = tuple(values), line.value.isdecimal()
        limits = f"Allowed: {_allowed(line)}."
        entry = Entry(
            "value",
            "Value",
            _shown(line.value) if values else line.value,
            f"{limits} {REPLACES}" if is_number else limits,
            most=LONGEST_VALUE,
            choices=choices,
            closed=bool(choices),
            required=bool(choices),
            replaces=is_number,
            check=None if choices else lambda text: self.desk.policy.problem(line.name, text),
            explain=_ways_of_text if line.name == VERIFICATION else None,
        )
        asked: list[str] = []

        def send(given: Mapping[str, str]) -> Done:
            value = values.get(given["value"], given["value"])
            if line.name == STOP_CARDS and value.strip() and value not in asked:
                count = self.desk.policy.stops(value)
                asked.append(value)
                raise NotTaken("value", StopsManyCards(count.stopped, count.cards))
            return self.desk.policy.change(
                line.name,
                value,
                self._lines[line.name].revision,
                grounds_of(given),
                sure=value in asked,
            )

        rest = line.help.removeprefix(in_words(line)).lstrip(".;: ")
        further = f"{rest[:1].upper()}{rest[1:]} " if rest else ""
        self.put(
            Form(
                in_words(line),
                f"{further}The setting {line.name}; the settings file says {_shown(line.in_file)}.",
                (entry, REASON),
                send,
                button="Change",
                ahead=waits(self.desk, Action.CHANGE_POLICY),
            )
        )


def _ways_of_text(text: str) -> str:
    """Say what a value of ``verification`` means before it is set; nothing where it is none."""
    ways = ways_of(text)
    return ways_in_short(ways) if ways else ""


def in_words(line: PolicyLine) -> str:
    """Return what a setting decides in a few words: the beginning of its explanation."""
    return re.split(r"[.;:] |\.$", line.help, maxsplit=1)[0]


_WORDS = {"true": "yes", "false": "no", "when-it-can": "when the card can"}
"""Values of the settings file that are no words for people."""


def _shown(value: str) -> str:
    return _WORDS.get(value, value) or "(none)"


def _allowed(line: PolicyLine) -> str:
    return " or ".join(_shown(word.strip('"')) for word in line.allowed.split(" or "))


# The security questions: which are offered, and how many people use each.

_NOBODY_SEES = "Answers are kept as hashes; nobody can look at one."


class QuestionsPage(LinesPage[QuestionLine]):
    NAME = "Questions"
    EMPTY = "There is no question yet. “kiosk setup” loads a first list; a adds one."
    NEEDS = Action.SEE_QUESTIONS
    COLUMNS = (
        Column("State", 9),
        Column("Question", 48, 1),
        Column("Used by", 9, right=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add"),
        Binding("r", "retire", "Retire"),
    ]

    def shown(self) -> None:
        self.ask(self.desk.questions.every, self._show)

    def _show(self, lines: tuple[QuestionLine, ...]) -> None:
        offered = sum(line.retired_at is None for line in lines)
        self._title.say(f"{numbered(offered, 'question is', 'questions are')} offered")
        self.show_lines(lines)

    def row_of(self, line: QuestionLine) -> TableLine:
        state = ("– retired", "quiet") if line.retired_at else ("✓ offered", "done")
        return TableLine(str(line.id), (state, line.text, f"{line.used_by:,}"))

    def explained(self, line: QuestionLine) -> str:
        times = self.times
        asked = "\n".join((line.text, *(f"{tag}: {text}" for tag, text in line.others.items())))
        if line.retired_at is not None:
            since = times.day(line.retired_at)
            return f"{asked}\nOffered to nobody new since {since}. {_kept(line)} {_NOBODY_SEES}"
        use = numbered(line.used_by, "person uses", "people use")
        used = f"{use} it." if line.used_by else "Nobody uses it."
        return f"{asked}\nOffered to everybody who registers. {used} {_NOBODY_SEES}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.permits(Action.RETIRE_QUESTION if action == "retire" else Action.ADD_QUESTION):
            return False
        line = self.marked
        return action != "retire" or (line is not None and line.retired_at is None)

    def action_add(self) -> None:
        hint = "Ask for a word or two that stay the same for ever and stand on no profile."
        self.put(
            Form(
                "Add a question",
                "Everybody who registers from now on can choose it.",
                (Entry("text", "Question", hint=hint, most=LONGEST_QUESTION), REASON),
                lambda values: self.desk.questions.add(values["text"], grounds_of(values)),
                button="Add",
                ahead=waits(self.desk, Action.ADD_QUESTION),
            )
        )

    def action_retire(self) -> None:
        line = self.marked
        if line is not None:
            self.put(
                Form(
                    "Retire a question",
                    f"“{line.text}” is offered to nobody new. {_kept(line)}",
                    (REASON,),
                    lambda values: self.desk.questions.retire(line.id, grounds_of(values)),
                    button="Retire",
                )
            )


def _kept(line: QuestionLine) -> str:
    if not line.used_by:
        return "Nobody uses it."
    return f"The {numbered(line.used_by, 'person who uses it keeps', 'people who use it keep')} it."
