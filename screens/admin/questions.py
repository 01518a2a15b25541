"""The security questions: which are offered, and how many people use each."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from kiosk.authority.administration.views import QuestionLine
from kiosk.authority.roles import Action
from kiosk.authority.wording import numbered
from screens.admin.dialogs.form import REASON, Entry, Form, grounds_of
from screens.admin.page import LinesPage, app_of
from screens.admin.widgets import Column, TableLine

_LONGEST = 64
_NOBODY_SEES = "Answers are kept as hashes; nobody can look at one."
_GOOD = "Ask for a word or two that stay the same for ever and stand on no profile."


class QuestionsPage(LinesPage[QuestionLine]):
    """A table, the retired ones last, and the meaning of the marked row."""

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
        Binding("b", "revive", "Offer again"),
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
        times = app_of(self).times
        if line.retired_at is not None:
            since = times.day(line.retired_at)
            return f"{line.text}\nOffered to nobody new since {since}. {_kept(line)} {_NOBODY_SEES}"
        use = numbered(line.used_by, "person uses", "people use")
        used = f"{use} it." if line.used_by else "Nobody uses it."
        return f"{line.text}\nOffered to everybody who registers. {used} {_NOBODY_SEES}"

    # --- acts ----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.permits(Action.EDIT_QUESTIONS):
            return False
        if action in ("retire", "revive"):
            line = self.marked
            return line is not None and (line.retired_at is None) == (action == "retire")
        return True

    def action_add(self) -> None:
        self.put(
            Form(
                "Add a question",
                "Everybody who registers from now on can choose it.",
                (Entry("text", "Question", hint=_GOOD, most=_LONGEST), REASON),
                lambda values: self.desk.questions.add(values["text"], grounds_of(values)),
                button="Add",
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

    def action_revive(self) -> None:
        line = self.marked
        if line is not None:
            self.put(
                Form(
                    "Offer a question again",
                    f"“{line.text}” is offered to everybody who registers from now on.",
                    (REASON,),
                    lambda values: self.desk.questions.revive(line.id, grounds_of(values)),
                    button="Offer again",
                )
            )


def _kept(line: QuestionLine) -> str:
    if not line.used_by:
        return "Nobody uses it."
    who = (
        "The 1 person who uses it keeps"
        if line.used_by == 1
        else (f"The {line.used_by:,} people who use it keep")
    )
    return f"{who} it."
