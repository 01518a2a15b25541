"""Answer one's own questions, one a page; the set is judged when all are given."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Horizontal
from textual.widget import Widget

from kiosk.station.states import AskQuestion
from screens.kiosk.answer_page import AnswerPage
from screens.kiosk.kit import Kit
from screens.widgets.prose import Note, Prose
from screens.words import questions as words


class AskQuestionPage(AnswerPage, inherit_bindings=False):
    """The question, and dots for its answer until the holder wants to see it."""

    def __init__(self, kit: Kit, state: AskQuestion) -> None:
        super().__init__(kit, state, shown=False)
        self._state = state

    def can_go_back(self) -> bool:
        """There is nothing before the first question."""
        return bool(self._state.given)

    def head(self) -> Iterator[Widget]:
        """Say which question it is and how many attempts there are, or that a set was wrong."""
        task = self._state.task
        if self._state.wrong:
            yield Note(words.wrong(task.attempts_left))
        else:
            lead = words.lead(len(self._state.given) + 1, len(task.questions))
            left = Prose(words.attempts(task.attempts_left), "lead where")
            yield Horizontal(Prose(lead, "lead"), left, classes="heading")
        yield Prose(self._state.question.text, "title question")
